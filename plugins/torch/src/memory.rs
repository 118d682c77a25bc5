//! Memory in use, and the name of a GPU, from the NVIDIA driver.

use gloss_core::process_memory;
use tch::Device;

/// Returns the bytes in use: of the GPU by all programs together, else of this process. `None` where
/// the system does not report it.
pub fn memory_used(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(_) => driver::memory_used(),
        _ => process_memory().map(|memory| memory.current),
    }
}

/// Returns the name of a GPU's model; `None` where the driver does not report it.
pub(crate) fn gpu_name(number: usize) -> Option<String> {
    driver::gpu_name(number)
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the driver is a C library")]
mod driver {
    use std::ffi::{CStr, c_char, c_int};
    use std::sync::OnceLock;

    use libloading::Library;

    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
    type DeviceGet = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
    type DeviceGetName = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;

    /// The driver, opened once per process. libtorch uses it already.
    fn driver() -> Option<&'static Library> {
        static DRIVER: OnceLock<Option<Library>> = OnceLock::new();
        // SAFETY: libtorch's CUDA part has run the initialisers of the same library before.
        let open = || unsafe { Library::new("libcuda.so.1") }.ok();
        DRIVER.get_or_init(open).as_ref()
    }

    /// Of the GPU that this thread uses.
    pub(super) fn memory_used() -> Option<u64> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: the function has had this signature since CUDA 3.2, and writes two numbers.
        let status = unsafe {
            let get = driver()?.get::<MemGetInfo>(b"cuMemGetInfo_v2\0").ok()?;
            get(&mut free, &mut total)
        };
        (status == 0 && free <= total).then_some((total - free) as u64)
    }

    pub(super) fn gpu_name(number: usize) -> Option<String> {
        let number = c_int::try_from(number).ok()?;
        let (mut device, mut name) = (0, [0_u8; 256]);
        // SAFETY: both functions have had these signatures since CUDA 2.0; the second writes at
        // most the given number of bytes, the last of them zero.
        let status = unsafe {
            let get = driver()?.get::<DeviceGet>(b"cuDeviceGet\0").ok()?;
            let get_name = driver()?.get::<DeviceGetName>(b"cuDeviceGetName\0").ok()?;
            match get(&mut device, number) {
                0 => get_name(name.as_mut_ptr().cast(), 256, device),
                failed => failed,
            }
        };
        let name = CStr::from_bytes_until_nul(&name).ok()?;
        (status == 0).then(|| name.to_string_lossy().into_owned())
    }
}

#[cfg(not(unix))]
mod driver {
    pub(super) fn memory_used() -> Option<u64> {
        None
    }

    pub(super) fn gpu_name(_: usize) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory() {
        if cfg!(target_os = "linux") {
            assert!(memory_used(Device::Cpu).unwrap() > 1 << 20);
        }
    }
}
