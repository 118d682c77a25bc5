//! The running program.

use std::sync::OnceLock;

/// The version of gloss.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the hash of the running program, which is used as the code of crates without a
/// fingerprint; the version where the program cannot be read.
pub(crate) fn program_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| {
        let program = gloss_core::RunningProgram::get().ok();
        let hash = program.and_then(|program| gloss_core::hash_file(&program.file).ok());
        hash.map_or_else(|| VERSION.to_string(), |hash| hash[..16].to_string())
    });
    hash.clone()
}

/// Returns the peak memory of this process in bytes, where Linux reports it.
pub(crate) fn peak_memory() -> Option<u64> {
    gloss_core::process_memory().map(|memory| memory.peak)
}
