//! Warnings that are shown once.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Logs a warning, once in a process: a model is opened again for each method and each validation.
pub fn warn_once(message: String) {
    static SHOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if shown.insert(message.clone()) {
        tracing::warn!("{message}");
    }
}
