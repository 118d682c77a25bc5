//! Conformance tests: invariants of all components, whoever wrote them and however they are loaded.
//! They check what the documentation of the traits promises, on small data full of corner cases.

mod check;
mod dataset;
mod generator;
mod metric;
mod options;
mod retriever;
mod world;

use gloss_core::{AnyComponent, Diagnostics, Entry, Error, Result};
use serde_json::{Map, Value};

pub use check::{Outcome, Verdict};
use check::{Subject, verdicts};

/// Checks the component of `entry`, with these options, against all invariants of its kind.
///
/// # Errors
/// If the options are not valid.
pub fn check_invariants(entry: &Entry, options: &Map<String, Value>) -> Result<Vec<Verdict>> {
    let subject = Subject { entry, options };
    let component = subject.component()?;
    let diagnostics = component.check();
    Diagnostics(diagnostics).into_result()?;
    let mut all = verdicts(&options::invariants(), &subject);
    all.extend(match component {
        AnyComponent::Dataset(dataset) => verdicts(&dataset::INVARIANTS, &dataset),
        AnyComponent::Generator(generator) => {
            verdicts(&generator::INVARIANTS, &generator::Subject::new(generator)?)
        }
        AnyComponent::Retriever(retriever) => verdicts(&retriever::INVARIANTS, &retriever),
        AnyComponent::Metric(metric) => verdicts(&metric::INVARIANTS, &metric),
    });
    Ok(all)
}

/// Returns an error unless the component of `entry` passes all invariants with these options, such
/// as `{"k": 5}`. For tests.
///
/// # Errors
/// Every invariant that fails, with an example.
pub fn assert_invariants(entry: &Entry, options: &str) -> Result<()> {
    let options: Map<String, Value> = serde_json::from_str(options)
        .map_err(|error| Error::Usage(format!("the options are not a JSON object: {error}")))?;
    let failed: Vec<String> = check_invariants(entry, &options)?
        .into_iter()
        .filter_map(|verdict| match verdict.outcome {
            Outcome::Fail(how) => Some(format!("{}: {how}", verdict.invariant)),
            _ => None,
        })
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::component(
            format!("{} `{}`", entry.kind, entry.name),
            format!(
                "fails {} invariants:\n  {}",
                failed.len(),
                failed.join("\n  ")
            ),
        )),
    }
}
