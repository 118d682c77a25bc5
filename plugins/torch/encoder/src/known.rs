//! Models that are known by their names.

use super::pooling::Pooling::{self, Cls, Mean};
use super::settings::{Prefix, Settings};

/// Prefixes of a query and of a passage.
type Pair = (&'static str, &'static str);

const NONE: Pair = ("", "");
const E5: Pair = ("query: ", "passage: ");
const SEARCH: Pair = (
    "Represent this sentence for searching relevant passages: ",
    "",
);

/// Name, prefixes, pooling, normalisation, most tokens; as the models' cards and files say.
const MODELS: [(&str, Pair, Pooling, bool, usize); 27] = [
    ("e5-small", E5, Mean, true, 512),
    ("e5-base", E5, Mean, true, 512),
    ("e5-large", E5, Mean, true, 512),
    ("e5-small-v2", E5, Mean, true, 512),
    ("e5-base-v2", E5, Mean, true, 512),
    ("e5-large-v2", E5, Mean, true, 512),
    ("multilingual-e5-small", E5, Mean, true, 512),
    ("multilingual-e5-base", E5, Mean, true, 512),
    ("multilingual-e5-large", E5, Mean, true, 512),
    ("all-minilm-l6-v2", NONE, Mean, true, 256),
    ("all-minilm-l12-v2", NONE, Mean, true, 128),
    ("multi-qa-minilm-l6-cos-v1", NONE, Mean, true, 512),
    ("paraphrase-minilm-l6-v2", NONE, Mean, false, 128),
    (
        "paraphrase-multilingual-minilm-l12-v2",
        NONE,
        Mean,
        false,
        128,
    ),
    ("bge-small-en", SEARCH, Cls, true, 512),
    ("bge-base-en", SEARCH, Cls, true, 512),
    ("bge-large-en", SEARCH, Cls, true, 512),
    ("bge-small-en-v1.5", SEARCH, Cls, true, 512),
    ("bge-base-en-v1.5", SEARCH, Cls, true, 512),
    ("bge-large-en-v1.5", SEARCH, Cls, true, 512),
    ("bge-m3", NONE, Cls, true, 8192),
    ("gte-small", NONE, Mean, true, 512),
    ("gte-base", NONE, Mean, true, 512),
    ("gte-large", NONE, Mean, true, 512),
    ("snowflake-arctic-embed-xs", SEARCH, Cls, true, 512),
    ("snowflake-arctic-embed-s", SEARCH, Cls, true, 512),
    ("snowflake-arctic-embed-l", SEARCH, Cls, true, 512),
];

/// The settings of a model of this name (`intfloat/e5-small-v2`, `e5-small-v2`) or of a folder of
/// that name; upper and lower case are the same. `None` if nothing is known of it.
pub fn known(name_or_folder: &str) -> Option<Settings> {
    let path = name_or_folder.trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
    let (_, (query, passage), pooling, normalise, max_length) =
        MODELS.into_iter().find(|model| model.0 == name)?;
    Some(Settings {
        prefix: Prefix {
            query: query.to_string(),
            passage: passage.to_string(),
        },
        pooling,
        normalise,
        max_length,
    })
}

/// The names of all models that are known.
pub(crate) fn names() -> [&'static str; MODELS.len()] {
    MODELS.map(|model| model.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_the_end_of_their_names() {
        let expected = known("all-minilm-l6-v2").unwrap();
        for name in [
            "sentence-transformers/all-MiniLM-L6-v2",
            "/models/all-minilm-l6-v2/",
            "C:\\models\\all-MiniLM-L6-v2",
        ] {
            assert_eq!(known(name), Some(expected.clone()), "{name}");
        }
        for name in ["", "/", "e5", "all-minilm-l6-v2-tuned"] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_written_once_and_in_lower_case() {
        let mut names = names().to_vec();
        assert!(names.iter().all(|name| name.to_ascii_lowercase() == *name));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MODELS.len());
    }
}
