//! What all components have in common: a name, options, and one of four kinds.

use std::fmt::{self, Debug};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Dataset, Error, Fault, Input, Metric, QueryGenerator, Result, Retriever};

/// What a component is, as far as every kind of component goes: its options, parsed, which can be
/// written again together with the component's name (`{"type": "bm25", "k1": 1.5, …}`), so that
/// manifests and cache keys say what was really used.
///
/// [`plugin!`](crate::plugin) implements it; nobody else needs to.
pub trait Component: Debug + Send + Sync {
    /// The name by which it is registered.
    fn name(&self) -> &str;

    /// All of its options, defaults included, as the text of a JSON object, which may have the name
    /// as its `type`.
    ///
    /// # Errors
    /// If they cannot be written as JSON.
    fn options(&self) -> Result<String>;

    /// The name and the version of the package that it is from.
    fn package(&self) -> (&str, &str);

    /// The files that hold its code, if that is not compiled into the running program; part of the
    /// identity of all that it makes.
    ///
    /// # Errors
    /// If such a file cannot be read.
    fn code(&self) -> Result<Vec<Input>> {
        Ok(Vec::new())
    }
}

/// A component that is compiled into what it is asked in: its name, and its options as serde writes
/// them, with the name as their `type`. [`Component`] is what goes to and from a library, where
/// the two sides share no such tables.
#[doc(hidden)]
#[typetag::serialize(tag = "type")]
pub trait Tagged {}

/// What [`Component::options`] gives of a component that is compiled in.
#[doc(hidden)]
pub fn options_text(component: &dyn Tagged) -> Result<String> {
    let text = serde_json::to_string(component);
    text.map_err(|error| Error::component(component.typetag_name(), error))
}

/// A component's options: a struct that serde can read, whose fields have doc comments and whose
/// [`JsonSchema`] therefore tells types, defaults and ranges. Put
/// `#[serde(deny_unknown_fields)]` on it. The first paragraph of the struct's own doc comment is
/// the component's summary.
pub trait Options: DeserializeOwned + JsonSchema {}
impl<T: DeserializeOwned + JsonSchema> Options for T {}

/// The four kinds of component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Dataset`]
    Dataset,
    /// [`QueryGenerator`]
    Generator,
    /// [`Retriever`]
    Retriever,
    /// [`Metric`]
    Metric,
}

impl Kind {
    /// All kinds, in the order in which a run uses them.
    pub const ALL: [Kind; 4] = [
        Kind::Dataset,
        Kind::Generator,
        Kind::Retriever,
        Kind::Metric,
    ];

    /// The kind's name, as in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dataset => "dataset",
            Kind::Generator => "generator",
            Kind::Retriever => "retriever",
            Kind::Metric => "metric",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A configured component of any kind.
#[derive(Clone)]
pub enum AnyComponent {
    /// A data set.
    Dataset(Arc<dyn Dataset>),
    /// A query generator.
    Generator(Arc<dyn QueryGenerator>),
    /// A retriever.
    Retriever(Arc<dyn Retriever>),
    /// A metric.
    Metric(Arc<dyn Metric>),
}

impl AnyComponent {
    /// What it has in common with all components.
    pub fn component(&self) -> &dyn Component {
        match self {
            AnyComponent::Dataset(dataset) => dataset.as_ref(),
            AnyComponent::Generator(generator) => generator.as_ref(),
            AnyComponent::Retriever(retriever) => retriever.as_ref(),
            AnyComponent::Metric(metric) => metric.as_ref(),
        }
    }

    /// The faults that it finds itself in its options.
    pub fn check(&self) -> Vec<Fault> {
        match self {
            AnyComponent::Dataset(dataset) => dataset.check(),
            AnyComponent::Generator(generator) => generator.check(),
            AnyComponent::Retriever(retriever) => retriever.check(),
            AnyComponent::Metric(metric) => metric.check(),
        }
    }
}
