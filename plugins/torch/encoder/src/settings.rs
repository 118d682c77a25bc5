//! Settings of a model: prefixes, pooling, normalisation and maximum length.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pooling::Pooling;

/// The settings that a model was trained with and that its weights do not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The prefixes of texts.
    pub prefix: Prefix,
    /// The pooling of a text's tokens.
    pub pooling: Pooling,
    /// True if vectors are scaled to length 1.
    pub normalise: bool,
    /// The most tokens of a text, prefix and special tokens included; the rest is cut off.
    pub max_length: usize,
}

/// Prefixes of texts, by role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prefix {
    /// Before queries, such as `"query: "`.
    pub query: String,
    /// Before the texts that are searched, such as `"passage: "`.
    pub passage: String,
}

/// The role of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Something that is searched for.
    Query,
    /// Something that is found.
    Passage,
}

/// Settings of which each may be left open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The prefixes of texts.
    pub prefix: Option<Prefix>,
    /// The pooling of a text's tokens.
    pub pooling: Option<Pooling>,
    /// True if vectors are scaled to length 1.
    pub normalise: Option<bool>,
    /// The most tokens of a text.
    pub max_length: Option<usize>,
}

impl Prefix {
    /// Returns the prefix of a text of this role.
    pub fn of(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query,
            Role::Passage => &self.passage,
        }
    }
}

/// `none`, or both prefixes in quotes, so that spaces are seen.
impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self == Prefix::default() {
            true => formatter.write_str("none"),
            false => write!(formatter, "{:?} and {:?}", self.query, self.passage),
        }
    }
}

impl From<Settings> for Given {
    fn from(settings: Settings) -> Self {
        Given {
            prefix: Some(settings.prefix),
            pooling: Some(settings.pooling),
            normalise: Some(settings.normalise),
            max_length: Some(settings.max_length),
        }
    }
}

impl Given {
    /// These, and where they are open, those of `other`.
    pub(crate) fn or(self, other: Given) -> Given {
        Given {
            prefix: self.prefix.or(other.prefix),
            pooling: self.pooling.or(other.pooling),
            normalise: self.normalise.or(other.normalise),
            max_length: self.max_length.or(other.max_length),
        }
    }
}
