//! The differences between releases.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A release of the data: its file names, fields and formats. Written as the year, quoted or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Layout {
    /// `reviews_<category>_5.json` and `meta_<category>.json`; metadata as Python literals.
    #[default]
    #[serde(rename = "2014")]
    Of2014,
    /// `<category>_5.json` and `meta_<category>.json`.
    #[serde(rename = "2018")]
    Of2018,
    /// `<category>.jsonl` and `meta_<category>.jsonl`; items by `parent_asin`, not 5-core.
    #[serde(rename = "2023")]
    Of2023,
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Year {
            Quoted(String),
            Bare(u32),
        }
        let year = match Year::deserialize(deserializer)? {
            Year::Quoted(year) => year,
            Year::Bare(year) => year.to_string(),
        };
        let known = Layout::ALL.into_iter().find(|layout| layout.name() == year);
        known.ok_or_else(|| D::Error::custom(format!("there is no layout `{year}`")))
    }
}

impl JsonSchema for Layout {
    fn schema_name() -> Cow<'static, str> {
        "Layout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": Layout::ALL.map(Layout::name) },
                { "type": "integer", "enum": [2014, 2018, 2023] },
            ]
        })
    }
}

/// The notation of a line of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    Python,
    Json,
}

impl Layout {
    const ALL: [Layout; 3] = [Layout::Of2014, Layout::Of2018, Layout::Of2023];

    /// The name as in a configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Layout::Of2014 => "2014",
            Layout::Of2018 => "2018",
            Layout::Of2023 => "2023",
        }
    }

    pub(crate) fn reviews_file(self, category: &str) -> String {
        match self {
            Layout::Of2014 => format!("reviews_{category}_5.json"),
            Layout::Of2018 => format!("{category}_5.json"),
            Layout::Of2023 => format!("{category}.jsonl"),
        }
    }

    pub(crate) fn metadata_file(self, category: &str) -> String {
        match self {
            Layout::Of2014 | Layout::Of2018 => format!("meta_{category}.json"),
            Layout::Of2023 => format!("meta_{category}.jsonl"),
        }
    }

    /// The address of the folder with the reviews.
    pub(crate) fn reviews_url(self) -> &'static str {
        match self {
            Layout::Of2014 => "http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/",
            Layout::Of2018 => "https://jmcauley.ucsd.edu/data/amazon_v2/categoryFilesSmall/",
            Layout::Of2023 => {
                "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw/review_categories/"
            }
        }
    }

    /// The address of the folder with the metadata.
    pub(crate) fn metadata_url(self) -> &'static str {
        match self {
            Layout::Of2014 => self.reviews_url(),
            Layout::Of2018 => "https://jmcauley.ucsd.edu/data/amazon_v2/metaFiles2/",
            Layout::Of2023 => {
                "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw/meta_categories/"
            }
        }
    }

    pub(crate) fn notation(self) -> Notation {
        match self {
            Layout::Of2014 => Notation::Python,
            Layout::Of2018 | Layout::Of2023 => Notation::Json,
        }
    }

    /// The metadata field that identifies an item.
    pub(crate) fn item_field(self) -> &'static str {
        match self {
            Layout::Of2014 | Layout::Of2018 => "asin",
            Layout::Of2023 => "parent_asin",
        }
    }

    /// The fields of a review: user, item, time, rating.
    pub(crate) fn review_fields(self) -> [&'static str; 4] {
        match self {
            Layout::Of2014 | Layout::Of2018 => ["reviewerID", "asin", "unixReviewTime", "overall"],
            Layout::Of2023 => ["user_id", "parent_asin", "timestamp", "rating"],
        }
    }
}
