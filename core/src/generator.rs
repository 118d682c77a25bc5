//! The second kind of component: from histories to queries.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Component, Context, Data, Error, Fault, History, Result, Trainer};

/// What a retriever is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryContent {
    /// A text, such as a generated item title.
    Text(String),
    /// A point in the retriever's vector space.
    Vector(Vec<f32>),
    /// An item itself, as a catalogue position; no retriever is needed.
    Item(u32),
}

impl QueryContent {
    /// Which kind of content it is.
    pub fn kind(&self) -> QueryKind {
        match self {
            QueryContent::Text(_) => QueryKind::Text,
            QueryContent::Vector(_) => QueryKind::Vector,
            QueryContent::Item(_) => QueryKind::Item,
        }
    }
}

/// The kinds of [`QueryContent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryKind {
    /// [`QueryContent::Text`]
    Text,
    /// [`QueryContent::Vector`]
    Vector,
    /// [`QueryContent::Item`]
    Item,
}

impl std::fmt::Display for QueryKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            QueryKind::Text => "text",
            QueryKind::Vector => "vector",
            QueryKind::Item => "item",
        })
    }
}

/// One of a user's queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What is asked.
    pub content: QueryContent,
    /// The natural logarithm of the probability that the generator gives it, or any finite score
    /// of which higher is better; 0 where a generator has no opinion.
    pub log_probability: f32,
}

impl Query {
    /// A text query without an opinion.
    pub fn text(text: impl Into<String>) -> Self {
        Query {
            content: QueryContent::Text(text.into()),
            log_probability: 0.0,
        }
    }

    /// An item query with a score.
    pub fn item(position: u32, log_probability: f32) -> Self {
        Query {
            content: QueryContent::Item(position),
            log_probability,
        }
    }
}

/// A query generator: options that tell how queries are made from histories.
pub trait QueryGenerator: Component {
    /// Faults that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The kind of queries that it makes, so that a retriever that cannot answer them is refused
    /// before anything is read.
    fn produces(&self) -> QueryKind {
        QueryKind::Text
    }

    /// The files that it reads, such as a checkpoint's; part of the identity of its queries.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// How it learns, if its options say that it has to before it is opened.
    fn trainer(&self) -> Option<&dyn Trainer> {
        None
    }

    /// Writes what it uses into the empty `folder`, whole and in a form that other programs read.
    ///
    /// # Errors
    /// [`Error::Usage`] if it uses nothing of the kind.
    fn export(&self, folder: &Path, context: &Context) -> Result<()> {
        let (_, _) = (folder, context);
        Err(Error::Usage(format!(
            "generator `{}` has nothing to export",
            self.name()
        )))
    }

    /// Loads what generation needs. `data` is for the catalogue and the training cases; the
    /// histories to be continued come later, in batches.
    ///
    /// # Errors
    /// If a file does not hold what it should.
    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>>;
}

/// A query generator at work.
pub trait Generator {
    /// How many histories it likes to be given at once. Must not change the queries.
    fn batch_size(&self) -> usize {
        1024
    }

    /// Makes the queries of each history, best first, in the order of `histories`. A history may
    /// be empty, and a user may get no query. Equal histories get equal queries, whichever batch
    /// they are in.
    ///
    /// # Errors
    /// If the work cannot be done; the batch is then lost, earlier ones are not.
    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>>;
}

/// A closure over one batch is a generator.
impl<F> Generator for F
where
    F: FnMut(&[History<'_>]) -> Result<Vec<Vec<Query>>>,
{
    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        self(histories)
    }
}
