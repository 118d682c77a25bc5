//! The options of components that `seeds` sets.

use serde_json::{Map, Value};

use super::document::Key;

/// The name of the option that only a shuffled order at one time reads.
const SAME_DAY: &str = "same_day_seed";

/// Returns `true` if an option's name is that of a seed, which runs of one method may differ in.
pub(crate) fn is_seed(name: &str) -> bool {
    name == "seed" || name == SAME_DAY
}

/// The paths of the seeds among a component's options: those in tables that are neither given nor
/// there by default have no effect and are left out.
pub(super) fn options(schema: &Value, options: &Map<String, Value>) -> Vec<Key> {
    let mut found = Vec::new();
    visit(schema, schema, options, &mut Vec::new(), &mut found);
    found
}

fn visit(
    root: &Value,
    schema: &Value,
    options: &Map<String, Value>,
    path: &mut Key,
    found: &mut Vec<Key>,
) {
    let tables = alternatives(root, schema, DEEPEST);
    let properties = tables
        .iter()
        .filter_map(|table| table["properties"].as_object());
    for (name, property) in properties.flatten() {
        path.push(name.clone());
        match options.get(name).or(property.get("default")) {
            Some(Value::Object(inner)) => visit(root, property, inner, path, found),
            _ if name == SAME_DAY => {
                let shuffles = options
                    .get("same_day")
                    .is_some_and(|order| order == "shuffle");
                found.extend(shuffles.then(|| path.clone()));
            }
            _ if is_seed(name) => found.push(path.clone()),
            _ => {}
        }
        path.pop();
    }
}

/// The most references that are followed: a schema may refer to itself.
const DEEPEST: u32 = 8;

/// The schemas that a property may have: its own, those it refers to, any of several.
fn alternatives<'a>(root: &'a Value, schema: &'a Value, depth: u32) -> Vec<&'a Value> {
    let mut found = vec![schema];
    let Some(depth) = depth.checked_sub(1) else {
        return found;
    };
    let reference = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    if let Some(target) = reference.and_then(|path| root.pointer(path)) {
        found.extend(alternatives(root, target, depth));
    }
    for one in ["anyOf", "oneOf", "allOf"]
        .iter()
        .flat_map(|kind| schema[kind].as_array())
        .flatten()
    {
        found.extend(alternatives(root, one, depth));
    }
    found
}

/// Sets the option at `path`, and returns the value that it had.
pub(super) fn set(options: &mut Map<String, Value>, path: &[String], seed: u64) -> Option<Value> {
    let (last, tables) = path.split_last()?;
    let mut table = options;
    for name in tables {
        let inner = table.entry(name).or_insert_with(|| Map::new().into());
        table = inner.as_object_mut()?;
    }
    table.insert(last.clone(), seed.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(given: &Value) -> Vec<String> {
        let schema = json!({
            "properties": {
                "seed": {"type": "integer"},
                "training": {"anyOf": [{"$ref": "#/$defs/Training"}, {"type": "null"}]},
                "split": {"$ref": "#/$defs/Split"},
            },
            "$defs": {
                "Training": {"properties": {"seed": {"type": "integer"}}},
                "Split": {"properties": {"same_day_seed": {}, "validation_seed": {}}},
            },
        });
        let paths = options(&schema, given.as_object().unwrap());
        paths.iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn seeds_of_tables_that_are_given_are_found() {
        assert_eq!(found(&json!({})), ["seed"]);
        assert_eq!(found(&json!({"training": {}})), ["seed", "training.seed"]);
        let shuffled = json!({"split": {"same_day": "shuffle"}});
        assert_eq!(found(&shuffled), ["seed", "split.same_day_seed"]);
        assert_eq!(found(&json!({"split": {"same_day": "id"}})), ["seed"]);
    }

    #[test]
    fn seeds_of_tables_that_are_there_by_default_are_found_and_set() {
        let training = json!({"properties": {"seed": {}}, "default": {"seed": 42}});
        let schema = json!({"properties": {"training": training}});
        let mut given = Map::new();
        let paths = options(&schema, &given);
        assert_eq!(paths, [["training", "seed"]]);
        assert_eq!(set(&mut given, &paths[0], 3), None);
        assert_eq!(Value::Object(given), json!({"training": {"seed": 3}}));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#", "anyOf": [{"$ref": "#"}], "properties": {"seed": {}}});
        let paths = options(&schema, &Map::new());
        assert!(paths.iter().all(|path| path == &["seed"]) && !paths.is_empty());
    }

    #[test]
    fn a_seed_that_was_given_is_returned() {
        let mut options = json!({"training": {"seed": 7}})
            .as_object()
            .unwrap()
            .clone();
        let path = ["training".to_string(), "seed".to_string()];
        assert_eq!(set(&mut options, &path, 3), Some(json!(7)));
        assert_eq!(Value::Object(options), json!({"training": {"seed": 3}}));
    }
}
