//! The options.

use std::path::PathBuf;

use gloss_core::{OnBadLine, SplitOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A MovieLens data set, as its archive from <https://grouplens.org/datasets/movielens> unpacks.
///
/// A rating is an interaction, whatever its value. Titles have the year at their end, as in
/// `Toy Story (1995)`; the fields are `title` and `genres`, whose values are joined by `, `.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovieLens {
    /// The folder that holds the two files of ratings and movies.
    pub folder: PathBuf,
    /// The layout of the files.
    pub layout: Layout,
    /// An item's text; `{title}` and `{genres}` are replaced by the movie's.
    #[serde(default = "default_text")]
    pub text: String,
    /// The least rating of an interaction; lower ones are dropped and counted.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 5.0))]
    pub minimum_rating: f32,
    /// Options for histories and splits.
    #[serde(default)]
    pub split: SplitOptions,
    /// The treatment of a line that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

fn default_text() -> String {
    "Title: {title}".to_string()
}

/// The layouts of MovieLens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Layout {
    /// `u.data` and `u.item`: 100K.
    #[serde(rename = "100k")]
    Of100k,
    /// `ratings.dat` and `movies.dat`: 1M and 10M.
    #[serde(rename = "1m")]
    Of1m,
    /// `ratings.csv` and `movies.csv`: 20M, 25M, 32M and the latest ones.
    #[serde(rename = "20m")]
    Of20m,
}

impl Layout {
    /// The names of the files of ratings and of movies.
    pub(crate) fn files(self) -> [&'static str; 2] {
        match self {
            Layout::Of100k => ["u.data", "u.item"],
            Layout::Of1m => ["ratings.dat", "movies.dat"],
            Layout::Of20m => ["ratings.csv", "movies.csv"],
        }
    }

    /// The names of the archives.
    pub(crate) fn archives(self) -> &'static str {
        match self {
            Layout::Of100k => "ml-100k.zip",
            Layout::Of1m => "ml-1m.zip or ml-10m.zip",
            Layout::Of20m => "ml-20m.zip, ml-25m.zip or ml-32m.zip",
        }
    }
}
