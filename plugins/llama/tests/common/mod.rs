//! Checkpoints and golden files for tests.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by several test binaries, which fail by panicking"
)]

pub mod beauty;

use std::path::{Path, PathBuf};

use gloss_llama::{LoadOptions, Model};
use tch::{Device, Kind};

/// A file or folder beside the tests.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// A tiny checkpoint.
pub fn fixture(name: &str) -> PathBuf {
    path("fixtures").join(name)
}

/// In f32 on the CPU, an adapter apart from the weights.
pub const F32: LoadOptions = LoadOptions {
    device: Device::Cpu,
    kind: Kind::Float,
    quantize: false,
    merge: false,
};

/// A tiny checkpoint, loaded; such a one only loses by threads.
pub fn load(name: &str) -> Model {
    tch::set_num_threads(1);
    Model::load(&fixture(name), None, F32).unwrap()
}
