//! The options.

use std::path::PathBuf;

use gloss_core::{Diagnostic, OnBadLine, SplitOptions, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Layout;

/// A category of the Amazon reviews data, in the layout of its 2014, 2018 or 2023 release.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amazon {
    /// The category as its files are named, such as `Beauty` or `Toys_and_Games`.
    pub category: String,
    /// The release whose file names and fields are expected.
    #[serde(default)]
    pub layout: Layout,
    /// The folder that holds the category's two files, gzipped or not.
    #[serde(default = "default_folder")]
    pub folder: PathBuf,
    /// An item's text; `{title}` and the names of `fields` in braces are replaced by their values.
    #[serde(default = "default_text")]
    pub text: String,
    /// The number of words of a title to keep, separated by white space; 0 keeps all.
    #[serde(default = "default_title_words")]
    pub title_words: u32,
    /// Metadata fields to keep besides the title, such as `brand`. Lists are kept as their values
    /// joined by `, `, tables as `key: value`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Options for histories and splits.
    #[serde(default)]
    #[schemars(extend("x-former-names" = ["protocol"]))]
    pub split: SplitOptions,
    /// The treatment of a line that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

fn default_folder() -> PathBuf {
    "data".into()
}

fn default_text() -> String {
    "Title: {title}".into()
}

fn default_title_words() -> u32 {
    25
}

impl Amazon {
    /// The category with all other options at their defaults.
    pub fn new(category: impl Into<String>) -> Self {
        Amazon {
            category: category.into(),
            layout: Layout::default(),
            folder: default_folder(),
            text: default_text(),
            title_words: default_title_words(),
            fields: Vec::new(),
            split: SplitOptions::default(),
            on_bad_line: OnBadLine::default(),
        }
    }

    /// The names of an item's fields: the title, then `fields`.
    pub(crate) fn field_names(&self) -> Vec<String> {
        let title = std::iter::once("title".to_string());
        title.chain(self.fields.iter().cloned()).collect()
    }

    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        diagnostics.extend(self.category_fault());
        diagnostics.extend(self.text_faults());
        diagnostics.extend(self.field_faults());
        diagnostics.extend(self.split.check());
        diagnostics
    }

    fn category_fault(&self) -> Option<Diagnostic> {
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '&' | '.');
        if !self.category.is_empty() && self.category.chars().all(name) {
            return None;
        }
        let message = format!(
            "`{}` is not a category as files are named: letters, digits and `_`, such as Toys_and_Games",
            self.category
        );
        Some(Diagnostic::new("category", message))
    }

    fn text_faults(&self) -> Vec<Diagnostic> {
        let names = self.field_names();
        match Template::parse(&self.text) {
            Err(message) => vec![Diagnostic::new("text", message)],
            Ok(template) => template
                .fields()
                .into_iter()
                .filter(|field| !names.iter().any(|name| name == field))
                .map(|field| {
                    let message = format!(
                        "`{{{field}}}` is not a kept field; if the metadata has it, add it to `fields`"
                    );
                    Diagnostic::unknown("text", message, field, &names)
                })
                .collect(),
        }
    }

    fn field_faults(&self) -> Vec<Diagnostic> {
        let names = self.field_names();
        let repeated = |position: usize| names[..position].contains(&names[position]);
        (1..names.len())
            .filter(|&position| repeated(position))
            .map(|position| {
                let message = format!("`{}` is kept already; name it once", names[position]);
                Diagnostic::new("fields", message)
            })
            .collect()
    }
}
