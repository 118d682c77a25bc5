//! Settings from the options, the files of a folder and the names of models.

use std::path::Path;

use gloss_core::{Error, Result};

use super::known::{known, names};
use super::layout;
use super::settings::{Given, Settings};

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
            open => Err(missing(&open, model, &layout::prompts(folder)?)),
        }
    }
}

/// The error that names the options to give, and the prompts to choose from.
fn missing(open: &Given, model: &str, prompts: &[(String, String)]) -> Error {
    let options = [
        (
            open.prefix.is_none(),
            "`prefix` (`\"none\"` if it has none)",
        ),
        (open.pooling.is_none(), "`pooling` (`mean`, `cls` or `max`)"),
        (
            open.normalise.is_none(),
            "`normalize_embeddings` (`true` or `false`)",
        ),
        (open.max_length.is_none(), "`max_seq_length` (in tokens)"),
    ];
    let options: Vec<&str> = options
        .into_iter()
        .filter_map(|(open, option)| open.then_some(option))
        .collect();
    let mut prompts = prompts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .peekable();
    if open.prefix.is_none() && prompts.peek().is_some() {
        let prompts = prompts.map(|(name, text)| format!("{name} = {text:?}"));
        return Error::Usage(format!(
            "`{model}` has prompts for several tasks, none of which is called `query` or `document`: \
             {}. Give {}; for example `prefix = {{ query = \"...\", passage = \"...\" }}` with the texts \
             of two of them",
            prompts.collect::<Vec<_>>().join(", "),
            options.join(", "),
        ));
    }
    Error::Usage(format!(
        "nothing is known of how `{model}` was trained: give {}, as its model card says. \
         Models that are known by their names: {}",
        options.join(", "),
        names().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pooling, Prefix, Role};

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
                 none), `normalize_embeddings` (`true` or \
                 `false`), as its model card says."
            ),
            "{text}"
        );
        assert!(text.contains("multilingual-e5-small"), "{text}");
    }

    #[test]
    fn empty_prompts_are_not_listed_as_those_to_choose_from() {
        let none = |prompts: &[(&str, &str)]| {
            let prompts = prompts
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()));
            missing(&Given::default(), "mine", &prompts.collect::<Vec<_>>()).to_string()
        };
        assert!(
            none(&[("query", ""), ("document", "")]).starts_with("nothing is known of how `mine`")
        );
        let some = none(&[("query", ""), ("sts", "Same? "), ("code", "Code: ")]);
        assert!(
            some.contains("sts = \"Same? \", code = \"Code: \". Give"),
            "{some}"
        );
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
