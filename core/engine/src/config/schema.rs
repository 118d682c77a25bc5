//! The JSON Schema of experiment files, for editors.

use serde_json::{Map, Value, json};

use super::typed;
use gloss_core::{Kind, Registry};

/// The JSON Schema of an experiment file, with the options of every component in `registry`.
pub fn experiment_schema(registry: &Registry) -> Value {
    let mut schema = gloss_core::schema_of::<typed::Experiment>();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    let places = [
        ("/properties/dataset", Kind::Dataset),
        ("/properties/generator", Kind::Generator),
        ("/properties/retriever", Kind::Retriever),
        ("/properties/metrics/items", Kind::Metric),
        (
            "/properties/method/items/properties/generator",
            Kind::Generator,
        ),
        (
            "/properties/method/items/properties/retriever",
            Kind::Retriever,
        ),
    ];
    for (pointer, kind) in places {
        if let Some(place) = schema.pointer_mut(pointer) {
            let doc = place["description"].take();
            *place = json!({ "$ref": format!("#/$defs/{kind}") });
            if doc.is_string() {
                place["description"] = doc;
            }
        }
    }
    let definitions: Map<String, Value> = Kind::ALL
        .iter()
        .map(|kind| (kind.to_string(), any_of(registry, *kind)))
        .collect();
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// A component of `kind`: its name, or a table of its options.
fn any_of(registry: &Registry, kind: Kind) -> Value {
    let names = registry.names(kind);
    let name = match kind {
        Kind::Metric => json!({
            "type": "string",
            "pattern": format!("^({})(@[1-9][0-9]*)?$", names.join("|")),
        }),
        Kind::Retriever => json!({ "enum": ([names, vec!["none"]].concat()) }),
        _ => json!({ "enum": names }),
    };
    let tables = registry
        .entries()
        .filter(|entry| entry.kind == kind)
        .map(|entry| {
            let mut table = entry.schema.clone();
            let mut properties = Map::new();
            properties.insert("type".into(), json!({ "const": entry.name }));
            if let Some(options) = entry.schema["properties"].as_object() {
                properties.extend(options.clone());
            }
            table["properties"] = Value::Object(properties);
            let required = entry.schema["required"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            table["required"] = [vec![json!("type")], required].concat().into();
            table
        });
    json!({ "anyOf": std::iter::once(name).chain(tables).collect::<Vec<_>>() })
}
