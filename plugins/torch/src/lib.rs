//! Shared by the plugins on libtorch: the choice of a device, checkpoints in Hugging Face's
//! layout, 4-bit weights in that of bitsandbytes, and low-rank adapters in that of PEFT.

mod adapter;
mod checkpoint;
mod device;
mod dynamic_map;
mod error;
mod libtorch;
mod linear;
mod memory;
mod nf4;
mod precision;
mod write;

pub use adapter::{Adapter, LowRank, TokenRows};
pub use checkpoint::Checkpoint;
pub use device::{DeviceName, deterministic, device_kind, machine};
pub use dynamic_map::dynamic_map;
pub use error::{torch_error, torch_error_with};
pub use linear::{Activation, Linear};
pub use memory::memory_used;
pub use nf4::Nf4;
pub use precision::Precision;
pub use write::write_safetensors;
