//! The lists of stop words.

use crate::config::{StopWordList, StopWords};

/// Lucene's English stop words.
const ENGLISH: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

impl StopWords {
    /// The words.
    pub(crate) fn words(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            StopWords::List(StopWordList::English) => Box::new(ENGLISH.into_iter()),
            StopWords::List(StopWordList::None) => Box::new(std::iter::empty()),
            StopWords::Words(words) => Box::new(words.iter().map(String::as_str)),
        }
    }
}
