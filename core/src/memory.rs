//! The memory of this process.

/// Memory of this process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// The memory in use now.
    pub current: u64,
    /// The most memory that was in use.
    pub peak: u64,
}

/// Returns the memory of this process, where Linux reports it.
pub fn process_memory() -> Option<ProcessMemory> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some(ProcessMemory {
        current: value("VmRSS:")?,
        peak: value("VmHWM:")?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory() {
        let memory = process_memory().unwrap();
        assert!(memory.current > 1 << 20 && memory.peak >= memory.current / 2);
    }
}
