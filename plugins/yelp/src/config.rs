//! The options.

use std::path::PathBuf;

use gloss_core::{OnBadLine, SplitOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Yelp Open Dataset, as its archive from <https://business.yelp.com/data/resources/open-dataset>
/// unpacks.
///
/// A review is an interaction, whatever its stars; its time is its date, read as UTC. The items are
/// the businesses, with the fields `name`, `categories`, `city` and `state`; a field that a business
/// does not have is left out of its text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Yelp {
    /// The folder that holds the files of reviews and businesses.
    pub folder: PathBuf,
    /// An item's text; `{name}`, `{categories}`, `{city}` and `{state}` are replaced by the business's.
    #[serde(default = "default_text")]
    pub text: String,
    /// The date of the first review that is an interaction, as `2019-01-01`; earlier ones are dropped
    /// and counted. By default all are.
    #[serde(default)]
    pub from: Option<String>,
    /// The date of the last one; later ones are dropped and counted.
    #[serde(default)]
    pub until: Option<String>,
    /// The least stars of an interaction; lower ones are dropped and counted.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 5.0))]
    pub minimum_stars: f32,
    /// Options for histories and splits.
    #[serde(default)]
    pub split: SplitOptions,
    /// The treatment of a line that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

fn default_text() -> String {
    "Title: {name}, Categories: {categories}".to_string()
}
