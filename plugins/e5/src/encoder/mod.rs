//! From texts to vectors.
