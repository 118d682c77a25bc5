//! One row of metadata, in either notation.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::UNKNOWN;
use crate::intern::Interner;
use crate::layout::Notation;
use crate::lines::Format;
use crate::{Amazon, Layout, python, text};

/// The metadata of a reviewed item.
pub(super) struct Row {
    /// The item's number among the reviewed.
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) title: Option<Title>,
    pub(super) fields: Vec<Option<String>>,
}

pub(super) struct Title {
    pub(super) text: String,
    pub(super) was_empty: bool,
    pub(super) was_cut: bool,
}

impl Title {
    fn new(full: &str, words: u32) -> Self {
        let (text, was_cut) = text::first_words(full, words);
        let was_empty = text.is_empty();
        Title {
            text: if was_empty { UNKNOWN.into() } else { text },
            was_empty,
            was_cut,
        }
    }
}

/// Options for reading the rows of reviewed items.
pub(super) struct MetadataLines<'a> {
    layout: Layout,
    title_words: u32,
    reviewed: &'a Interner,
    /// The item's identifier, its title, and the further fields.
    wanted: Vec<String>,
}

impl<'a> MetadataLines<'a> {
    pub(super) fn new(options: &Amazon, reviewed: &'a Interner) -> Self {
        let mut wanted = vec![options.layout.item_field().to_string()];
        wanted.extend(options.field_names());
        MetadataLines {
            layout: options.layout,
            title_words: options.title_words,
            reviewed,
            wanted,
        }
    }

    fn slot(&self, key: &str) -> Option<usize> {
        self.wanted.iter().position(|name| name == key)
    }

    /// The values of the wanted fields.
    fn values(&self, line: &str, notation: Notation) -> Result<Vec<Option<Value>>, String> {
        let mut values = vec![None; self.wanted.len()];
        match notation {
            Notation::Python => python::read_dictionary(line, |key| self.slot(key), &mut values)?,
            Notation::Json => {
                let mut reader = serde_json::Deserializer::from_str(line);
                let object = Object {
                    lines: self,
                    values: &mut values,
                };
                let read = object.deserialize(&mut reader).and_then(|()| reader.end());
                read.map_err(|error| text::in_line(&error.to_string()))?;
            }
        }
        Ok(values)
    }

    /// Describes an error in the layout's notation.
    fn explain(&self, line: &str, error: &str) -> String {
        let layout = self.layout.name();
        match self.layout.notation() {
            Notation::Python if self.values(line, Notation::Json).is_ok() => format!(
                "this is JSON, but metadata of the {layout} layout are Python dictionaries \
                 ({{'asin': …}}); if the file is of the 2018 or 2023 release, set layout to that"
            ),
            Notation::Json if self.values(line, Notation::Python).is_ok() => format!(
                "this is a Python dictionary, but metadata of the {layout} layout are JSON; if the \
                 file is of the 2014 release, set layout = \"2014\""
            ),
            Notation::Python => format!("this is not a Python dictionary: {error}"),
            Notation::Json => format!("this is not a JSON object: {error}"),
        }
    }
}

impl Format for MetadataLines<'_> {
    type Row<'a> = Row;

    fn parse(&self, line: &str) -> Result<Option<Row>, String> {
        if self.layout.notation() == Notation::Python && looks_like_json(line) {
            return Err(self.explain(line, ""));
        }
        let values = self
            .values(line, self.layout.notation())
            .map_err(|error| self.explain(line, &error))?;
        let mut values = values.into_iter();
        let id = values.next().flatten().filter(|id| *id != "");
        let Some(Value::String(id)) = id else {
            return Err(format!(
                "the row has no `{}` that is a text, not empty; it is what a row of the {} layout \
                 is found by",
                self.layout.item_field(),
                self.layout.name()
            ));
        };
        let Some(number) = self.reviewed.get(&id) else {
            return Ok(None);
        };
        let mut texts = values.map(|value| value.and_then(text::of_value));
        let title = texts.next().flatten();
        Ok(Some(Row {
            number,
            id,
            title: title.map(|title| Title::new(&title, self.title_words)),
            fields: texts.collect(),
        }))
    }
}

/// Python writes the first key of a row in single quotes; JSON has only double ones.
fn looks_like_json(line: &str) -> bool {
    let inside = line.trim_start().strip_prefix('{');
    inside.is_some_and(|inside| inside.trim_start().starts_with('"'))
        && serde_json::from_str::<IgnoredAny>(line).is_ok()
}

/// A key, borrowed from the line unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object's wanted fields and passes over the others.
struct Object<'o, 'l> {
    lines: &'o MetadataLines<'l>,
    values: &'o mut [Option<Value>],
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, `{…}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            match self.lines.slot(&key) {
                Some(slot) => self.values[slot] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
