//! Properties of all components: a name, options, one of four kinds, and an identity.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, InputFile, Result};

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

/// The code of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// Each crate with its fingerprint, which `gloss_fingerprint::emit()` makes in the crate's
    /// build script. `None` for a crate without such a build script; the hash of the whole program
    /// takes its place in keys.
    pub crates: BTreeMap<String, Option<String>>,
    /// Files of code that is not compiled into the program: a plugin library, a program.
    pub files: Vec<InputFile>,
}

impl Code {
    /// The code of one crate.
    pub fn of_crate(name: &str, fingerprint: Option<&str>) -> Self {
        let fingerprint = fingerprint.map(str::to_string);
        Code {
            crates: BTreeMap::from([(name.to_string(), fingerprint)]),
            files: Vec::new(),
        }
    }

    /// Adds the code of another component.
    pub fn merge(&mut self, other: Code) {
        self.crates.extend(other.crates);
        for file in other.files {
            if !self.files.contains(&file) {
                self.files.push(file);
            }
        }
    }
}

/// Everything that a component's results depend on besides the data and files that it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The options as they take effect on this machine, as the text of a JSON object: `auto` is
    /// replaced by what it resolves to.
    pub options: String,
    /// The code.
    pub code: Code,
    /// Properties of the machine that the results depend on, such as the version of libtorch.
    pub machine: BTreeMap<String, String>,
}

impl Identity {
    /// The identity of a component whose options take effect as given and whose results do not
    /// depend on the machine.
    ///
    /// # Errors
    /// If the options cannot be written as JSON, or a file of code cannot be read.
    pub fn of<C: Component + ?Sized>(component: &C) -> Result<Self> {
        Ok(Identity {
            options: component.options()?,
            code: component.code()?,
            machine: BTreeMap::new(),
        })
    }

    /// The same identity with an option set to the value that it resolves to.
    ///
    /// # Errors
    /// If the options are not a JSON object.
    pub fn with_option(mut self, name: &str, value: Value) -> Result<Self> {
        let broken = |error| Error::Internal(format!("options of a component: {error}"));
        let mut options: Map<String, Value> =
            serde_json::from_str(&self.options).map_err(broken)?;
        options.insert(name.to_string(), value);
        self.options = Value::Object(options).to_string();
        Ok(self)
    }

    /// The same identity with properties of the machine added.
    pub fn with_machine(mut self, properties: BTreeMap<String, String>) -> Self {
        self.machine.extend(properties);
        self
    }
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
