//! Llama as a query generator.
