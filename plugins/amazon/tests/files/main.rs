//! Amazon's files: good ones, bad ones, and the real ones.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod bad_input;
mod folder;
mod layouts;
mod real_data;
