//! The options, which the three formats share.

use std::path::{Path, PathBuf};

use gloss_core::{OnBadLine, SplitOptions};
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
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// The reading of the time column.
#[derive(Clone, Copy)]
pub(crate) struct TimeFormat<'a> {
    pub(crate) unit: TimeUnit,
    /// The pattern of texts; numbers if there is none.
    pub(crate) pattern: Option<&'a str>,
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
    pub(crate) time_format: TimeFormat<'a>,
    pub(crate) on_bad_line: OnBadLine,
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
            /// The column of the interactions that holds the time, a number since 1970. The order
            /// of a user's interactions at the same time is that of `split.same_day`.
            #[serde(default = "default_time")]
            pub time: String,
            /// The unit of numbers in the time column. A column of a time type,
            /// as Parquet has them, is read by its own unit.
            #[serde(default)]
            pub time_unit: TimeUnit,
            /// The format of times that are texts: `"iso"` (such as `2020-09-13`,
            /// `2020-09-13 12:43:20` or `2020-09-13T12:43:20Z`), or a pattern of strftime such as
            /// `"%d.%m.%Y"`. A time without a zone is in UTC. By default, times are numbers.
            #[serde(default)]
            pub time_format: Option<String>,
            /// The treatment of a row that cannot be read.
            #[serde(default)]
            pub on_bad_line: OnBadLine,
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
                    time_format: TimeFormat {
                        unit: self.time_unit,
                        pattern: self.time_format.as_deref(),
                    },
                    on_bad_line: self.on_bad_line,
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
        /// The character around cells that hold separators or line breaks: one ASCII character, or
        /// `"none"` if quotes are part of the text, as in tab-separated files of RecBole.
        #[serde(default = "default_quote")]
        pub quote: String,
    }
}

#[cfg(feature = "parquet")]
tables! {
    /// Interactions and items from Parquet files. A folder is read as one file: its parts that end
    /// in `.parquet`, in the order of their names.
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

fn default_quote() -> String {
    "\"".into()
}
