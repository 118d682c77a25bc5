//! The options, which the three formats share.

use std::path::{Path, PathBuf};

use gloss_core::SplitOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of numbers in the time column, since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Seconds, possibly with a fraction.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// The options of any format, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) interactions: &'a Path,
    pub(crate) items: &'a Path,
    pub(crate) user: &'a str,
    pub(crate) item: &'a str,
    pub(crate) time: &'a str,
    pub(crate) rating: Option<&'a str>,
    pub(crate) item_id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) time_unit: TimeUnit,
}

/// Declares the options of a dataset: its summary, its name, and the options that it alone has. A struct for
/// each, since serde cannot both share fields (`flatten`) and deny unknown ones.
macro_rules! tables {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        ///
        /// Ids may be texts or whole numbers. Rows of items that are not in the items file are
        /// dropped and counted.
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The file of interactions: one row for each time that a user bought an item.
            pub interactions: PathBuf,
            /// The file of items: one row for each item that may be recommended, in the order in
            /// which equally good ones are recommended. A row that is there twice counts once.
            pub items: PathBuf,
            /// The column of the interactions that holds the user's id.
            #[serde(default = "default_user")]
            pub user: String,
            /// The column of the interactions that holds the item's id.
            #[serde(default = "default_item")]
            pub item: String,
            /// The column of the interactions that holds the time, a number since 1970. A user's
            /// interactions at the same time stay in the order of the file.
            #[serde(default = "default_time")]
            pub time: String,
            /// The unit of numbers in the time column. A column of a time type,
            /// as Parquet has them, is read by its own unit.
            #[serde(default)]
            pub time_unit: TimeUnit,
            /// The column of the interactions that holds the rating, a number; a cell may be empty.
            #[serde(default)]
            pub rating: Option<String>,
            /// The column of the items that holds the item's id.
            #[serde(default = "default_item")]
            pub item_id: String,
            /// An item's text; names of columns of the items file in braces are replaced by the
            /// item's values, empty cells by nothing. These columns are the catalogue's fields.
            #[serde(default = "default_text")]
            pub text: String,
            /// Options for histories and splits.
            #[serde(default)]
            #[schemars(extend("x-former-names" = ["protocol"]))]
            pub split: SplitOptions,
            $($own)*
        }

        impl $name {
            pub(crate) fn tables(&self) -> Tables<'_> {
                Tables {
                    interactions: &self.interactions,
                    items: &self.items,
                    user: &self.user,
                    item: &self.item,
                    time: &self.time,
                    rating: self.rating.as_deref(),
                    item_id: &self.item_id,
                    text: &self.text,
                    time_unit: self.time_unit,
                }
            }
        }

    };
}

tables! {
    /// Interactions and items from JSON lines: an object a line, gzipped or not.
    Jsonl {}
}

tables! {
    /// Interactions and items from CSV files with a header line, gzipped or not.
    Csv {
        /// The separator of cells: one ASCII character.
        #[serde(default = "default_delimiter")]
        pub delimiter: char,
    }
}

tables! {
    /// Interactions and items from Parquet files.
    Parquet {}
}

fn default_user() -> String {
    "user_id".into()
}

fn default_item() -> String {
    "item_id".into()
}

fn default_time() -> String {
    "timestamp".into()
}

fn default_text() -> String {
    "Title: {title}".into()
}

fn default_delimiter() -> char {
    ','
}
