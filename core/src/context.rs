//! The context of a component: progress, interruption, and a cache for artefacts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{ArtefactRequest, ArtefactStore, Error, Result};

/// The unit of a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of users, items or queries.
    Count,
    /// Bytes.
    Bytes,
}

/// Shows the progress of long work. The command line draws bars or writes lines.
pub trait Progress: Send + Sync {
    /// Begins a task of `total` units, if that is known; the task ends when the result is dropped.
    fn begin(&self, label: &str, total: Option<u64>, unit: Unit) -> Box<dyn ProgressTask>;
}

/// A task in progress.
pub trait ProgressTask: Send + Sync {
    /// Sets the number of units done.
    fn set(&self, position: u64);

    /// Shows a short text beside the progress, such as the current loss.
    fn note(&self, _text: &str) {}
}

/// Passed to every component that may work for long.
#[derive(Clone, Default)]
pub struct Context {
    progress: Option<Arc<dyn Progress>>,
    cancelled: Arc<AtomicBool>,
    artefacts: Option<Arc<dyn ArtefactStore>>,
}

impl Context {
    /// A context that reports to `progress` and stops once `cancelled` is true.
    pub fn new(progress: Arc<dyn Progress>, cancelled: Arc<AtomicBool>) -> Self {
        Context {
            progress: Some(progress),
            cancelled,
            artefacts: None,
        }
    }

    /// The same context with a cache for artefacts.
    pub fn with_artefacts(&self, artefacts: Arc<dyn ArtefactStore>) -> Self {
        Context {
            artefacts: Some(artefacts),
            ..self.clone()
        }
    }

    /// Begins a task, such as `("Reading reviews", Some(bytes), Unit::Bytes)`.
    pub fn task(&self, label: &str, total: Option<u64>, unit: Unit) -> Task {
        Task {
            inner: self.progress.as_ref().map(|p| p.begin(label, total, unit)),
            position: AtomicU64::new(0),
            cancelled: Arc::clone(&self.cancelled),
        }
    }

    /// Checks for an interruption. Long work calls it now and then.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after Ctrl-C or a termination signal.
    pub fn check(&self) -> Result<()> {
        check(&self.cancelled)
    }

    /// Calls `read` with the folder of the artefact that was made from `request`, after having it
    /// built if it is not in the cache. Without a cache it is built in `scratch`, a folder that
    /// need not exist and is removed afterwards. `build` gets the folder to write into, and that of
    /// an earlier artefact that differs in the changing part alone, if there is one.
    ///
    /// # Errors
    /// If `build` or `read` fails, or the cache cannot be read or written.
    pub fn get_or_build<T>(
        &self,
        request: &ArtefactRequest<'_>,
        scratch: &Path,
        mut build: impl FnMut(&Path, Option<&Path>) -> Result<()>,
        read: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<T> {
        if let Some(artefacts) = &self.artefacts {
            return read(&artefacts.get_or_build(request, &mut build)?);
        }
        std::fs::create_dir_all(scratch).map_err(Error::io("create the folder", scratch))?;
        let value = build(scratch, None).and_then(|()| read(scratch));
        std::fs::remove_dir_all(scratch).map_err(Error::io("remove the folder", scratch))?;
        value
    }
}

fn check(cancelled: &AtomicBool) -> Result<()> {
    if cancelled.load(Ordering::Relaxed) {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}

/// A task whose progress is shown; it ends when dropped. Threads may share it.
pub struct Task {
    inner: Option<Box<dyn ProgressTask>>,
    position: AtomicU64,
    cancelled: Arc<AtomicBool>,
}

impl Task {
    /// Shows a short text beside the progress, such as the current loss.
    pub fn note(&self, text: &str) {
        if let Some(inner) = &self.inner {
            inner.note(text);
        }
    }

    /// Adds `units` to those done.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after Ctrl-C or a termination signal.
    pub fn advance(&self, units: u64) -> Result<()> {
        let position = self.position.fetch_add(units, Ordering::Relaxed) + units;
        if let Some(inner) = &self.inner {
            inner.set(position);
        }
        check(&self.cancelled)
    }
}
