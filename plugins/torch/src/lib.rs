//! What the plugins on libtorch share: the choice of a device, checkpoints in Hugging Face's
//! layout, 4-bit weights in that of bitsandbytes, and low-rank adapters in that of PEFT.

mod adapter;
mod checkpoint;
mod device;
mod error;
mod nf4;
mod precision;

pub use adapter::{Adapter, LowRank};
pub use checkpoint::Checkpoint;
pub use device::{DeviceName, Report, report};
pub use error::torch_error;
pub use nf4::Nf4;
pub use precision::Precision;
