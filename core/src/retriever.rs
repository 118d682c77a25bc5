//! The third kind of component: from queries to items.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    Catalogue, Component, Context, Diagnostic, Hit, Identity, QueryContent, QueryKind, Result,
};

/// One query to an index.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The query, of a kind that the retriever accepts.
    pub query: &'a QueryContent,
    /// The number of items wanted; at least 1, and possibly more than there are.
    pub k: usize,
}

/// A statistic of an index, shown with the results of a run, such as the recall of an approximate
/// search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexStatistic {
    /// The name, such as `recall@10 against exact search`.
    pub name: String,
    /// The value.
    pub value: StatisticValue,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StatisticValue {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<f64> for StatisticValue {
    fn from(number: f64) -> Self {
        StatisticValue::Number(number)
    }
}

impl From<String> for StatisticValue {
    fn from(text: String) -> Self {
        StatisticValue::Text(text)
    }
}

impl From<&str> for StatisticValue {
    fn from(text: &str) -> Self {
        StatisticValue::Text(text.to_string())
    }
}

impl IndexStatistic {
    /// A statistic.
    pub fn new(name: impl Into<String>, value: impl Into<StatisticValue>) -> Self {
        IndexStatistic {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A retriever: options that state how an index is built and searched.
pub trait Retriever: Component {
    /// Returns diagnostics that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The kinds of query that it answers.
    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Text]
    }

    /// The files that it reads besides the catalogue, such as those of an encoder; part of the key
    /// of its index.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// Everything else that its index and its answers depend on: code, options as they take effect,
    /// machine.
    ///
    /// # Errors
    /// If a device that is asked for is not there, or a file of code cannot be read.
    fn identity(&self) -> Result<Identity> {
        Identity::of(self)
    }

    /// Writes an index of `catalogue` into the empty folder `folder`. The caller moves the folder
    /// into place when it is complete, and opens it only for an equal catalogue and an equal
    /// identity.
    ///
    /// # Errors
    /// If the index cannot be written.
    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()>;

    /// Opens an index that [`build`](Retriever::build) wrote into `folder`.
    ///
    /// # Errors
    /// If the folder does not hold such an index.
    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>>;
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePart {
    /// The part of the query that gave it, such as a term.
    pub of: String,
    /// Its share of the score.
    pub score: f32,
}

/// An opened index.
pub trait Index: Send + Sync {
    /// Returns the best items of each request: at most `k`, each once, by score descending, then
    /// catalogue order. An item that does not match the query at all may be left out. An answer does
    /// not depend on the other requests of the batch, and the answer for a smaller `k` is the
    /// beginning of the answer for a larger one.
    ///
    /// # Errors
    /// If a query is malformed, such as a vector of another dimension.
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>>;

    /// The parts of the score of `item` for a query, such as those of the query's terms; their sum is
    /// the score. Empty if the score has no parts, which is the default.
    ///
    /// # Errors
    /// If the query is malformed.
    fn explain(&self, _query: &QueryContent, _item: u32) -> Result<Vec<ScorePart>> {
        Ok(Vec::new())
    }

    /// Statistics that a reader of the results needs, such as the recall of an approximate search.
    fn statistics(&self) -> Vec<IndexStatistic> {
        Vec::new()
    }
}

/// A closure over one batch is an index.
impl<F> Index for F
where
    F: Fn(&[Request<'_>]) -> Result<Vec<Vec<Hit>>> + Send + Sync,
{
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        self(requests)
    }
}
