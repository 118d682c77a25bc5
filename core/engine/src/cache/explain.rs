//! The reasons why an artefact was not reused: the parts of its provenance that differ from those of
//! the most similar artefact.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::artefact::Record;

/// The longest text of a value that is shown.
const SHOWN: usize = 40;

/// Describes the difference between `provenance` and that of the most similar artefact in the folder
/// of the stage.
pub(super) fn explain(stage: &Path, provenance: &BTreeMap<String, Value>) -> String {
    let entries = fs::read_dir(stage).into_iter().flatten().flatten();
    let records = entries.filter_map(|entry| Record::read(&entry.path()).ok().flatten());
    let similar = records.filter(|record| same_components(&record.provenance, provenance));
    let differing = similar.map(|record| differences(&record.provenance, provenance));
    match differing.min_by_key(Vec::len) {
        None => "nothing like it in the cache".to_string(),
        Some(differences) if differences.is_empty() => "the artefact was damaged".to_string(),
        Some(differences) => differences.join("; "),
    }
}

/// Returns `true` unless two artefacts were made by different components, whose options cannot be
/// compared.
fn same_components(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> bool {
    let other = |(name, value): (&String, &Value)| {
        let component = |value: &Value| value["type"].as_str().map(str::to_string);
        old.get(name).and_then(component) != component(value)
    };
    let mut options = new.iter().filter(|(name, _)| name.ends_with("options"));
    !options.any(other)
}

/// Describes the parts that differ.
fn differences(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> Vec<String> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let null = Value::Null;
    let of = |parts: &'_ BTreeMap<String, Value>, name: &String| parts.get(name).cloned();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            let (old, new) = (of(old, name), of(new, name));
            let details = details(old.as_ref().unwrap_or(&null), new.as_ref().unwrap_or(&null));
            match details.is_empty() {
                true => format!("{name} changed"),
                false => format!("{name} changed ({details})"),
            }
        })
        .collect()
}

/// The keys of objects whose values differ, with the values if they are short; of lists of named
/// hashes, the names.
fn details(old: &Value, new: &Value) -> String {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        let changed = keys
            .into_iter()
            .filter(|key| old.get(*key) != new.get(*key));
        let shown = changed.map(|key| match (short(old.get(key)), short(new.get(key))) {
            (Some(old), Some(new)) => format!("{key}: {old} → {new}"),
            _ => key.clone(),
        });
        return shown.collect::<Vec<_>>().join(", ");
    }
    if let (Value::Array(old), Value::Array(new)) = (old, new) {
        let changed = new.iter().filter(|file| !old.contains(file));
        let names = changed.filter_map(|file| file[0].as_str());
        return names.collect::<Vec<_>>().join(", ");
    }
    match (short(Some(old)), short(Some(new))) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        _ => String::new(),
    }
}

/// A value's text, unless it is long or a hash.
fn short(value: Option<&Value>) -> Option<String> {
    let text = value.map_or_else(|| "none".to_string(), Value::to_string);
    let is_hash = |text: &str| {
        let digits = text.trim_matches('"');
        digits.len() >= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    (text.chars().count() <= SHOWN && !is_hash(&text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(value: &Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn only_artefacts_of_the_same_component_are_compared() {
        let of = |name: &str| parts(&json!({"generator options": {"type": name}, "data": "0"}));
        assert!(same_components(&of("lis"), &of("lis")));
        assert!(!same_components(&of("popular"), &of("llama")));
        let without = parts(&json!({"data": "1"}));
        assert!(same_components(&without, &without));
        assert!(!same_components(&without, &of("lis")));
    }

    #[test]
    fn the_parts_that_differ_are_named() {
        let old = json!({"options": {"k1": 1.5, "b": 0.75}, "files": [["a", "1"], ["b", "2"]],
            "code": {"gloss-bm25": "0123456789abcdef"}, "data": "0123456789abcdef"});
        let mut new = old.clone();
        assert_eq!(differences(&parts(&old), &parts(&new)), [""; 0]);
        new["options"]["k1"] = json!(1.2);
        new["files"][1][1] = json!("3");
        new["code"]["gloss-bm25"] = json!("fedcba9876543210");
        new["data"] = json!("fedcba9876543210");
        assert_eq!(
            differences(&parts(&old), &parts(&new)),
            [
                "code changed (gloss-bm25)",
                "data changed",
                "files changed (b)",
                "options changed (k1: 1.5 → 1.2)",
            ]
        );
    }
}
