//! The difference between what an index was made from and what is needed.

use serde_json::Value;

/// Describes in words what sets the identity `found` of an index apart from the `expected` one. Both
/// are objects, whose keys `format` and `catalogue` have words of their own.
pub fn difference(expected: &Value, found: &Value) -> String {
    let (expected, found) = (flat(expected), flat(found));
    let differs = expected.iter().find(|(name, value)| {
        let same = |other: &&(String, Value)| other.0 == *name && other.1 == *value;
        found.iter().find(same).is_none()
    });
    let Some((name, value)) = differs else {
        return "it was made with other options".to_string();
    };
    let other = found.iter().find(|other| other.0 == *name);
    let other = other.map_or(&Value::Null, |other| &other.1);
    match name.as_str() {
        "format" => "it was written by another version of gloss".to_string(),
        "catalogue" => "it was made of other items or texts".to_string(),
        _ => format!("its {name} is {other} where {value} is needed"),
    }
}

/// The settings of an identity by name, those of its tables among them.
fn flat(identity: &Value) -> Vec<(String, Value)> {
    let mut settings = Vec::new();
    collect(identity, "", &mut settings);
    settings
}

fn collect(value: &Value, name: &str, settings: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let name = match (name, key.as_str()) {
                ("", key) => key.to_string(),
                (name, key) => format!("{name}.{key}"),
            };
            collect(value, &name, settings);
        }),
        value => settings.push((name.to_string(), value.clone())),
    }
}
