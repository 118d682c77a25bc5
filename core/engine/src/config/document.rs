//! Settings with the place of every key and value: a TOML file and command-line overrides.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use gloss_core::{Diagnostic, Diagnostics, Location};

/// The path of a setting: keys, and positions in lists.
pub(crate) type Key = Vec<String>;

/// The places of a key and its value.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) key: Location,
    pub(super) value: Location,
}

/// A tree of settings that knows where each was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    /// The settings; always an object.
    pub(crate) root: Map<String, Value>,
    pub(super) places: HashMap<Key, Place>,
}

impl Document {
    /// Parses the text of the TOML file `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Diagnostics> {
        let lines = Lines::new(path, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut diagnostics: Vec<Diagnostic> = errors
            .iter()
            .map(|error| Diagnostic {
                location: error.span().map(|span| lines.locate(&span)),
                ..Diagnostic::new("", format!("not valid TOML: {}", error.message()))
            })
            .collect();
        if !diagnostics.is_empty() {
            diagnostics.sort_by_key(|diagnostic| match diagnostic.location {
                Some(Location::File { line, column, .. }) => (line, column),
                _ => (0, 0),
            });
            return Err(Diagnostics(diagnostics));
        }
        let mut document = Document::default();
        document.root = document.table(table.get_ref(), &mut Vec::new(), &lines, &mut diagnostics);
        match diagnostics.is_empty() {
            true => Ok(document),
            false => Err(Diagnostics(diagnostics)),
        }
    }

    fn table(
        &mut self,
        table: &DeTable<'_>,
        path: &mut Key,
        lines: &Lines<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Map<String, Value> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut map = Map::new();
        for (key, value) in entries {
            path.push(key.get_ref().to_string());
            let place = Place {
                key: lines.locate(&key.span()),
                value: lines.locate(&value.span()),
            };
            self.places.insert(path.clone(), place);
            map.insert(
                key.get_ref().to_string(),
                self.value(value, path, lines, diagnostics),
            );
            path.pop();
        }
        map
    }

    fn value(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        path: &mut Key,
        lines: &Lines<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Value {
        let number = match value.get_ref() {
            DeValue::String(text) => return Value::String(text.to_string()),
            DeValue::Boolean(truth) => return Value::Bool(*truth),
            DeValue::Datetime(time) => return Value::String(time.to_string()),
            DeValue::Table(table) => {
                return Value::Object(self.table(table, path, lines, diagnostics));
            }
            DeValue::Array(array) => {
                let items = array.iter().enumerate().map(|(index, item)| {
                    path.push(index.to_string());
                    let at = lines.locate(&item.span());
                    let place = Place {
                        key: at.clone(),
                        value: at,
                    };
                    self.places.insert(path.clone(), place);
                    let item = self.value(item, path, lines, diagnostics);
                    path.pop();
                    item
                });
                return Value::Array(items.collect());
            }
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(Number::from),
            DeValue::Float(float) => float.as_str().parse().ok().and_then(Number::from_f64),
        };
        number.map_or_else(
            || {
                diagnostics.push(Diagnostic {
                    location: Some(lines.locate(&value.span())),
                    ..Diagnostic::new(path.join("."), "a number must be finite and fit in 64 bits")
                });
                Value::Null
            },
            Value::Number,
        )
    }

    /// Replaces a setting as a whole, as flags such as `--retriever` do.
    pub(crate) fn replace(&mut self, flag: &str, key: &str, value: Value) {
        let location = Location::Flag(flag.to_string());
        let place = Place {
            key: location.clone(),
            value: location,
        };
        self.root.insert(key.to_string(), value);
        self.places.retain(|known, _| known[0] != key);
        self.places.insert(vec![key.to_string()], place);
    }

    /// Returns the place of the key at `path`, or the nearest table around it.
    pub(crate) fn key_location(&self, path: &[String]) -> Option<Location> {
        self.nearest(path).map(|place| place.key.clone())
    }

    /// Returns the place of the value at `path`, or the nearest value around it.
    pub(crate) fn value_location(&self, path: &[String]) -> Option<Location> {
        self.nearest(path).map(|place| place.value.clone())
    }

    /// Returns `true` if the value at `path` was typed on the command line.
    pub(crate) fn is_typed(&self, path: &[String]) -> bool {
        let place = self.places.get(path);
        place.is_some_and(|place| matches!(place.value, Location::Flag(_)))
    }

    /// Returns `true` if something was written at `path`.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        self.places.contains_key(path)
    }

    fn nearest(&self, path: &[String]) -> Option<&Place> {
        (0..=path.len())
            .rev()
            .find_map(|n| self.places.get(&path[..n]))
    }
}

/// The long form of a component that was given by its name alone.
pub(crate) fn named(name: &str) -> Value {
    serde_json::json!({ "type": name })
}

/// From byte offsets to lines and columns.
struct Lines<'a> {
    path: PathBuf,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(path: &Path, text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Lines {
            path: path.to_path_buf(),
            text,
            starts,
        }
    }

    fn locate(&self, span: &Range<usize>) -> Location {
        let at = span.start.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        Location::File {
            path: self.path.clone(),
            line,
            column: self.text[start..at].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> Key {
        path.split('.').map(str::to_string).collect()
    }

    fn at(document: &Document, path: &str) -> String {
        document.key_location(&key(path)).unwrap().to_string()
    }

    #[test]
    fn every_key_knows_its_line_and_column() {
        let text = "name = 'x'\n[retriever]\n  type = 'bm25'\n  k1 = 1.2\n[[method]]\nseen = 1\n";
        let document = Document::parse(Path::new("e.toml"), text).unwrap();
        assert_eq!(at(&document, "retriever.k1"), "e.toml:4:3");
        assert_eq!(at(&document, "method.0.seen"), "e.toml:6:1");
        assert_eq!(at(&document, "retriever.k1.deeper"), "e.toml:4:3");
        assert_eq!(document.root["retriever"]["k1"], 1.2);
    }

    #[test]
    fn an_assignment_overrides_and_is_located_by_its_flag() {
        let mut document = Document::parse(Path::new("e.toml"), "retriever = 'bm25'\n").unwrap();
        document.assign("--set", "retriever.k1=1.5").unwrap();
        document.assign("--set", "dataset.category=Beauty").unwrap();
        assert_eq!(
            Value::Object(document.root.clone()),
            serde_json::json!({
                "retriever": {"type": "bm25", "k1": 1.5},
                "dataset": {"category": "Beauty"},
            })
        );
        assert_eq!(at(&document, "retriever.k1"), "--set retriever.k1=1.5");
        assert_eq!(at(&document, "retriever.type"), "e.toml:1:1");
    }

    #[test]
    fn all_syntax_errors_are_told_with_their_lines() {
        let diagnostics =
            Document::parse(Path::new("e.toml"), "a = \nb = 1\nc = [1,,2]\n").unwrap_err();
        assert!(diagnostics.0.len() >= 2, "{diagnostics}");
        assert!(
            diagnostics.0[0].to_string().starts_with("e.toml:1:"),
            "{diagnostics}"
        );
    }

    #[test]
    fn infinity_is_refused() {
        let diagnostics = Document::parse(Path::new("e.toml"), "k1 = inf").unwrap_err();
        assert!(diagnostics.to_string().contains("finite"), "{diagnostics}");
    }
}
