//! The protocol: questions of gloss and answers of a program, one JSON object per line.
//!
//! A question is a [`Call`] with a number, `{"id": 3, "call": "search", …}`. The answer is an
//! [`Answer`] with the same number. `core/docs/protocol.md` is generated from this file.

use gloss_core::{Kind, QueryContent, QueryKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the protocol. A program with another version is refused.
pub const PROTOCOL: u32 = 2;

/// A question of gloss.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum Call<'a> {
    /// The first question to every program. The answer is `Hello`.
    Hello {
        /// The version of the protocol.
        protocol: u32,
        /// The version of gloss.
        gloss: &'a str,
    },
    /// The second question: the options, valid by the program's own schema, with defaults filled in.
    /// The answer is `Facts`. An error is reported as an error of the options.
    Configure {
        /// The options.
        options: &'a Map<String, Value>,
    },
    /// The next items of the catalogue. Their positions, counted from 0, identify them everywhere.
    /// Sent to retrievers, to generators, and to metrics that need the catalogue. The answer is null.
    Catalogue {
        /// The names of the items' further fields.
        fields: &'a [String],
        /// The items: id, text, and the values of the further fields or null.
        items: Vec<(&'a str, &'a str, &'a [Option<String>])>,
        /// True if these are the first items; the program drops those of an earlier catalogue.
        first: bool,
        /// True if these are the last.
        last: bool,
    },
    /// The next training examples. Sent to generators that need them. The answer is null.
    Training {
        /// The examples: the positions of the items in the context, and of the targets.
        examples: Vec<(&'a [u32], &'a [u32])>,
        /// True if these are the first examples; the program drops earlier ones.
        first: bool,
        /// True if these are the last.
        last: bool,
    },
    /// Tells a retriever to write an index of the catalogue into a folder. The answer is null.
    Build {
        /// The empty folder.
        folder: &'a str,
    },
    /// Tells a retriever to open an index that it wrote for an equal catalogue, or a generator to load
    /// what it needs. The answer is null.
    Open {
        /// The folder; null for a generator.
        folder: Option<&'a str>,
    },
    /// Asks a retriever for the best items of each query. The answer is a list per query of pairs of an
    /// item's position and its score, each item once, in any order. gloss sorts them by score, then
    /// catalogue order, and takes the first k; a program that leaves items out must follow this order.
    Search {
        /// The queries, each with the number k of items wanted.
        requests: Vec<(&'a QueryContent, usize)>,
    },
    /// Asks a generator for the queries of each history. The answer is a list per history, best first, of
    /// pairs of a query and its log-probability, best first. A query is a text, `{"text": "soap"}`, a
    /// vector, `{"vector": [0.5]}`, or a ranking of items, `{"items": [[3, -0.1], [7, -2.5]]}`: pairs of
    /// an item's position and its score, of which a history gets at most one.
    Generate {
        /// The histories, oldest interaction first.
        histories: Vec<HistoryView<'a>>,
    },
    /// Asks a dataset for the next items, until the answer is an empty list. Each is a list of its id,
    /// its text and the values of its further fields.
    Items,
    /// Asks a dataset for the next interactions, after its items, until the answer is an empty list.
    /// Each is a list of the user's id, the item's id, the time in milliseconds since 1970, and the
    /// rating or null. Interactions with unknown items are dropped and counted.
    Interactions,
    /// Asks a metric for the values of the next users. The answer is a list of numbers; anything if the
    /// metric has one value over all users.
    Score {
        /// The users.
        users: Vec<UserView<'a>>,
        /// True if these are the first users; the program drops earlier ones.
        first: bool,
    },
    /// Asks a metric that has one value over all users for it, after all users.
    Overall,
}

/// A user's history.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryView<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The items, as positions in the catalogue.
    pub items: &'a [u32],
    /// The time of each, in milliseconds since 1970.
    pub times: &'a [i64],
    /// The rating of each, or null.
    pub ratings: Vec<Option<f32>>,
}

/// A user's ranking with the grades of its items.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserView<'a> {
    /// The items, as positions in the catalogue, best first.
    pub ranking: &'a [u32],
    /// The grade of the item at each rank; 0 for an irrelevant one.
    pub gains: &'a [f32],
    /// The grades of all relevant items, ranked or not, highest first.
    pub ideal: &'a [f32],
}

/// The answer of a program: either `ok` or `error`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The number of the question.
    pub id: u64,
    /// The result.
    #[serde(default)]
    pub ok: Value,
    /// An error message for the user of gloss.
    #[serde(default)]
    pub error: Option<String>,
    /// True if the error is a bug in the program, not an error of its user.
    #[serde(default)]
    pub internal: bool,
}

/// The properties of a program.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol that it implements.
    pub protocol: u32,
    /// The component's name.
    pub name: String,
    /// The component's version.
    #[serde(default)]
    pub version: String,
    /// The component's kind.
    pub kind: KindName,
    /// The JSON Schema of its options. The first paragraph of its `description` describes the
    /// component in a sentence; properties have a `description` and, unless required, a `default`.
    #[serde(default = "no_options")]
    pub options: Value,
}

fn no_options() -> Value {
    serde_json::json!({"type": "object", "additionalProperties": false})
}

/// The kind of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KindName {
    /// A dataset.
    Dataset,
    /// A query generator.
    Generator,
    /// A retriever.
    Retriever,
    /// A metric.
    Metric,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Kind {
        match name {
            KindName::Dataset => Kind::Dataset,
            KindName::Generator => Kind::Generator,
            KindName::Retriever => Kind::Retriever,
            KindName::Metric => Kind::Metric,
        }
    }
}

/// The properties of a program with these options. All fields are optional.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// The files that decide its answers, such as those of a model or a dataset; their contents are
    /// part of the key of its results.
    pub inputs: Vec<std::path::PathBuf>,
    /// The files of its own code, besides those that the configuration names.
    pub code: Vec<std::path::PathBuf>,
    /// The preferred number of queries, histories or users per question; 256 by default.
    pub batch_size: Option<usize>,
    /// The kinds of query that a retriever answers; text by default.
    pub accepts: Option<Vec<QueryKind>>,
    /// The kind of query that a generator makes; text by default.
    pub produces: Option<QueryKind>,
    /// True if a generator needs the training examples.
    pub needs_training: bool,
    /// True if a metric needs the catalogue.
    pub needs_catalogue: bool,
    /// The names of the further fields of a dataset's items.
    pub fields: Vec<String>,
    /// A metric's name in tables, such as `recall@5`; the component's name by default.
    pub label: Option<String>,
    /// A metric's formula, on one line.
    pub formula: String,
    /// The number of items that a metric reads of each ranking; all by default.
    pub cutoff: Option<usize>,
    /// The lowest and the highest value of a metric; 0 and 1 by default.
    pub range: Option<(f64, f64)>,
    /// True if a lower value of a metric is better.
    pub lower_is_better: bool,
    /// True if a larger cut-off never lowers a metric's value.
    pub monotone_in_cutoff: bool,
    /// True if a metric measures agreement with the relevant items.
    pub measures_relevance: bool,
    /// True if a metric has one value over all users instead of one per user.
    pub overall: bool,
}
