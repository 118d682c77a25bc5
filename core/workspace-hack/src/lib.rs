//! Turns on the same features of shared dependencies in builds with and without libtorch.
//!
//! The plugins on libtorch turn on features of a few small crates on which Arrow, Parquet, tantivy, rustls
//! and rayon depend. Without this crate, cargo compiles those once for builds with libtorch and again for
//! builds without. The idea is that of cargo-hakari. `cargo build --unit-graph` (nightly) shows the features
//! of each package.
