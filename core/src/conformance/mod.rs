//! The laws that every component keeps, whoever wrote it and however it is loaded: what the traits'
//! documentation promises, held against small data that are full of corner cases.

mod dataset;
mod generator;
mod metric;
mod options;
mod retriever;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::{Progress, ProgressTask};
use crate::{AnyComponent, Context, Entry, Error, Result, Unit};

/// A law, and whether a component keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What always holds.
    pub law: &'static str,
    /// Whether it does.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Whether a law is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is.
    Kept,
    /// It is not; how it showed.
    Broken(String),
    /// It does not apply; why.
    Skipped(String),
}

/// Why a law was not found to be kept.
enum Stop {
    Broken(String),
    Skipped(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Broken(error.to_string())
    }
}

type Checked = Result<(), Stop>;

/// A law of components of which `S` tells what is needed.
type Law<S> = (&'static str, fn(&S) -> Checked);

/// Holds the component of `entry`, with these options, against all laws of its kind.
///
/// # Errors
/// If the options are not valid.
pub fn check_laws(entry: &Entry, options: &Map<String, Value>) -> Result<Vec<Verdict>> {
    let subject = Subject { entry, options };
    let component = subject.component()?;
    let faults = component.check();
    crate::Faults(faults).into_result()?;
    let mut verdicts = verdicts(&options::laws(), &subject);
    verdicts.extend(match component {
        AnyComponent::Dataset(dataset) => self::verdicts(&dataset::LAWS, &dataset),
        AnyComponent::Generator(generator) => {
            self::verdicts(&generator::LAWS, &generator::Subject::new(generator)?)
        }
        AnyComponent::Retriever(retriever) => self::verdicts(&retriever::LAWS, &retriever),
        AnyComponent::Metric(metric) => self::verdicts(&metric::LAWS, &metric),
    });
    Ok(verdicts)
}

/// Fails, as a test does, unless the component of `entry` keeps all laws with these options, such
/// as `{"k": 5}`.
///
/// # Errors
/// Every law that is broken, and how.
pub fn assert_laws(entry: &Entry, options: &str) -> Result<()> {
    let options: Map<String, Value> = serde_json::from_str(options)
        .map_err(|error| Error::Usage(format!("the options are no JSON object: {error}")))?;
    let broken: Vec<String> = check_laws(entry, &options)?
        .into_iter()
        .filter_map(|verdict| match verdict.outcome {
            Outcome::Broken(how) => Some(format!("{}: {how}", verdict.law)),
            _ => None,
        })
        .collect();
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::component(
            format!("{} `{}`", entry.kind, entry.name),
            format!("breaks {} laws:\n  {}", broken.len(), broken.join("\n  ")),
        )),
    }
}

fn verdicts<S>(laws: &[Law<S>], subject: &S) -> Vec<Verdict> {
    let verdict = |(law, check): &Law<S>| {
        let checked = catch_unwind(AssertUnwindSafe(|| check(subject)));
        let outcome = match checked {
            Ok(Ok(())) => Outcome::Kept,
            Ok(Err(Stop::Broken(how))) => Outcome::Broken(how),
            Ok(Err(Stop::Skipped(why))) => Outcome::Skipped(why),
            Err(_) => Outcome::Broken("it panicked".to_string()),
        };
        Verdict { law, outcome }
    };
    laws.iter().map(verdict).collect()
}

/// A component that can be made again and again.
struct Subject<'a> {
    entry: &'a Entry,
    options: &'a Map<String, Value>,
}

impl Subject<'_> {
    fn component(&self) -> Result<AnyComponent> {
        let component = self.entry.parse(Value::Object(self.options.clone()));
        component.map_err(Error::Usage)
    }
}

/// Broken unless `holds`.
fn hold(holds: bool, how: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Stop::Broken(how())),
    }
}

/// Kept if the work was done all the same, or was stopped as an interruption.
fn stopped<T>(work: Result<T>) -> Checked {
    match work {
        Ok(_) | Err(Error::Interrupted) => Ok(()),
        Err(error) => Err(Stop::Broken(format!(
            "it failed instead of stopping: {error}"
        ))),
    }
}

/// The context of somebody who has pressed Ctrl-C.
fn cancelled() -> Context {
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

/// A folder that is removed again.
fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(Error::io("make a folder in", std::env::temp_dir()))
}
