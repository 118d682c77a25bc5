//! The retriever `bm25`: exact BM25, in five variants, over a tantivy inverted index.
//!
//! [`build`](gloss_core::Retriever::build) lets tantivy write an inverted index of the catalogue's
//! texts, cut into tokens by the configured [`Analyser`]. Opening it reads terms and exact
//! term frequencies back and turns every posting into its *impact*: what the term adds to the
//! item's score, which BM25 lets one know before any query comes. A query is then answered in
//! memory, exactly, without looking at what cannot be among the best. Neither tantivy's
//! query parser nor its scorer is used: the one gives meaning to characters of a title, the other
//! fixes `k1` and rounds lengths.
//!
//! - `config`, `retriever`: the options, and the retriever that they make.
//! - `analyser`, `stop_words`, `tokenizer`: from text to tokens, and tantivy's view of that.
//! - `variant`: the formulas.
//! - `storage`: the index on disk.
//! - `postings`, `impacts`: the index in memory.
//! - `search`, `signature`, `best`: queries.

mod analyser;
mod best;
mod config;
mod impacts;
mod postings;
mod retriever;
mod search;
mod signature;
mod stop_words;
mod storage;
mod tokenizer;
mod variant;

pub use config::{Analyser, Bm25, Stemmer, StopWordList, StopWords, Variant};

gloss_core::plugin! {
    retriever "bm25" => Bm25,
}
