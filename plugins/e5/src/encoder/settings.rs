//! Settings of a model: prefixes, pooling, normalisation and maximum length.

use std::fmt;
use std::path::Path;

use gloss_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known::{known, names};
use super::layout;
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

impl Settings {
    /// The settings of the model in `folder`: what is given, else what the folder's files say, else
    /// what is known of a model of the name `model` (or, failing that, of the folder's name).
    ///
    /// # Errors
    /// If a setting is unknown; names the options to give. If a file of the folder
    /// asks for what is not supported.
    pub fn resolve(model: &str, folder: &Path, given: &Given) -> Result<Self> {
        let named = known(model).or_else(|| known(&folder.to_string_lossy()));
        let known = named.map(Given::from).unwrap_or_default();
        let all = given.clone().or(layout::read(folder)?).or(known);
        match all {
            Given {
                prefix: Some(prefix),
                pooling: Some(pooling),
                normalise: Some(normalise),
                max_length: Some(max_length),
            } => Ok(Settings {
                prefix,
                pooling,
                normalise,
                max_length,
            }),
            open => Err(open.missing(model)),
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

    fn missing(&self, model: &str) -> Error {
        let options = [
            (
                self.prefix.is_none(),
                "`prefix` (`\"none\"` if it has none)",
            ),
            (self.pooling.is_none(), "`pooling` (`mean`, `cls` or `max`)"),
            (self.normalise.is_none(), "`normalise` (`true` or `false`)"),
            (self.max_length.is_none(), "`max_length` (in tokens)"),
        ];
        let options: Vec<&str> = options
            .into_iter()
            .filter_map(|(open, option)| open.then_some(option))
            .collect();
        Error::Usage(format!(
            "nothing is known of how `{model}` was trained: give {}, as its model card says. \
             Models that are known by their names: {}",
            options.join(", "),
            names().join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_model_needs_nothing_and_what_is_given_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let known = Settings::resolve("intfloat/e5-small-v2", folder.path(), &Given::default());
        let known = known.unwrap();
        assert_eq!(known.prefix.of(Role::Query), "query: ");
        assert_eq!(known.prefix.of(Role::Passage), "passage: ");
        assert_eq!((known.pooling, known.normalise), (Pooling::Mean, true));
        assert_eq!(known.max_length, 512);
        let given = Given {
            prefix: Some(Prefix::default()),
            pooling: Some(Pooling::Cls),
            ..Given::default()
        };
        let changed = Settings::resolve("e5-small-v2", folder.path(), &given).unwrap();
        assert_eq!(changed.prefix, Prefix::default());
        assert_eq!((changed.pooling, changed.max_length), (Pooling::Cls, 512));
    }

    #[test]
    fn an_unknown_model_is_refused_with_the_options_that_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given {
            pooling: Some(Pooling::Mean),
            max_length: Some(512),
            ..Given::default()
        };
        let error = Settings::resolve("mine", folder.path(), &given).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(
                "nothing is known of how `mine` was trained: give `prefix` (`\"none\"` if it has \
                 none), `normalise` (`true` or `false`), as its model card says."
            ),
            "{text}"
        );
        assert!(text.contains("multilingual-e5-small"), "{text}");
    }

    #[test]
    fn the_name_of_a_folder_is_as_good_as_that_of_a_model() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("all-MiniLM-L6-v2");
        std::fs::create_dir(&folder).unwrap();
        let settings = Settings::resolve("./models/x", &folder, &Given::default()).unwrap();
        assert_eq!(settings.max_length, 256);
        assert_eq!(settings.prefix, Prefix::default());
    }
}
