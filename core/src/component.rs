//! What all components have in common: a name, options, and one of four kinds.

use std::fmt::{self, Debug};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Dataset, Metric, QueryGenerator, Retriever};

/// What a component is, as far as every kind of component goes: its options, parsed, which can be
/// written again together with the component's name (`{"type": "bm25", "k1": 1.5, …}`), so that
/// manifests and cache keys say what was really used.
///
/// [`plugin!`](crate::plugin) implements it; nobody else needs to.
#[typetag::serialize(tag = "type")]
pub trait Component: Debug + Send + Sync {
    /// The name and the version of the package that it is from.
    fn package(&self) -> (&'static str, &'static str);
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
