//! Settings of libtorch that have no C interface: methods of `at::Context`, found by their names.

use std::ffi::c_void;

use tch::{Device, TchError};

/// Has attention computed by libtorch's own kernels. On Hopper libtorch prefers cuDNN's, for which it
/// builds a plan for every shape that it has not seen, far slower than the attention itself where
/// shapes are those of texts. A libtorch without this setting keeps its preference.
pub(super) fn avoid_cudnn_attention() {
    let _ = set(Setting::CudnnAttention, false);
}

/// Does some work on a device with those of libtorch's kernels that add in one order, so that the same
/// numbers come to the same bytes. Without it, the backward pass of attention on a GPU adds in the
/// order in which the parts are done. On the CPU all kernels add in one order; there nothing changes.
///
/// # Errors
/// Those of the work; on a GPU also that libtorch has no such kernels, or one of the work's
/// operations none.
pub fn deterministic<T>(
    device: Device,
    work: impl FnOnce() -> Result<T, TchError>,
) -> Result<T, TchError> {
    if !device.is_cuda() {
        return work();
    }
    let _on = Deterministic::switch_on()
        .ok_or_else(|| TchError::Torch(format!("this libtorch cannot choose kernels; {ADVICE}")))?;
    work().map_err(|error| match error {
        TchError::Torch(text) if text.contains("a deterministic implementation") => {
            TchError::Torch(format!("{ADVICE}: {text}"))
        }
        other => other,
    })
}

const ADVICE: &str = "give `deterministic = false` to do without sums in one order";

/// While this lives, libtorch takes deterministic kernels, and fails where it has none.
struct Deterministic;

impl Deterministic {
    /// None if this libtorch has no such setting.
    fn switch_on() -> Option<Self> {
        // Else each tensor that is about to be written is filled before.
        set(Setting::Fill, false)?;
        set(Setting::Deterministic, true)?;
        Some(Deterministic)
    }
}

impl Drop for Deterministic {
    fn drop(&mut self) {
        let _ = set(Setting::Deterministic, false);
        let _ = set(Setting::Fill, true);
    }
}

/// A switch of libtorch.
#[derive(Debug, Clone, Copy)]
enum Setting {
    /// `at::Context::setSDPUseCuDNN(bool)`.
    CudnnAttention,
    /// `at::Context::setDeterministicAlgorithms(bool, bool warn_only)`.
    Deterministic,
    /// `at::Context::setDeterministicFillUninitializedMemory(bool)`.
    Fill,
}

/// None if this libtorch does not have the switch.
#[allow(unsafe_code, reason = "the switches have no C interface")]
fn set(setting: Setting, on: bool) -> Option<()> {
    type One = unsafe extern "C" fn(*mut c_void, bool);
    type Two = unsafe extern "C" fn(*mut c_void, bool, bool);
    let name: &[u8] = match setting {
        Setting::CudnnAttention => b"_ZN2at7Context14setSDPUseCuDNNEb\0",
        Setting::Deterministic => b"_ZN2at7Context26setDeterministicAlgorithmsEbb\0",
        Setting::Fill => b"_ZN2at7Context39setDeterministicFillUninitializedMemoryEb\0",
    };
    // SAFETY: each name tells the type: `Eb` ends that of a method of one bool, `Ebb` of two.
    unsafe {
        if let Setting::Deterministic = setting {
            let (set, context) = method::<Two>(name)?;
            set(context, on, false);
        } else {
            let (set, context) = method::<One>(name)?;
            set(context, on);
        }
    }
    Some(())
}

/// The method of this mangled name, if this libtorch has it, and what it is a method of, which lives as
/// long as the process.
///
/// # Safety
///
/// `F` is the type of a pointer to that method.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a name is all that is known of the method")]
unsafe fn method<F: Copy>(name: &[u8]) -> Option<(F, *mut c_void)> {
    type GlobalContext = unsafe extern "C" fn() -> *mut c_void;
    let process = libloading::os::unix::Library::this();
    // SAFETY: the first is `at::globalContext()`, which gives a reference; the other is the caller's care.
    unsafe {
        let context = process.get::<GlobalContext>(b"_ZN2at13globalContextEv\0");
        let method = process.get::<F>(name);
        Some((*method.ok()?, (context.ok()?)()))
    }
}

#[cfg(not(unix))]
#[allow(unsafe_code, reason = "as the other of this name")]
unsafe fn method<F: Copy>(_: &[u8]) -> Option<(F, *mut c_void)> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;

    /// What a method of libtorch's settings says that takes nothing and gives a yes or no.
    #[allow(unsafe_code, reason = "the setting has no C interface")]
    fn says(name: &[u8]) -> Option<bool> {
        type Get = unsafe extern "C" fn(*mut c_void) -> bool;
        // SAFETY: the names in these tests are of methods of this type.
        unsafe {
            let (get, context) = method::<Get>(name)?;
            Some(get(context))
        }
    }

    #[test]
    fn cudnn_attention_is_switched_off() {
        avoid_cudnn_attention();
        assert_eq!(
            says(b"_ZNK2at7Context19userEnabledCuDNNSDPEv\0"),
            Some(false)
        );
    }

    // One test, for the switch is that of the whole process.
    #[test]
    fn kernels_are_deterministic_during_the_work_and_not_after() {
        let on = || says(b"_ZNK2at7Context23deterministicAlgorithmsEv\0");
        let warns = || says(b"_ZNK2at7Context31deterministicAlgorithmsWarnOnlyEv\0");
        let seen = deterministic(Device::Cuda(0), || Ok((on(), warns())));
        assert_eq!(seen.unwrap(), (Some(true), Some(false)));
        assert_eq!(on(), Some(false));
        assert_eq!(
            deterministic(Device::Cpu, || Ok(on())).unwrap(),
            Some(false)
        );

        // An operation that has no such kernel.
        let put = || {
            let place = Tensor::f_from_slice(&[1_i64])?;
            let value = Tensor::f_from_slice(&[1_f32])?;
            Tensor::f_zeros([2], (Kind::Float, Device::Cpu))?.f_put(&place, &value, false)
        };
        assert!(put().is_ok());
        let text = deterministic(Device::Cuda(0), put).unwrap_err().to_string();
        assert!(text.contains("`deterministic = false`"), "{text}");
        assert_eq!(on(), Some(false));
    }
}
