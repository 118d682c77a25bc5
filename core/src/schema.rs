//! JSON Schemas of options, and the descriptions in them.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// An option of a component, as described by its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionDescription {
    /// The key; a dotted path for an option inside a table.
    pub name: String,
    /// The type, with its range or its values: `number ≥ 0`, `lucene | atire`.
    pub r#type: String,
    /// The default; `None` if the option must be given.
    pub default: Option<Value>,
    /// The documentation.
    pub doc: String,
}

/// Returns the JSON Schema of `T`, with all references inlined. The defaults of the options inside a table are those
/// that the table has by default, where its type has others.
pub fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().into();
    spread_defaults(&mut schema);
    schema
}

/// Sets the defaults of the options inside each table to those of the table's default.
fn spread_defaults(schema: &mut Value) {
    let default = schema.get("default").cloned();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        let value = default.as_ref().and_then(|default| default.get(name));
        if let (Some(value), Some(property)) = (value, property.as_object_mut()) {
            property.insert("default".to_string(), value.clone());
        }
        spread_defaults(property);
    }
}

/// Puts the values of `given` over those of `below`, table by table; other values replace what is there.
pub fn overlay(below: &mut Value, given: Value) {
    match (below, given) {
        (Value::Object(below), Value::Object(given)) => {
            for (key, value) in given {
                match below.get_mut(&key) {
                    Some(place) => overlay(place, value),
                    None => drop(below.insert(key, value)),
                }
            }
        }
        (below, given) => *below = given,
    }
}

/// Returns the first paragraph of a schema's description, on one line.
pub fn summary(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the options in the order of the schema's properties; a table is followed by its own
/// options.
pub(crate) fn options(schema: &Value) -> Vec<OptionDescription> {
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|n| n == name))
    };
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let described = properties.iter().map(|(name, property)| {
        let option = OptionDescription {
            name: name.clone(),
            r#type: type_of(property),
            default: (!required(name))
                .then(|| property.get("default").cloned().unwrap_or(Value::Null)),
            doc: summary(property),
        };
        let inner = options(property)
            .into_iter()
            .map(|inner| OptionDescription {
                name: format!("{name}.{}", inner.name),
                ..inner
            });
        [option].into_iter().chain(inner).collect::<Vec<_>>()
    });
    described.flatten().collect()
}

/// Returns the values that a schema allows, if it lists them.
pub fn choices(schema: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_string);
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter(|v| !v.is_null()).map(text).collect();
    }
    if let Some(constant) = schema.get("const") {
        return text(constant).map(|constant| vec![constant]);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema[key].as_array() {
            let all: Option<Vec<_>> = alternatives
                .iter()
                .filter(|s| s["type"] != "null")
                .map(choices)
                .collect();
            return all.map(|lists| lists.concat());
        }
    }
    None
}

/// Describes the type in words: its name, range and values.
pub fn type_of(schema: &Value) -> String {
    if let Some(choices) = choices(schema) {
        return choices.join(" | ");
    }
    if let Some(alternatives) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let all: Vec<_> = alternatives
            .iter()
            .filter(|s| s["type"] != "null")
            .map(type_of)
            .collect();
        return all.join(" or ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_string(),
    };
    match name.as_str() {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "object" => "table".to_string(),
        _ => name + &range_of(schema),
    }
}

fn range_of(schema: &Value) -> String {
    [
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("exclusiveMaximum", "<"),
    ]
    .iter()
    .filter_map(|(key, sign)| schema[*key].as_f64().map(|limit| (sign, limit)))
    .filter(|(_, limit)| limit.abs() < 4e9)
    .map(|(sign, limit)| format!(" {sign} {limit}"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Inner {
        /// A number.
        number: u32,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Outer {
        /// A table.
        inner: Inner,
    }

    impl Default for Outer {
        fn default() -> Self {
            Outer {
                inner: Inner { number: 7 },
            }
        }
    }

    #[test]
    fn the_defaults_of_a_table_are_those_it_has_in_its_component() {
        let schema = of::<Outer>();
        let inner = &schema["properties"]["inner"];
        assert_eq!(inner["properties"]["number"]["default"], 7);
    }

    /// Adds two
    /// numbers.
    ///
    /// Slowly.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Adder {
        /// The first.
        #[schemars(range(min = 0.0, max = 1.0))]
        first: f64,
        /// How it is done.
        how: How,
        /// The base.
        base: Option<u32>,
        /// What is shown.
        display: Display,
    }

    /// What is shown of a sum.
    #[derive(Deserialize, JsonSchema, Default, serde::Serialize)]
    #[serde(default)]
    struct Display {
        /// The number of digits.
        digits: u32,
    }

    #[derive(Deserialize, JsonSchema, Default, serde::Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum How {
        /// By hand.
        #[default]
        ByHand,
        /// By head.
        ByHead,
    }

    impl Default for Adder {
        fn default() -> Self {
            Adder {
                first: 0.5,
                how: How::ByHand,
                base: None,
                display: Display::default(),
            }
        }
    }

    #[test]
    fn doc_comments_types_and_defaults_come_from_the_code() {
        let schema = of::<Adder>();
        assert_eq!(summary(&schema), "Adds two numbers.");
        let options = options(&schema);
        let told: Vec<_> = options
            .iter()
            .map(|o| (o.name.as_str(), o.r#type.as_str(), o.doc.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("first", "number ≥ 0 ≤ 1", "The first."),
                ("how", "by-hand | by-head", "How it is done."),
                ("base", "integer ≥ 0", "The base."),
                ("display", "table", "What is shown."),
                ("display.digits", "integer ≥ 0", "The number of digits."),
            ]
        );
        assert_eq!(options[0].default, Some(0.5.into()));
        assert_eq!(options[1].default, Some("by-hand".into()));
    }
}
