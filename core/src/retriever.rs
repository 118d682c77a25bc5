//! The third kind of component: from queries to items.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Catalogue, Component, Context, Fault, QueryContent, QueryKind, Result};

/// One query to an index.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is asked; of a kind that the retriever accepts.
    pub query: &'a QueryContent,
    /// The most items wanted; at least 1, and possibly more than there are.
    pub k: usize,
}

/// An item that an index found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The item's catalogue position.
    pub item: u32,
    /// How well it answers, finite, higher is better.
    pub score: f32,
}

/// Something that an index tells of itself, for the report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// What is told of, such as `recall@10 against exact search`.
    pub name: String,
    /// What is told of it.
    pub value: Told,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<f64> for Told {
    fn from(number: f64) -> Self {
        Told::Number(number)
    }
}

impl From<String> for Told {
    fn from(text: String) -> Self {
        Told::Text(text)
    }
}

impl From<&str> for Told {
    fn from(text: &str) -> Self {
        Told::Text(text.to_string())
    }
}

impl Remark {
    /// The remark that `name` is `value`.
    pub fn new(name: impl Into<String>, value: impl Into<Told>) -> Self {
        Remark {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A retriever: options that tell how an index is built and searched.
pub trait Retriever: Component {
    /// Faults that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The kinds of query that it can answer.
    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Text]
    }

    /// The files that it reads besides the catalogue, such as an encoder's; part of the identity
    /// of its index.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// Writes an index of `catalogue` into the empty folder `folder`. The caller makes it appear
    /// in its place at once or not at all, keeps its provenance, and opens it only for an equal
    /// catalogue and equal options.
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

/// A retriever at work.
pub trait Index: Send + Sync {
    /// Finds for each request its best items: at most `k`, each once, by score descending and,
    /// among equal scores, in catalogue order. An item that does not answer the query at all may
    /// be left out. A request's answer does not depend on the others in the batch, and the answer
    /// for a smaller `k` is the beginning of the answer for a larger one.
    ///
    /// # Errors
    /// If a query is malformed, such as a vector of another dimension.
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>>;

    /// What a reader of the results has to know of this index, such as how much an approximate
    /// search finds of what an exact one would. Shown with the results.
    fn remarks(&self) -> Vec<Remark> {
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

/// Sorts hits into the order that [`Index::search`] promises (score descending, then catalogue
/// order) and keeps the best `k`.
pub fn rank(hits: &mut Vec<Hit>, k: usize) {
    // Adding 0 makes -0 a 0, which is as good.
    let score = |hit: &Hit| hit.score + 0.0;
    let order = |a: &Hit, b: &Hit| score(b).total_cmp(&score(a)).then(a.item.cmp(&b.item));
    if k == 0 {
        hits.clear();
    } else if hits.len() > k {
        hits.select_nth_unstable_by(k - 1, order);
        hits.truncate(k);
    }
    hits.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_ranked_in_catalogue_order() {
        let mut hits: Vec<Hit> = [(3, 1.0), (1, 2.0), (0, 1.0), (2, 0.5)]
            .map(|(item, score)| Hit { item, score })
            .to_vec();
        rank(&mut hits, 3);
        assert_eq!(hits.iter().map(|h| h.item).collect::<Vec<_>>(), [1, 0, 3]);
        let mut zeros = [(3, 0.0), (1, -0.0)].map(|(item, score)| Hit { item, score });
        let mut zeros = Vec::from(zeros.as_mut());
        rank(&mut zeros, 2);
        assert_eq!(zeros[0].item, 1);
    }
}
