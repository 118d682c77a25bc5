//! Queries: what a generator makes and a retriever answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The content of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryContent {
    /// A text, such as a generated item title.
    Text(String),
    /// A point in the retriever's vector space.
    Vector(Vec<f32>),
    /// A ranking of its own: catalogue positions with finite scores, the highest first. No
    /// retriever is needed.
    Items(Vec<(u32, f32)>),
}

impl QueryContent {
    /// The kind of the content.
    pub fn kind(&self) -> QueryKind {
        match self {
            QueryContent::Text(_) => QueryKind::Text,
            QueryContent::Vector(_) => QueryKind::Vector,
            QueryContent::Items(_) => QueryKind::Items,
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
    /// [`QueryContent::Items`]
    Items,
}

impl std::fmt::Display for QueryKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            QueryKind::Text => "text",
            QueryKind::Vector => "vector",
            QueryKind::Items => "items",
        })
    }
}

/// One of a user's queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The content.
    pub content: QueryContent,
    /// The natural logarithm of the probability that the generator gives it, or any finite score
    /// of which higher is better; 0 where a generator has none.
    pub log_probability: f32,
}

impl Query {
    /// A text query with the log-probability 0.
    pub fn text(text: impl Into<String>) -> Self {
        Query {
            content: QueryContent::Text(text.into()),
            log_probability: 0.0,
        }
    }

    /// A ranking of items with their scores, the highest first.
    pub fn items(ranking: Vec<(u32, f32)>) -> Self {
        Query {
            content: QueryContent::Items(ranking),
            log_probability: 0.0,
        }
    }
}
