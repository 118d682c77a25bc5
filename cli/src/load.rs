//! Plugins that are loaded at run time: the files that were named, and those of a folder that was.

use std::env::consts::DLL_EXTENSION;
use std::fs;
use std::path::{Path, PathBuf};

use gloss_command::load_program;
use gloss_core::{Error, Result};
use gloss_engine::load_library;

use crate::args::Global;

/// Loads the plugins that flags and environment name.
pub(crate) fn all(global: &Global) -> Result<()> {
    let folder = global.plugin_folder.as_deref();
    let of_folder = folder.map(files).transpose()?.unwrap_or_default();
    let mut named = global.plugins.iter().chain(&of_folder);
    named.try_for_each(|path| plugin(path))
}

/// Loads one plugin.
pub(crate) fn plugin(path: &Path) -> Result<()> {
    match is_library(path) {
        true => load_library(path),
        false => load_program(path),
    }
}

/// Returns `true` if the name is that of a dynamic library.
fn is_library(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == DLL_EXTENSION)
}

/// Returns `true` if the file may be executed.
fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let executable = |data: fs::Metadata| {
        std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o111 != 0
    };
    #[cfg(not(unix))]
    let executable = |_| path.extension().is_some_and(|extension| extension == "exe");
    path.is_file() && fs::metadata(path).is_ok_and(executable)
}

/// The plugins of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.as_os_str().is_empty() {
        return Ok(Vec::new()); // The environment variable is set to nothing.
    }
    let entries = fs::read_dir(folder).map_err(Error::io("read the plugin folder", folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(Error::io("read the plugin folder", folder))?
            .path();
        if is_library(&path) || is_program(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
