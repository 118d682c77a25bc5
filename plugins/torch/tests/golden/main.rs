//! What is read and made here equals what bitsandbytes and PEFT write; `make.py` makes the goldens.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod adapter;
mod nf4;

use gloss_torch::Checkpoint;
use tch::{Device, Tensor};

/// Opens a golden file.
fn golden(name: &str) -> Checkpoint {
    Checkpoint::open_file(path(name)).unwrap()
}

/// The path of a golden file or folder.
fn path(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Reads a tensor of whatever shape it has.
fn read(checkpoint: &Checkpoint, name: &str) -> Tensor {
    let shape = checkpoint.shape(name).unwrap();
    checkpoint.tensor(name, &shape, Device::Cpu).unwrap()
}

/// The bytes of a tensor.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.contiguous().copy_data_u8(&mut bytes, tensor.numel());
    bytes
}
