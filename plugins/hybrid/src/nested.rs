//! A retriever inside the options of another.

use std::borrow::Cow;
use std::sync::Arc;

use gloss_core::{AnyComponent, Diagnostic, Kind, Registry, Retriever, describe_component};
use gloss_schema::option_diagnostics;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A retriever as its name, or as a table of its options with its name under `type`. It is looked
/// up among all components that are known when the options are read.
#[derive(Debug, Clone)]
pub struct Nested {
    name: String,
    /// The retriever, or everything that is wrong with it, by keys below its own.
    resolved: Result<Arc<dyn Retriever>, Vec<Diagnostic>>,
}

impl Nested {
    /// The name, as typed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The retriever, unless something is wrong with it.
    pub fn retriever(&self) -> Option<&dyn Retriever> {
        self.resolved.as_deref().ok()
    }

    /// Everything that is wrong with it, by keys below its own.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match &self.resolved {
            Ok(retriever) => retriever.check(),
            Err(diagnostics) => diagnostics.clone(),
        }
    }

    fn new(value: Value) -> Self {
        let (name, options) = match value {
            Value::Object(mut table) => (table.remove("type"), table),
            name => (Some(name), Map::new()),
        };
        let name = match name {
            Some(Value::String(name)) => name,
            _ => String::new(),
        };
        Nested {
            resolved: resolve(&name, Value::Object(options)),
            name,
        }
    }
}

fn resolve(name: &str, options: Value) -> Result<Arc<dyn Retriever>, Vec<Diagnostic>> {
    let registry = Registry::known();
    let registry = registry.map_err(|error| vec![Diagnostic::new("", error.to_string())])?;
    if name.is_empty() {
        let message = "is required: the name of a retriever.";
        let names = registry.names(Kind::Retriever);
        return Err(vec![Diagnostic::unknown("type", message, "", names)]);
    }
    let entry = registry
        .get(Kind::Retriever, name, "type")
        .map_err(|diagnostic| vec![diagnostic])?;
    let diagnostics = option_diagnostics(&entry.schema, &options)
        .unwrap_or_else(|error| vec![Diagnostic::new("", error.to_string())]);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    match entry.parse(options) {
        Ok(AnyComponent::Retriever(retriever)) => Ok(retriever),
        Ok(_) => Err(vec![Diagnostic::new("type", "is not a retriever")]),
        Err(message) => Err(vec![Diagnostic::new("", message)]),
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Nested::new)
    }
}

/// All options, also those that were not typed.
impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.retriever() {
            Some(retriever) => describe_component(retriever)
                .map_err(S::Error::custom)?
                .serialize(serializer),
            None => self.name.serialize(serializer),
        }
    }
}

impl JsonSchema for Nested {
    fn schema_name() -> Cow<'static, str> {
        "Nested".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "object"]})
    }

    fn inline_schema() -> bool {
        true
    }
}
