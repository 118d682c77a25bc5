//! oneDNN's matrix product, by the functions of libtorch's stable C interface (`shim_cpu.h` and
//! `shim.h` of its `aoti_torch`), which libtorch has where it was built with oneDNN.
#![allow(unsafe_code, reason = "the functions of a C interface are called")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

use tch::{Kind, Tensor};

use super::Activation;

/// A pointer to a tensor of libtorch, as tch has it too.
type Handle = *mut c_void;
/// An argument or result in 64 bits: a number, or a pointer.
type Value = u64;

/// `aoti_torch_call_dispatcher`: an operator's name, its overload's, and its arguments, in whose
/// place come the results.
type Dispatch = unsafe extern "C" fn(*const c_char, *const c_char, *mut Value) -> i32;
/// `aoti_torch_cpu__linear_pointwise`: input, weights, bias, what follows, its numbers and how many
/// they are, its variant, and where the result goes.
type Pointwise = unsafe extern "C" fn(
    Handle,
    Handle,
    *mut Handle,
    *const c_char,
    *mut *const f64,
    i64,
    *mut *const c_char,
    *mut Handle,
) -> i32;
/// `aoti_torch_cpu__linear_pointwise_binary`: input, the other tensor, weights, bias, what is done
/// with the other tensor, and where the result goes.
type Binary =
    unsafe extern "C" fn(Handle, Handle, Handle, *mut Handle, *const c_char, *mut Handle) -> i32;

/// The functions, as they were found in this process, which never unloads libtorch.
#[derive(Clone, Copy)]
struct Functions {
    dispatch: Dispatch,
    pointwise: Pointwise,
    binary: Binary,
}

/// The functions, if this libtorch has them.
fn functions() -> Option<Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    *FUNCTIONS.get_or_init(find)
}

#[cfg(unix)]
fn find() -> Option<Functions> {
    let process = libloading::os::unix::Library::this();
    // SAFETY: the types are those that libtorch declares the functions with.
    unsafe {
        Some(Functions {
            dispatch: *process.get(b"aoti_torch_call_dispatcher\0").ok()?,
            pointwise: *process.get(b"aoti_torch_cpu__linear_pointwise\0").ok()?,
            binary: *process
                .get(b"aoti_torch_cpu__linear_pointwise_binary\0")
                .ok()?,
        })
    }
}

#[cfg(not(unix))]
fn find() -> Option<Functions> {
    None
}

/// Weights in oneDNN's own layout.
#[derive(Debug)]
pub(super) struct Packed {
    weight: Tensor,
    outputs: i64,
    inputs: i64,
}

impl Packed {
    /// Lays out `weight` [out, in]; none where there is no oneDNN.
    pub(super) fn new(weight: &Tensor) -> Option<Self> {
        let &[outputs, inputs] = weight.size().as_slice() else {
            return None;
        };
        if outputs == 0 || inputs == 0 {
            return None;
        }
        let own = weight.contiguous();
        // The operator takes the handle over. There is no size of batch to lay them out for.
        let mut stack: [Value; 2] = [handle(&own) as Value, 0];
        std::mem::forget(own);
        let functions = functions()?;
        let name = c"mkldnn::_reorder_linear_weight".as_ptr();
        // SAFETY: the stack has room for the two arguments, and the operator one result.
        let failed = unsafe { (functions.dispatch)(name, c"".as_ptr(), stack.as_mut_ptr()) };
        let weight = (failed == 0).then(|| owned(stack[0] as Handle))?;
        Some(Packed {
            weight,
            outputs,
            inputs,
        })
    }

    pub(super) fn share(&self) -> Self {
        Packed {
            weight: self.weight.shallow_clone(),
            ..*self
        }
    }

    /// Whether oneDNN takes this input.
    fn takes(&self, input: &Tensor) -> bool {
        let shape = input.size();
        input.kind() == Kind::Float
            && input.is_contiguous()
            && matches!(shape[..], [rows, inputs] if rows > 0 && inputs == self.inputs)
    }

    /// The outputs after an activation; none if oneDNN does not do this.
    pub(super) fn activated(
        &self,
        input: &Tensor,
        bias: &Tensor,
        activation: Activation,
    ) -> Option<Tensor> {
        if !self.takes(input) {
            return None;
        }
        let (name, variant): (&CStr, Option<&CStr>) = match activation {
            Activation::None => (c"none", None),
            Activation::Relu => (c"relu", None),
            Activation::Gelu => (c"gelu", Some(c"none")),
            Activation::GeluTanh => (c"gelu", Some(c"tanh")),
        };
        let mut bias: Handle = handle(bias);
        let mut variant = variant.map(CStr::as_ptr);
        let variant = variant
            .as_mut()
            .map_or(std::ptr::null_mut(), |v| v as *mut _);
        let mut output: Handle = std::ptr::null_mut();
        // SAFETY: all handles are of tensors that live until the call ends, which takes none over.
        let failed = unsafe {
            (functions()?.pointwise)(
                handle(input),
                handle(&self.weight),
                &mut bias,
                name.as_ptr(),
                std::ptr::null_mut(),
                0,
                variant,
                &mut output,
            )
        };
        (failed == 0).then(|| owned(output))
    }

    /// The outputs with `other` added; none if oneDNN does not do this.
    pub(super) fn added(&self, input: &Tensor, bias: &Tensor, other: &Tensor) -> Option<Tensor> {
        let fits = other.kind() == Kind::Float
            && other.is_contiguous()
            && other.size() == [input.size()[0], self.outputs];
        if !self.takes(input) || !fits {
            return None;
        }
        let mut bias: Handle = handle(bias);
        let mut output: Handle = std::ptr::null_mut();
        // SAFETY: all handles are of tensors that live until the call ends, which takes none over.
        let failed = unsafe {
            (functions()?.binary)(
                handle(input),
                handle(other),
                handle(&self.weight),
                &mut bias,
                c"add".as_ptr(),
                &mut output,
            )
        };
        (failed == 0).then(|| owned(output))
    }
}

fn handle(tensor: &Tensor) -> Handle {
    tensor.as_ptr().cast_mut().cast()
}

/// The tensor of a handle that is ours.
fn owned(handle: Handle) -> Tensor {
    // SAFETY: libtorch has made the tensor for its caller, by `new` as tch's own are made.
    unsafe { Tensor::from_ptr(handle.cast()) }
}
