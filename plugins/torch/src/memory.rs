//! How much memory is in use.

use tch::Device;

/// The bytes in use: of the GPU by all programs together, else of this process. None where it
/// cannot be told.
pub fn memory_used(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(_) => gpu(),
        _ => process(),
    }
}

fn process() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Of the GPU that this thread works on.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the driver is a C library")]
fn gpu() -> Option<u64> {
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> i32;
    let (mut free, mut total) = (0, 0);
    // SAFETY: the driver is in use already, so that opening it runs nothing; the function has had
    // this signature since CUDA 3.2, and writes two numbers.
    let status = unsafe {
        let driver = libloading::Library::new("libcuda.so.1").ok()?;
        let get = driver.get::<MemGetInfo>(b"cuMemGetInfo_v2\0").ok()?;
        get(&mut free, &mut total)
    };
    (status == 0 && free <= total).then_some((total - free) as u64)
}

#[cfg(not(unix))]
fn gpu() -> Option<u64> {
    None
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
