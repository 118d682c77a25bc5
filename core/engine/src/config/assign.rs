//! Settings typed on the command line, one by one.

use std::path::Path;

use serde_json::{Map, Value};
use toml::de::DeTable;

use super::document::{Document, Key, Place, named};
use gloss_core::{Diagnostic, Diagnostics, Location};

impl Document {
    /// Overrides one setting by an assignment `key.path=value`, typed as `flag` (such as
    /// `--set`); a part of the path may be a position in a list. The value is read as TOML, or as
    /// plain text where it is not TOML.
    pub(crate) fn assign(&mut self, flag: &str, assignment: &str) -> Result<(), Diagnostic> {
        let typed = format!("{flag} {assignment}");
        let diagnostic = |message: String| Diagnostic {
            location: Some(Location::Flag(typed.clone())),
            ..Diagnostic::new("", message)
        };
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| diagnostic("expected KEY=VALUE, such as retriever.k1=1.2".into()))?;
        let value = toml_value(value.trim()).map_err(diagnostic)?;
        self.assign_value(&typed, key, value)
    }

    /// Overrides the setting `key` by a value, typed as `typed`.
    pub(crate) fn assign_value(
        &mut self,
        typed: &str,
        key: &str,
        value: Value,
    ) -> Result<(), Diagnostic> {
        let location = Location::Flag(typed.to_string());
        let diagnostic = |message: String| Diagnostic {
            location: Some(location.clone()),
            ..Diagnostic::new("", message)
        };
        let path: Key = key.split('.').map(|part| part.trim().to_string()).collect();
        if path.iter().any(String::is_empty) {
            return Err(diagnostic("the key has an empty part".into()));
        }
        *self.place(&path).map_err(diagnostic)? = value;
        self.places
            .retain(|known, _| !(known.len() > path.len() && known.starts_with(&path)));
        let place = Place {
            key: location.clone(),
            value: location,
        };
        for depth in 1..path.len() {
            let around = self.places.entry(path[..depth].to_vec());
            around.or_insert_with(|| place.clone());
        }
        self.places.insert(path, place);
        Ok(())
    }

    /// The value at `path`, made if there is none; a component's name becomes a table.
    fn place(&mut self, path: &[String]) -> Result<&mut Value, String> {
        let (first, rest) = path.split_first().ok_or("the key is empty")?;
        let mut value = self.root.entry(first.clone()).or_insert(Value::Null);
        for part in rest {
            match value {
                Value::Null => *value = Value::Object(Map::new()),
                Value::String(name) => *value = named(name),
                _ => {}
            }
            value = match value {
                Value::Object(table) => table.entry(part.clone()).or_insert(Value::Null),
                Value::Array(list) => {
                    let length = list.len();
                    part.parse()
                        .ok()
                        .and_then(|position: usize| list.get_mut(position))
                        .ok_or_else(|| {
                            format!(
                                "`{part}` is not a position in a list of {length}, counted from 0"
                            )
                        })?
                }
                _ => return Err(format!("`{part}` is below a setting that is not a table")),
            };
        }
        Ok(value)
    }
}

/// Reads `text` as a TOML value, or as plain text if it is none.
fn toml_value(text: &str) -> Result<Value, String> {
    let line = format!("value = {text}");
    let is_one = DeTable::parse(&line).is_ok_and(|table| table.get_ref().len() == 1);
    if !is_one {
        return Ok(Value::String(text.to_string()));
    }
    match Document::parse(Path::new(""), &line) {
        Ok(mut document) => Ok(document.root.remove("value").unwrap_or_default()),
        Err(Diagnostics(diagnostics)) => Err(diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.message)
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(text: &str, assignment: &str) -> Result<Value, String> {
        let mut document = Document::parse(Path::new("e.toml"), text).unwrap();
        document
            .assign("--set", assignment)
            .map(|()| Value::Object(document.root))
            .map_err(|diagnostic| diagnostic.to_string())
    }

    #[test]
    fn values_are_toml_or_else_text() {
        let value = |text: &str| assigned("", &format!("a={text}")).unwrap()["a"].clone();
        assert_eq!(value("1.5"), 1.5);
        assert_eq!(value("[1, 2]"), serde_json::json!([1, 2]));
        assert_eq!(value("2024-01-01"), "2024-01-01");
        assert_eq!(value("Toys_and_Games"), "Toys_and_Games");
        assert_eq!(value("1\nb = 2"), "1\nb = 2");
        let told = assigned("", "a=nan").unwrap_err();
        assert_eq!(
            told,
            "--set a=nan: a number must be finite and fit in 64 bits"
        );
    }

    #[test]
    fn a_position_reaches_into_a_list() {
        let text = "[[method]]\nname = 'x'\n";
        let expected = serde_json::json!({"method": [{"name": "x", "ranking": {"depth": 5}}]});
        assert_eq!(
            assigned(text, "method.0.ranking.depth=5").unwrap(),
            expected
        );
        let told = assigned(text, "method.1.name=y").unwrap_err();
        assert!(
            told.contains("`1` is not a position in a list of 1"),
            "{told}"
        );
    }
}
