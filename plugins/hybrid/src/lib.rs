//! The retriever `hybrid`.
