//! Settings of libtorch that have no C interface: methods of `at::Context`, found by their names.

use std::ffi::c_void;

use tch::Device;

/// Has attention computed by libtorch's own kernels. On Hopper libtorch prefers cuDNN's, for which it
/// builds a plan for every shape that it has not seen, far slower than the attention itself where
/// shapes are those of texts. A libtorch without this setting keeps its preference.
#[allow(unsafe_code, reason = "the setting has no C interface")]
pub(super) fn avoid_cudnn_attention() {
    type Set = unsafe extern "C" fn(*mut c_void, bool);
    // SAFETY: this is `at::Context::setSDPUseCuDNN(bool)`, whose name tells this type.
    unsafe {
        if let Some((set, context)) = method::<Set>(b"_ZN2at7Context14setSDPUseCuDNNEb\0") {
            set(context, false);
        }
    }
}

/// Does some work on a device with those of libtorch's kernels that add in one order, so that the same
/// numbers come to the same bytes. Without it, the backward pass of attention on a GPU adds in the order in
/// which the parts are done. On the CPU all kernels add in one order; there nothing changes.
pub fn deterministic<T>(device: Device, work: impl FnOnce() -> T) -> T {
    let _on = device.is_cuda().then(Deterministic::switch_on);
    work()
}

/// While this lives, libtorch takes deterministic kernels, and fails where it has none.
struct Deterministic;

impl Deterministic {
    fn switch_on() -> Self {
        // Else each tensor that is about to be written is filled before.
        set_fill(false);
        set_deterministic(true);
        Deterministic
    }
}

impl Drop for Deterministic {
    fn drop(&mut self) {
        set_deterministic(false);
        set_fill(true);
    }
}

#[allow(unsafe_code, reason = "the setting has no C interface")]
fn set_deterministic(on: bool) {
    type Set = unsafe extern "C" fn(*mut c_void, bool, bool);
    let name = b"_ZN2at7Context26setDeterministicAlgorithmsEbb\0";
    // SAFETY: this is `at::Context::setDeterministicAlgorithms(bool, bool warn_only)`, whose name tells
    // this type.
    unsafe {
        if let Some((set, context)) = method::<Set>(name) {
            set(context, on, false);
        }
    }
}

#[allow(unsafe_code, reason = "the setting has no C interface")]
fn set_fill(on: bool) {
    type Set = unsafe extern "C" fn(*mut c_void, bool);
    let name = b"_ZN2at7Context39setDeterministicFillUninitializedMemoryEb\0";
    // SAFETY: this is `at::Context::setDeterministicFillUninitializedMemory(bool)`, whose name tells this
    // type.
    unsafe {
        if let Some((set, context)) = method::<Set>(name) {
            set(context, on);
        }
    }
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

    #[test]
    fn kernels_are_deterministic_during_the_work_and_not_after() {
        let on = || says(b"_ZNK2at7Context23deterministicAlgorithmsEv\0");
        let warns = || says(b"_ZNK2at7Context31deterministicAlgorithmsWarnOnlyEv\0");
        let seen = deterministic(Device::Cuda(0), || (on(), warns()));
        assert_eq!(seen, (Some(true), Some(false)));
        assert_eq!(on(), Some(false));
        assert_eq!(deterministic(Device::Cpu, on), Some(false));
    }
}
