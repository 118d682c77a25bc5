//! libtorch as it was found on this machine, and its CUDA part, which has to be opened by hand.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gloss_core::NativeLibrary;
use serde::Serialize;
use serde_json::Value;
use tch::Cuda;

gloss_core::inventory::submit! {
    NativeLibrary {
        name: "libtorch",
        report: || match serde_json::to_value(report()) {
            Ok(Value::Object(properties)) => properties,
            _ => unreachable!("a struct is an object"),
        },
    }
}

/// The libtorch of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// The version of libtorch, if its folder states it.
    pub(super) version: Option<String>,
    /// The folder that libtorch was loaded from, if the system reports it.
    pub(super) folder: Option<PathBuf>,
    /// True if the CUDA part of libtorch is in that folder.
    pub(super) has_cuda_part: bool,
    /// Why no GPU can be used; none if the CUDA part is loaded.
    pub(super) cuda_fault: Option<String>,
    /// The number of GPUs libtorch sees.
    pub(super) gpus: usize,
    /// The number of CPU threads one operation of libtorch uses.
    pub(super) threads: usize,
}

/// Looks at libtorch and loads its CUDA part if it can.
pub(super) fn report() -> Report {
    let folder = folder();
    let diagnostic = cuda().err().map(str::to_string);
    let gpus = match diagnostic {
        None => usize::try_from(Cuda::device_count()).unwrap_or(0),
        Some(_) => 0,
    };
    Report {
        version: folder.as_deref().and_then(version),
        has_cuda_part: folder
            .as_deref()
            .map(cuda_part)
            .is_some_and(|file| file.exists()),
        folder,
        cuda_fault: diagnostic,
        gpus,
        threads: usize::try_from(tch::get_num_threads()).unwrap_or(0),
    }
}

/// Makes sure that libtorch's CUDA part is loaded, once per process; else says why it is not.
///
/// Nothing in a binary refers to that part, so the linker leaves it out.
pub(super) fn cuda() -> Result<(), &'static str> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let folder = folder().ok_or("the system does not tell where libtorch was loaded from")?;
        let part = cuda_part(&folder);
        if !part.exists() {
            return Err(format!(
                "the libtorch in {} is one for CPUs, without {CUDA_PART}",
                folder.display()
            ));
        }
        open("libcuda.so.1".as_ref())
            .map_err(|why| format!("the NVIDIA driver cannot be loaded ({why})"))?;
        open(&part).map_err(|why| format!("libtorch's CUDA part cannot be loaded ({why})"))?;
        super::settings::avoid_cudnn_attention();
        Ok(())
    });
    match loaded {
        Ok(()) => Ok(()),
        Err(why) => Err(why),
    }
}

const CUDA_PART: &str = "libtorch_cuda.so";

fn cuda_part(folder: &Path) -> PathBuf {
    folder.join(CUDA_PART)
}

/// The folder of the libtorch in this process, from the list of mapped files that Linux keeps.
fn folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(mapped_folder)
}

/// The folder of libtorch_cpu, if a line of the list is about that file.
fn mapped_folder(line: &str) -> Option<PathBuf> {
    let path = Path::new(&line[line.find('/')?..]);
    let is_libtorch = path.file_name()? == "libtorch_cpu.so";
    is_libtorch
        .then(|| path.parent().map(Path::to_path_buf))
        .flatten()
}

/// The version of the libtorch in `folder`, from the file `build-version` next to it
/// in the archives from pytorch.org, `version.py` in Python's package.
fn version(folder: &Path) -> Option<String> {
    let root = folder.parent()?;
    if let Ok(text) = std::fs::read_to_string(root.join("build-version")) {
        return Some(text.trim().to_string());
    }
    let text = std::fs::read_to_string(root.join("version.py")).ok()?;
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    line.split(['\'', '"']).nth(1).map(str::to_string)
}

/// Opens a shared library for the rest of the process, its symbols visible to all others.
#[cfg(unix)]
#[allow(unsafe_code, reason = "opening a library runs its initialisers")]
fn open(path: &Path) -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the only libraries opened are the NVIDIA driver and the part of libtorch that lies
    // beside the one in use; their initialisers are made to run in any process.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    library.map(std::mem::forget).map_err(|error| match error {
        libloading::Error::DlOpen { source } => source.to_string(),
        other => other.to_string(),
    })
}

#[cfg(not(unix))]
fn open(_: &Path) -> Result<(), String> {
    Err("this system is not supported".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_in_the_list_of_mapped_files() {
        let line = "7f00-7f01 r-xp 0000 08:01 42   /opt/lib torch/lib/libtorch_cpu.so";
        assert_eq!(mapped_folder(line), Some("/opt/lib torch/lib".into()));
        assert_eq!(
            mapped_folder("7f00-7f01 r-xp 0000 08:01 42   /opt/libtorch.so"),
            None
        );
        assert_eq!(mapped_folder("7f00-7f01 rw-p 0000 00:00 0"), None);
    }

    #[test]
    fn the_report_agrees_with_itself() {
        let report = report();
        assert!(report.threads > 0);
        assert!(report.gpus == 0 || report.cuda_fault.is_none());
        if cfg!(target_os = "linux") {
            assert!(report.version.unwrap().starts_with("2."));
            assert!(report.folder.unwrap().join("libtorch_cpu.so").exists());
        }
    }
}
