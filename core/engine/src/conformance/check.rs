//! Verdicts, and what all invariants share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gloss_core::{AnyComponent, Context, Entry, Error, Progress, ProgressTask, Result, Unit};
use serde::Serialize;
use serde_json::{Map, Value};

/// An invariant with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The invariant.
    pub invariant: &'static str,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of checking an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold; an example.
    Fail(String),
    /// It does not apply; the reason.
    Skipped(String),
}

/// The reason why an invariant was not found to hold.
pub(super) enum Stop {
    Fail(String),
    Skipped(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Fail(error.to_string())
    }
}

pub(super) type Checked = Result<(), Stop>;

/// An invariant's description and its check of `S`.
pub(super) type Invariant<S> = (&'static str, fn(&S) -> Checked);

pub(super) fn verdicts<S>(invariants: &[Invariant<S>], subject: &S) -> Vec<Verdict> {
    let verdict = |(invariant, check): &Invariant<S>| {
        let checked = catch_unwind(AssertUnwindSafe(|| check(subject)));
        let outcome = match checked {
            Ok(Ok(())) => Outcome::Pass,
            Ok(Err(Stop::Fail(how))) => Outcome::Fail(how),
            Ok(Err(Stop::Skipped(why))) => Outcome::Skipped(why),
            Err(_) => Outcome::Fail("it panicked".to_string()),
        };
        Verdict { invariant, outcome }
    };
    invariants.iter().map(verdict).collect()
}

/// A component that can be made several times.
pub(super) struct Subject<'a> {
    pub(super) entry: &'a Entry,
    pub(super) options: &'a Map<String, Value>,
}

impl Subject<'_> {
    pub(super) fn component(&self) -> Result<AnyComponent> {
        let component = self.entry.parse(Value::Object(self.options.clone()));
        component.map_err(Error::Usage)
    }
}

/// Fails unless `holds`.
pub(super) fn hold(holds: bool, how: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Stop::Fail(how())),
    }
}

/// Passes if the work was finished, or stopped with [`Error::Interrupted`].
pub(super) fn stopped<T>(work: Result<T>) -> Checked {
    match work {
        Ok(_) | Err(Error::Interrupted) => Ok(()),
        Err(error) => Err(Stop::Fail(format!(
            "it failed instead of stopping: {error}"
        ))),
    }
}

/// A context that was cancelled, as by Ctrl-C.
pub(super) fn cancelled() -> Context {
    struct Silent;
    impl Progress for Silent {
        fn begin(&self, _: &str, _: Option<u64>, _: Unit) -> Box<dyn ProgressTask> {
            Box::new(Silent)
        }
    }
    impl ProgressTask for Silent {
        fn set(&self, _: u64) {}
    }
    Context::new(Arc::new(Silent), Arc::new(AtomicBool::new(true)))
}

/// A temporary folder.
pub(super) fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(Error::io("make a folder in", std::env::temp_dir()))
}
