//! The functions of `libtorch.cpp`.
#![allow(unsafe_code, reason = "the functions are C++")]

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

use tch::Tensor;
// Tells the build script where libtorch is.
use torch_sys as _;

/// A tensor of libtorch, which tch holds by the same pointer.
#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn gloss_set_sdp_cudnn(on: bool);
    #[cfg(test)]
    fn gloss_sdp_cudnn() -> bool;
    fn gloss_set_deterministic(on: bool);
    #[cfg(test)]
    fn gloss_deterministic() -> bool;
    fn gloss_cpu_capability(text: *mut c_char, size: usize);
    fn gloss_pack_linear(weight: *const Handle) -> *mut Handle;
    fn gloss_linear(
        input: *const Handle,
        weight: *const Handle,
        bias: *const Handle,
        activation: *const c_char,
        variant: *const c_char,
    ) -> *mut Handle;
    fn gloss_linear_add(
        input: *const Handle,
        other: *const Handle,
        weight: *const Handle,
        bias: *const Handle,
    ) -> *mut Handle;
}

fn handle(tensor: &Tensor) -> *const Handle {
    tensor.as_ptr().cast()
}

/// The tensor of a handle that a function returned; `None` for null.
fn owned(handle: *mut Handle) -> Option<Tensor> {
    let handle = NonNull::new(handle)?;
    // SAFETY: the functions return tensors made by `new`, as those of tch are.
    Some(unsafe { Tensor::from_ptr(handle.as_ptr().cast()) })
}

/// Lets attention use cuDNN, or forbids it.
pub(crate) fn set_cudnn_attention(on: bool) {
    // SAFETY: sets a flag of the process.
    unsafe { gloss_set_sdp_cudnn(on) }
}

#[cfg(test)]
pub(crate) fn cudnn_attention() -> bool {
    // SAFETY: reads a flag of the process.
    unsafe { gloss_sdp_cudnn() }
}

/// Makes libtorch use deterministic kernels alone, or all kernels.
pub(crate) fn set_deterministic(on: bool) {
    // SAFETY: sets flags of the process.
    unsafe { gloss_set_deterministic(on) }
}

/// Returns `true` if libtorch uses deterministic kernels alone, and fails where there is none.
#[cfg(test)]
pub(crate) fn is_deterministic() -> bool {
    // SAFETY: reads flags of the process.
    unsafe { gloss_deterministic() }
}

/// Returns the instruction set that libtorch's CPU kernels use, such as `AVX2`.
pub(crate) fn cpu_capability() -> String {
    let mut text = [0_u8; 64];
    // SAFETY: writes a C string of at most as many bytes as there are.
    unsafe { gloss_cpu_capability(text.as_mut_ptr().cast(), text.len()) };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
    text.to_string_lossy().into_owned()
}

/// Lays out a weight `[out, in]` for oneDNN; `None` where libtorch has no oneDNN.
pub(crate) fn pack_linear(weight: &Tensor) -> Option<Tensor> {
    // SAFETY: the tensor lives until the call ends.
    owned(unsafe { gloss_pack_linear(handle(weight)) })
}

/// A linear layer with a packed weight and an activation; `None` if oneDNN does not support it.
pub(crate) fn linear(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    activation: &CStr,
    variant: Option<&CStr>,
) -> Option<Tensor> {
    let variant = variant.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: tensors and texts live until the call ends.
    owned(unsafe {
        gloss_linear(
            handle(input),
            handle(weight),
            handle(bias),
            activation.as_ptr(),
            variant,
        )
    })
}

/// A linear layer with a packed weight, `other` added; `None` if oneDNN does not support it.
pub(crate) fn linear_add(
    input: &Tensor,
    other: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Option<Tensor> {
    // SAFETY: the tensors live until the call ends.
    owned(unsafe { gloss_linear_add(handle(input), handle(other), handle(weight), handle(bias)) })
}
