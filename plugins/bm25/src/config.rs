//! The options.

use rust_stemmers::Algorithm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The default of [`Analyser::pattern`]: the matches of Python's `(?u)\b\w\w+\b`, whose `\w` is
/// letters, numbers and the underscore, not combining marks.
pub(crate) const DEFAULT_PATTERN: &str = r"[\p{L}\p{N}_]{2,}";

/// BM25: items whose texts share rare words with the query.
///
/// An item's score is the sum, over the query's tokens as often as they occur in it, of the
/// variant's inverse document frequency times its term frequency component. An item without any
/// of the tokens scores 0 and is left out, save with `bm25l` and `bm25+`, which give it something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bm25 {
    /// The formula.
    pub variant: Variant,
    /// The saturation of term frequency: how slowly repetitions lose weight; 0 ignores them.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub k1: f64,
    /// The strength of length normalisation, from none (0) to full (1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub b: f64,
    /// The constant that `bm25l` and `bm25+` add: with `bm25l` it changes ranks, with `bm25+` (as in
    /// bm25s) scores alone, by as much for all.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub delta: f64,
    /// The tokenisation of texts and queries.
    pub analyser: Analyser,
}

impl Default for Bm25 {
    fn default() -> Self {
        Bm25 {
            variant: Variant::Lucene,
            k1: 1.5,
            b: 0.75,
            delta: 0.5,
            analyser: Analyser::default(),
        }
    }
}

/// The formulas of BM25, as Kamphuis et al. (2020) tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Lucene's, with exact lengths.
    Lucene,
    /// The original, with negative inverse document frequencies raised to 0.
    Robertson,
    /// ATIRE's.
    Atire,
    /// BM25L, which shifts the normalised term frequency by `delta`.
    Bm25l,
    /// BM25+, which shifts the term frequency component by `delta`.
    #[serde(rename = "bm25+")]
    Bm25Plus,
}

/// The tokenisation of texts and queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Analyser {
    /// Regular expression, in the syntax of Rust's `regex` crate, whose matches are the tokens.
    /// The default is what Python's `\b\w\w+\b` finds. A token of more than 65,530 bytes is left
    /// out.
    pub pattern: String,
    /// True if the whole text is lower-cased first.
    pub lowercase: bool,
    /// Tokens to leave out: a list's name, or the words themselves as they are after lower-casing.
    pub stop_words: StopWords,
    /// Language whose Snowball stemmer reduces the tokens that are left; none if absent.
    pub stemmer: Option<Stemmer>,
}

impl Default for Analyser {
    fn default() -> Self {
        Analyser {
            pattern: DEFAULT_PATTERN.to_string(),
            lowercase: true,
            stop_words: StopWords::List(StopWordList::English),
            stemmer: None,
        }
    }
}

/// Tokens to leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StopWords {
    /// A list that gloss has.
    List(StopWordList),
    /// A given list.
    Words(Vec<String>),
}

/// The lists of stop words that gloss has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopWordList {
    /// Lucene's 33 English words, which bm25s uses too.
    English,
    /// No words.
    None,
}

/// The languages that have a stemmer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a language's name says it")]
pub enum Stemmer {
    Arabic,
    Danish,
    Dutch,
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
}

impl From<Stemmer> for Algorithm {
    fn from(stemmer: Stemmer) -> Self {
        match stemmer {
            Stemmer::Arabic => Algorithm::Arabic,
            Stemmer::Danish => Algorithm::Danish,
            Stemmer::Dutch => Algorithm::Dutch,
            Stemmer::English => Algorithm::English,
            Stemmer::Finnish => Algorithm::Finnish,
            Stemmer::French => Algorithm::French,
            Stemmer::German => Algorithm::German,
            Stemmer::Greek => Algorithm::Greek,
            Stemmer::Hungarian => Algorithm::Hungarian,
            Stemmer::Italian => Algorithm::Italian,
            Stemmer::Norwegian => Algorithm::Norwegian,
            Stemmer::Portuguese => Algorithm::Portuguese,
            Stemmer::Romanian => Algorithm::Romanian,
            Stemmer::Russian => Algorithm::Russian,
            Stemmer::Spanish => Algorithm::Spanish,
            Stemmer::Swedish => Algorithm::Swedish,
            Stemmer::Tamil => Algorithm::Tamil,
            Stemmer::Turkish => Algorithm::Turkish,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_being_written() {
        let options: Bm25 = serde_json::from_str(
            r#"{"variant": "bm25+", "analyser": {"stop_words": ["the"], "stemmer": "english"}}"#,
        )
        .unwrap();
        assert_eq!(options.variant, Variant::Bm25Plus);
        let again = serde_json::from_value(serde_json::to_value(&options).unwrap()).unwrap();
        assert_eq!(options, again);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert!(serde_json::from_str::<Bm25>(r#"{"k2": 1}"#).is_err());
        assert!(serde_json::from_str::<Bm25>(r#"{"analyser": {"stopwords": "none"}}"#).is_err());
    }
}
