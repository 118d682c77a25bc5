//! Holding settings against a JSON Schema, and putting what is wrong into words.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Wrong;
use serde_json::Value;

use super::document::{Document, Key};
use crate::schema::{choices, type_of};
use crate::{Error, Fault, Location, Result};

/// The places where one table of settings may have been written: a method's own table first, then
/// the experiment's.
pub(crate) struct Source<'a> {
    pub(crate) document: &'a Document,
    pub(crate) prefixes: Vec<Key>,
}

impl Source<'_> {
    /// The full path of the setting `below` the table: in the first place that has it, or else
    /// that has the table.
    pub(crate) fn key(&self, below: &[String]) -> Key {
        let full = |prefix: &Key| [prefix.as_slice(), below].concat();
        let has_setting = |prefix: &&Key| self.document.has(&full(prefix));
        let has_table = |prefix: &&Key| self.document.has(prefix);
        let mut prefixes = self.prefixes.iter();
        prefixes
            .clone()
            .find(has_setting)
            .or_else(|| prefixes.find(has_table))
            .or(self.prefixes.last())
            .map(full)
            .unwrap_or_default()
    }

    /// Gives a fault of the setting `below` the table its key and place.
    pub(crate) fn locate(&self, below: &[String], at_key: bool, fault: Fault) -> Fault {
        let key = self.key(below);
        Fault {
            location: self.location(&key, at_key),
            key: key.join("."),
            ..fault
        }
    }

    fn location(&self, key: &[String], at_key: bool) -> Option<Location> {
        match at_key {
            true => self.document.key_location(key),
            false => self.document.value_location(key),
        }
    }
}

/// All faults of `value` by `schema`.
///
/// # Errors
/// [`Error::Component`] if the schema itself is not valid.
pub(crate) fn check(schema: &Value, value: &Value, source: &Source<'_>) -> Result<Vec<Fault>> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| Error::component("a component", format!("its schema: {error}")))?;
    Ok(validator
        .iter_errors(value)
        .flat_map(|error| faults(schema, &error, source))
        .collect())
}

fn faults(schema: &Value, error: &ValidationError<'_>, source: &Source<'_>) -> Vec<Fault> {
    let pointer = error.instance_path().as_str();
    let below: Key = pointer.split('/').skip(1).map(unescape).collect();
    let expected = subschema(schema, &below);
    match error.kind() {
        Wrong::AdditionalProperties { unexpected }
        | Wrong::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let at = [below.as_slice(), std::slice::from_ref(name)].concat();
                source.locate(&at, true, unknown_option(expected, name))
            })
            .collect(),
        Wrong::Required { property } => {
            let name = property.as_str().unwrap_or_default().to_string();
            let doc = subschema(expected, std::slice::from_ref(&name));
            let fault = Fault::new(
                "",
                format!("must be given: {}", crate::schema::summary(doc)),
            );
            let at = [below, vec![name]].concat();
            vec![source.locate(&at, true, fault)]
        }
        _ => {
            let fault = wrong_value(expected, error);
            vec![source.locate(&below, false, fault)]
        }
    }
}

fn unknown_option(schema: &Value, name: &str) -> Fault {
    let known: Vec<&String> = schema["properties"]
        .as_object()
        .map(|properties| properties.keys().filter(|key| *key != "type").collect())
        .unwrap_or_default();
    let message = match known.is_empty() {
        true => "unknown option; there are none".to_string(),
        false => "unknown option".to_string(),
    };
    Fault::unknown("", message, name, known)
}

fn wrong_value(schema: &Value, error: &ValidationError<'_>) -> Fault {
    let given = error.instance();
    let message = match error.kind() {
        Wrong::Pattern { .. }
        | Wrong::MinLength { .. }
        | Wrong::MaxLength { .. }
        | Wrong::MinItems { .. }
        | Wrong::MaxItems { .. }
        | Wrong::UniqueItems => error.to_string(),
        _ => format!("is {given}, expected {}", type_of(schema)),
    };
    match (choices(schema), given.as_str()) {
        (Some(choices), Some(text)) => {
            Fault::unknown("", format!("there is no `{text}` here"), text, choices)
        }
        _ => Fault::new("", message),
    }
}

/// The schema of the setting at `below`, as far as it can be followed.
fn subschema<'a>(schema: &'a Value, below: &[String]) -> &'a Value {
    below.iter().fold(schema, |schema, key| {
        let table = alternatives(schema)
            .find(|s| s.get("properties").is_some() || s.get("items").is_some())
            .unwrap_or(schema);
        match table["properties"].get(key) {
            Some(property) => property,
            None => &table["items"],
        }
    })
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema[key].as_array());
    std::iter::once(schema).chain(lists.flatten())
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
