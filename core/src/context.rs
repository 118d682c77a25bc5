//! What a component is given besides its data: progress, and the wish to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Error, Result};

/// What a progress bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things: users, items, queries.
    Count,
    /// Bytes.
    Bytes,
}

/// Shows long work to a person. The command line draws bars; a library user may do nothing.
pub trait Progress: Send + Sync {
    /// Begins a piece of work of `total` units, if that is known; it ends when the answer drops.
    fn begin(&self, label: &str, total: Option<u64>, unit: Unit) -> Box<dyn ProgressTask>;
}

/// One piece of work in progress.
pub trait ProgressTask: Send + Sync {
    /// Moves to `position` units done.
    fn set(&self, position: u64);

    /// Shows a few words beside the bar, such as the present loss.
    fn note(&self, _words: &str) {}
}

/// Handed to every component that may work for long.
#[derive(Clone, Default)]
pub struct Context {
    progress: Option<Arc<dyn Progress>>,
    cancelled: Arc<AtomicBool>,
}

impl Context {
    /// A context that shows progress by `progress` and stops when `cancelled` becomes true.
    pub fn new(progress: Arc<dyn Progress>, cancelled: Arc<AtomicBool>) -> Self {
        Context {
            progress: Some(progress),
            cancelled,
        }
    }

    /// Begins a piece of work, such as `("Reading reviews", Some(bytes), Unit::Bytes)`.
    pub fn task(&self, label: &str, total: Option<u64>, unit: Unit) -> Task {
        Task {
            inner: self.progress.as_ref().map(|p| p.begin(label, total, unit)),
            position: AtomicU64::new(0),
            cancelled: Arc::clone(&self.cancelled),
        }
    }

    /// To be called now and then by long work.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the person has asked to stop.
    pub fn check(&self) -> Result<()> {
        check(&self.cancelled)
    }
}

fn check(cancelled: &AtomicBool) -> Result<()> {
    if cancelled.load(Ordering::Relaxed) {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}

/// A piece of work whose progress is shown; ends when dropped. May be shared by threads.
pub struct Task {
    inner: Option<Box<dyn ProgressTask>>,
    position: AtomicU64,
    cancelled: Arc<AtomicBool>,
}

impl Task {
    /// Shows a few words beside the progress, such as the present loss.
    pub fn note(&self, words: &str) {
        if let Some(inner) = &self.inner {
            inner.note(words);
        }
    }

    /// Says that `units` more are done.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the person has asked to stop.
    pub fn advance(&self, units: u64) -> Result<()> {
        let position = self.position.fetch_add(units, Ordering::Relaxed) + units;
        if let Some(inner) = &self.inner {
            inner.set(position);
        }
        check(&self.cancelled)
    }
}
