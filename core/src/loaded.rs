//! The plugin files that this process has loaded. They stay for the life of the process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Registry, Result};

type Register = Box<dyn Fn(&mut Registry) -> Result<()> + Send>;

/// A file, and how its components are registered.
static LOADED: Mutex<Vec<(PathBuf, Register)>> = Mutex::new(Vec::new());

fn loaded() -> MutexGuard<'static, Vec<(PathBuf, Register)>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has [`Registry::known`] know the components of the plugin file `path`: `open` loads the file and
/// tells how they are registered. A file that was added before is not loaded again.
///
/// # Errors
/// If the file is not there, `open` fails, or a component has the name of one that is known.
pub fn add_plugin<R>(path: &Path, open: impl FnOnce(&Path) -> Result<R>) -> Result<()>
where
    R: Fn(&mut Registry) -> Result<()> + Send + 'static,
{
    let path = path
        .canonicalize()
        .map_err(Error::io("load the plugin", path))?;
    if loaded().iter().any(|(known, _)| *known == path) {
        return Ok(());
    }
    let register = open(&path)?;
    register(&mut Registry::known()?)?;
    loaded().push((path, Box::new(register)));
    Ok(())
}

/// Registers the components of all files that were added.
pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    loaded()
        .iter()
        .try_for_each(|(_, register)| register(registry))
}
