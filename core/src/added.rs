//! Components that this process has added to those compiled in: plugin files, which stay loaded for
//! the life of the process, and components of the program that gloss runs inside.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Registry, Result};

type Register = Box<dyn Fn(&mut Registry) -> Result<()> + Send>;

/// Each file, or the key of other components, with the function that registers the components.
static LOADED: Mutex<Vec<(PathBuf, Register)>> = Mutex::new(Vec::new());

fn loaded() -> MutexGuard<'static, Vec<(PathBuf, Register)>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds the components of the plugin file `path` to [`Registry::known`]: `open` loads the file and
/// returns the function that registers them. A file that was added before is not loaded again.
///
/// # Errors
/// If the file does not exist, `open` fails, or a component's name is taken.
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

/// Adds components to [`Registry::known`], in place of those that were added by the same key before.
///
/// # Errors
/// If a component's name is taken; the earlier components stay then.
pub fn replace_components(
    key: &str,
    register: impl Fn(&mut Registry) -> Result<()> + Send + 'static,
) -> Result<()> {
    let key = PathBuf::from(key);
    let mut others = Registry::compiled_in()?;
    let mut loaded = loaded();
    let other = loaded.iter().filter(|(known, _)| *known != key);
    for (_, register) in other {
        register(&mut others)?;
    }
    register(&mut others)?;
    loaded.retain(|(known, _)| *known != key);
    loaded.push((key, Box::new(register)));
    Ok(())
}

impl Registry {
    /// The components that are compiled in, and those of all plugin files that were added.
    ///
    /// # Errors
    /// If two of them have the same name, or a file's components cannot be registered.
    pub fn known() -> Result<Self> {
        let mut registry = Registry::compiled_in()?;
        loaded()
            .iter()
            .try_for_each(|(_, register)| register(&mut registry))?;
        Ok(registry)
    }
}
