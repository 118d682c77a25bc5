//! Metadata: the titles and further fields of reviewed items.

mod row;

use std::path::Path;

use gloss_core::{Context, Error, Item, Report, Result, Template};

use crate::intern::Interner;
use crate::{Amazon, lines};
use row::{MetadataLines, Row};

/// The title of an item whose title is empty.
const UNKNOWN: &str = "Unknown";

/// A reviewed item.
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
    /// The reviewed items, by number.
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
        let lines = counts.good + counts.bad;
        report.drop(
            "metadata lines skipped as unreadable",
            counts.bad,
            lines,
            None,
        );
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
    code: usize,
    cut: usize,
}

/// Parts of titles that are no titles: the data of 2018 has thousands with pieces of the shop's pages.
const CODE: [&str; 5] = ["<script", "<span", "var aPageStart", "getTime", "</"];

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
            code: 0,
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
        let is_code = CODE.iter().any(|part| title.text.contains(part));
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
        self.code += usize::from(is_code);
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
        report.count("titles that hold code of a web page", self.code);
        if self.options.title_words > 0 {
            let words = self.options.title_words;
            report.count(format!("titles cut to {words} words"), self.cut);
        }
        report.count("reviewed items with a title", items.len());
    }
}
