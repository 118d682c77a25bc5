//! Checks options against the JSON Schemas of components, with messages for people.
//!
//! Configuration files are checked by it, and so are the options of components that name other
//! components or are programs.

use gloss_core::{Diagnostic, Error, Result, choices, summary, type_of};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// The schema keyword of an option that lists its former names.
const FORMER_NAMES: &str = "x-former-names";

/// A problem of a table of options.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The keys that lead to the option, and positions in lists.
    pub path: Vec<String>,
    /// True if the key is wrong, not the value.
    pub at_key: bool,
    /// The problem, without key and place.
    pub diagnostic: Diagnostic,
}

/// Checks `value` against `schema` and returns all problems.
///
/// # Errors
/// [`Error::Component`] if the schema itself is not valid.
pub fn check(schema: &Value, value: &Value) -> Result<Vec<Finding>> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| Error::component("a component", format!("its schema: {error}")))?;
    let errors = validator.iter_errors(value);
    Ok(errors
        .flat_map(|error| findings(schema, value, &error))
        .collect())
}

/// Checks options against their schema and returns all problems, keyed by dotted paths.
///
/// # Errors
/// [`Error::Component`] if the schema itself is not valid.
pub fn option_diagnostics(schema: &Value, options: &Value) -> Result<Vec<Diagnostic>> {
    let keyed = |finding: Finding| Diagnostic {
        key: finding.path.join("."),
        ..finding.diagnostic
    };
    Ok(check(schema, options)?.into_iter().map(keyed).collect())
}

fn findings(schema: &Value, value: &Value, error: &ValidationError<'_>) -> Vec<Finding> {
    let pointer = error.instance_path().as_str();
    let path: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
    let expected = subschema(schema, &path);
    let below = |name: &str| [path.as_slice(), &[name.to_string()]].concat();
    let unknown = |name: &String| Finding {
        path: below(name),
        at_key: true,
        diagnostic: unknown_option(expected, name),
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(unknown).collect()
        }
        // A table that has no options at all.
        ValidationErrorKind::FalseSchema => {
            let table = value.pointer(pointer).and_then(Value::as_object);
            table
                .into_iter()
                .flatten()
                .map(|(name, _)| unknown(name))
                .collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let doc = summary(subschema(expected, &[name.to_string()]));
            vec![Finding {
                path: below(name),
                at_key: true,
                diagnostic: Diagnostic::new("", format!("is required: {doc}")),
            }]
        }
        _ => vec![Finding {
            diagnostic: wrong_value(expected, error),
            at_key: false,
            path,
        }],
    }
}

fn unknown_option(schema: &Value, name: &str) -> Diagnostic {
    let properties = schema["properties"].as_object();
    let named = properties.into_iter().flatten();
    let is_former = |option: &Value| {
        let former = option[FORMER_NAMES].as_array();
        former.is_some_and(|names| names.iter().any(|former| former == name))
    };
    if let Some((new, _)) = named.clone().find(|(_, option)| is_former(option)) {
        return Diagnostic::new("", format!("is now called `{new}`; rename it"));
    }
    let known: Vec<&String> = named.map(|(key, _)| key).filter(|k| *k != "type").collect();
    let message = match known.is_empty() {
        true => "unknown option; there are none".to_string(),
        false => "unknown option".to_string(),
    };
    Diagnostic::unknown("", message, name, known)
}

fn wrong_value(schema: &Value, error: &ValidationError<'_>) -> Diagnostic {
    let given = error.instance();
    let message = match error.kind() {
        ValidationErrorKind::Pattern { .. }
        | ValidationErrorKind::MinLength { .. }
        | ValidationErrorKind::MaxLength { .. }
        | ValidationErrorKind::MinItems { .. }
        | ValidationErrorKind::MaxItems { .. }
        | ValidationErrorKind::UniqueItems => error.to_string(),
        _ => format!("is {given}, expected {}", type_of(schema)),
    };
    match (choices(schema), given.as_str()) {
        (Some(choices), Some(text)) => {
            Diagnostic::unknown("", format!("unknown value `{text}`"), text, choices)
        }
        _ => Diagnostic::new("", message),
    }
}

/// Returns the schema of the option at `path`, as far as it can be followed.
fn subschema<'a>(schema: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(schema, |schema, key| {
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

#[cfg(test)]
mod tests {
    use gloss_core::schema_of;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    /// No options.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[test]
    fn options_of_what_has_none_are_unknown() {
        let found = option_diagnostics(&schema_of::<Nothing>(), &json!({"k": 5, "p": 1})).unwrap();
        let keys: Vec<&str> = found
            .iter()
            .map(|diagnostic| diagnostic.key.as_str())
            .collect();
        assert_eq!(keys, ["k", "p"]);
        assert!(
            option_diagnostics(&schema_of::<Nothing>(), &json!({}))
                .unwrap()
                .is_empty()
        );
    }

    /// Options.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its schema")]
    struct Options {
        /// The number of beams.
        #[schemars(range(min = 1), extend("x-former-names" = ["beams"]))]
        num_beams: u32,
        /// A table.
        #[serde(default)]
        inner: Option<Inner>,
    }

    /// A table.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its schema")]
    struct Inner {
        /// A mode.
        mode: Mode,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        Fast,
        Exact,
    }

    #[track_caller]
    fn messages(options: &Value) -> Vec<String> {
        let found = option_diagnostics(&schema_of::<Options>(), options).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_former_name_is_an_error_that_states_the_new_one() {
        let found = messages(&json!({"num_beams": 2, "beams": 3}));
        assert_eq!(found, ["beams: is now called `num_beams`; rename it"]);
    }

    #[test]
    fn problems_have_their_paths() {
        assert_eq!(messages(&json!({"num_beams": 2})), [""; 0]);
        let found = messages(&json!({"num_beams": 0, "inner": {"mode": "exakt"}, "x": 1}));
        let expected = [
            "num_beams: is 0, expected integer ≥ 1",
            "inner.mode: unknown value `exakt`; did you mean `exact`? Available: fast, exact.",
            "x: unknown option Available: num_beams, inner.",
        ];
        for line in expected {
            assert!(found.iter().any(|found| found == line), "{line}: {found:?}");
        }
        assert_eq!(
            messages(&json!({})),
            ["num_beams: is required: The number of beams."]
        );
    }
}
