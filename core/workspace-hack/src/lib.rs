//! Turns on the same features of shared dependencies in builds with and without libtorch.
//!
//! The plugins on libtorch turn on features of a few small crates on which Arrow, Parquet, tantivy, rustls
//! and rayon depend. Without this crate, a build without libtorch and one with it would share none of those;
//! see the `workspace-hack` of cargo-hakari. `cargo build --unit-graph` (nightly) shows what is built twice.
