//! Settings of libtorch for the whole process.

use tch::{Device, TchError};

use crate::libtorch;

/// Makes attention use libtorch's own kernels. On Hopper libtorch prefers cuDNN's, for which it
/// builds a plan for every new shape, which takes far longer than the attention itself where shapes
/// are those of texts.
pub(super) fn avoid_cudnn_attention() {
    libtorch::set_cudnn_attention(false);
}

/// Runs `work` with deterministic kernels of libtorch alone, so that equal numbers give equal bytes.
/// Otherwise the backward pass of attention on a GPU adds parts in the order in which they are done.
/// On the CPU all kernels are deterministic, and nothing changes.
///
/// # Errors
/// Those of `work`; on a GPU also an operation without a deterministic kernel.
pub fn deterministic<T>(
    device: Device,
    work: impl FnOnce() -> Result<T, TchError>,
) -> Result<T, TchError> {
    if !device.is_cuda() {
        return work();
    }
    let _on = Deterministic::switch_on();
    work().map_err(|error| match error {
        TchError::Torch(text) if text.contains("a deterministic implementation") => {
            TchError::Torch(format!("{ADVICE}: {text}"))
        }
        other => other,
    })
}

const ADVICE: &str = "set `deterministic = false` to allow kernels that are not deterministic";

/// While this lives, libtorch uses deterministic kernels alone.
struct Deterministic;

impl Deterministic {
    fn switch_on() -> Self {
        libtorch::set_deterministic(true);
        Deterministic
    }
}

impl Drop for Deterministic {
    fn drop(&mut self) {
        libtorch::set_deterministic(false);
    }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;

    #[test]
    fn cudnn_attention_is_switched_off() {
        avoid_cudnn_attention();
        assert!(!libtorch::cudnn_attention());
    }

    // One test, since the setting is that of the whole process.
    #[test]
    fn kernels_are_deterministic_during_the_work_and_not_after() {
        let seen = deterministic(Device::Cuda(0), || Ok(libtorch::is_deterministic()));
        assert!(seen.unwrap() && !libtorch::is_deterministic());
        let seen = deterministic(Device::Cpu, || Ok(libtorch::is_deterministic()));
        assert!(!seen.unwrap());

        // An operation that has no such kernel.
        let put = || {
            let place = Tensor::f_from_slice(&[1_i64])?;
            let value = Tensor::f_from_slice(&[1_f32])?;
            Tensor::f_zeros([2], (Kind::Float, Device::Cpu))?.f_put(&place, &value, false)
        };
        assert!(put().is_ok());
        let text = deterministic(Device::Cuda(0), put).unwrap_err().to_string();
        assert!(text.contains("`deterministic = false`"), "{text}");
        assert!(!libtorch::is_deterministic());
    }
}
