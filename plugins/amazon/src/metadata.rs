//! Metadata: the titles and further fields of reviewed items.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use gloss_core::{Context, Error, Item, Report, Result, Template};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::intern::Interner;
use crate::layout::Notation;
use crate::lines::{self, Format};
use crate::{Amazon, Layout, python, text};

/// The title of an item whose title is empty.
const UNKNOWN: &str = "Unknown";

/// What is known of a reviewed item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// No row of metadata.
    Nothing,
    /// A row without a title.
    Untitled,
    /// A row with a title, which makes it the item at this position.
    Item(u32),
}

/// The reviewed items that have a title, in the order of the file.
pub(crate) struct Metadata {
    pub(crate) items: Vec<Item>,
    /// What is known of each reviewed item, by its number.
    pub(crate) known: Vec<Known>,
}

impl Metadata {
    /// Reads the rows of the `reviewed` items.
    pub(crate) fn read(
        options: &Amazon,
        path: &Path,
        reviewed: &Interner,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let template = Template::parse(&options.text).map_err(Error::Usage)?;
        let mut metadata = Collector::new(reviewed.len(), options, &template);
        let format = MetadataLines::new(options, reviewed);
        let counts = lines::read(
            path,
            "an item's metadata",
            &format,
            options.on_bad_line,
            context,
            |row| {
                metadata.push(row);
                Ok(())
            },
        )?;
        report.count("metadata rows read", counts.good);
        report.count("metadata lines that are blank", counts.blank);
        report.count("metadata lines skipped as unreadable", counts.bad);
        metadata.report(report);
        Ok(metadata.metadata)
    }
}

/// Takes rows in the order of the file.
struct Collector<'a> {
    options: &'a Amazon,
    template: &'a Template,
    names: Vec<String>,
    metadata: Metadata,
    repeated: usize,
    repeated_differently: usize,
    untitled: usize,
    empty: usize,
    cut: usize,
}

impl<'a> Collector<'a> {
    fn new(reviewed: usize, options: &'a Amazon, template: &'a Template) -> Self {
        Collector {
            options,
            template,
            names: options.field_names(),
            metadata: Metadata {
                items: Vec::new(),
                known: vec![Known::Nothing; reviewed],
            },
            repeated: 0,
            repeated_differently: 0,
            untitled: 0,
            empty: 0,
            cut: 0,
        }
    }

    fn push(&mut self, row: Row) {
        let known = &mut self.metadata.known[row.number as usize];
        let Some(title) = row.title else {
            self.untitled += 1;
            if *known == Known::Nothing {
                *known = Known::Untitled;
            }
            return;
        };
        let mut fields = vec![Some(title.text)];
        fields.extend(row.fields);
        if let Known::Item(position) = *known {
            if self.metadata.items[position as usize].fields == fields {
                self.repeated += 1;
            } else {
                self.repeated_differently += 1;
            }
            return;
        }
        *known = Known::Item(self.metadata.items.len() as u32);
        self.empty += usize::from(title.was_empty);
        self.cut += usize::from(title.was_cut);
        self.metadata.items.push(Item {
            id: row.id,
            text: self.template.render(|name| {
                let position = self.names.iter().position(|n| n == name)?;
                fields[position].as_deref()
            }),
            fields,
        });
    }

    fn report(&self, report: &mut Report) {
        let items = &self.metadata.items;
        report.count(
            "metadata rows of reviewed items without a title",
            self.untitled,
        );
        report.count("metadata rows repeated", self.repeated);
        report.count(
            "metadata rows repeated with other fields (the first is used)",
            self.repeated_differently,
        );
        report.count(format!("empty titles, now {UNKNOWN}"), self.empty);
        if self.options.title_words > 0 {
            let words = self.options.title_words;
            report.count(format!("titles cut to {words} words"), self.cut);
        }
        report.count("reviewed items with a title", items.len());
    }
}

/// The metadata of a reviewed item.
struct Row {
    /// The item's number among the reviewed.
    number: u32,
    id: String,
    title: Option<Title>,
    fields: Vec<Option<String>>,
}

struct Title {
    text: String,
    was_empty: bool,
    was_cut: bool,
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

struct MetadataLines<'a> {
    layout: Layout,
    title_words: u32,
    reviewed: &'a Interner,
    /// The item's identifier, its title, and the further fields.
    wanted: Vec<String>,
}

impl<'a> MetadataLines<'a> {
    fn new(options: &Amazon, reviewed: &'a Interner) -> Self {
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

    /// What is wrong with a line that is not in the layout's notation.
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
        let Some(Some(Value::String(id))) = values.next() else {
            return Err(format!(
                "the row has no `{}` that is a text; it is what a row of the {} layout is found by",
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
