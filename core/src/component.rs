//! Properties of all components: a name, options, and one of four kinds.

use std::fmt::{self, Debug};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Code, Error, Result};

/// A configured component of any kind. Its options can be written again together with its name
/// (`{"type": "bm25", "k1": 1.5, …}`), so that manifests and cache keys state what was used.
///
/// [`plugin!`](crate::plugin) implements it; no other code needs to.
pub trait Component: Debug + Send + Sync {
    /// The name under which it is registered.
    fn name(&self) -> &str;

    /// All options, defaults included, as the text of a JSON object, which may hold the name as
    /// its `type`.
    ///
    /// # Errors
    /// If they cannot be written as JSON.
    fn options(&self) -> Result<String>;

    /// The name and the version of its package.
    fn package(&self) -> (&str, &str);

    /// The code that it consists of; part of the key of everything that it makes.
    ///
    /// # Errors
    /// If a file of code cannot be read.
    fn code(&self) -> Result<Code>;
}

/// A component that is compiled into the asking program: its name, and its options as serde writes
/// them, with the name as their `type`. [`Component`] is what crosses to and from a library, where
/// the two sides share no such tables.
#[doc(hidden)]
#[typetag::serialize(tag = "type")]
pub trait Tagged {}

/// The value of [`Component::options`] for a component that is compiled in.
#[doc(hidden)]
pub fn options_text(component: &dyn Tagged) -> Result<String> {
    let text = serde_json::to_string(component);
    text.map_err(|error| Error::component(component.typetag_name(), error))
}

/// A component as its name and all of its options, defaults included:
/// `{"type": "bm25", "k1": 1.5, …}`.
///
/// # Errors
/// [`Error::Component`] if the options cannot be written as JSON.
pub fn describe_component(component: &dyn Component) -> Result<Value> {
    let broken = |error| Error::component(component.name(), error);
    let options: Map<String, Value> =
        serde_json::from_str(&component.options()?).map_err(broken)?;
    let name = ("type".to_string(), Value::from(component.name()));
    Ok([name].into_iter().chain(options).collect())
}

/// A component's options: a struct that serde can read. Its fields have doc comments, and its
/// [`JsonSchema`] states types, defaults and ranges. Put `#[serde(deny_unknown_fields)]` on it. The
/// first paragraph of the struct's own doc comment is the component's summary.
///
/// An option that had another name before is declared with
/// `#[schemars(extend("x-former-names" = ["old"]))]`; the old name is then an error that states the
/// new one.
pub trait Options: DeserializeOwned + JsonSchema {}
impl<T: DeserializeOwned + JsonSchema> Options for T {}

/// The four kinds of component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Dataset`](crate::Dataset)
    Dataset,
    /// [`QueryGenerator`](crate::QueryGenerator)
    Generator,
    /// [`Retriever`](crate::Retriever)
    Retriever,
    /// [`Metric`](crate::Metric)
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
