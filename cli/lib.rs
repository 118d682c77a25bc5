//! gloss
