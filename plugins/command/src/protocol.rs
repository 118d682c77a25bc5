//! The protocol: what gloss asks, and what a program answers, one JSON object a line.
//!
//! A question is one of [`Call`] together with its number, `{"id": 3, "call": "search", …}`. The
//! answer is [`Answer`], with the same number. `core/docs/protocol.md` is made of this file.

use gloss_core::{Kind, QueryContent, QueryKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the protocol. A program that speaks another is refused.
pub const PROTOCOL: u32 = 2;

/// What gloss asks.
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
    /// The second question: these are the options, valid by the program's own schema, defaults
    /// filled in. The answer is `Facts`. An error is told as a fault of the options.
    Configure {
        /// The options.
        options: &'a Map<String, Value>,
    },
    /// Some items of the catalogue, after those that came before; their positions, counted from 0,
    /// stand for them everywhere. Asked of retrievers, of generators, and of metrics that need it.
    /// The answer is null.
    Catalogue {
        /// The names of the items' further fields.
        fields: &'a [String],
        /// The items: id, text, and the values of the further fields or null.
        items: Vec<(&'a str, &'a str, &'a [Option<String>])>,
        /// Whether these are the first items; those of an earlier catalogue are to be forgotten.
        first: bool,
        /// Whether these are the last.
        last: bool,
    },
    /// Some training examples, after those that came before; asked of generators that need them. The
    /// answer is null.
    Training {
        /// The examples: the positions of the items in the context, and of the targets.
        examples: Vec<(&'a [u32], &'a [u32])>,
        /// Whether these are the first examples; earlier ones are to be forgotten.
        first: bool,
        /// Whether these are the last.
        last: bool,
    },
    /// Asked of a retriever: write an index of the catalogue into a folder. The answer is null.
    Build {
        /// The folder, empty.
        folder: &'a str,
    },
    /// Asked of a retriever, with a folder into which it wrote an index of an equal catalogue, and
    /// of a generator: get ready. The answer is null.
    Open {
        /// The folder; null for a generator.
        folder: Option<&'a str>,
    },
    /// Asked of a retriever: the best items of each query. The answer is a list for each query, of
    /// pairs of an item's position and its score, each item once, in any order. gloss sorts them by
    /// score, equal ones in catalogue order, and takes the first k; a program that leaves items out
    /// must do it by this order.
    Search {
        /// The queries, each with the number k of items that are wanted.
        requests: Vec<(&'a QueryContent, usize)>,
    },
    /// Asked of a generator: the queries of each history. The answer is a list for each history, of
    /// pairs of a query and its log-probability, best first. A query is a text, `{"text": "soap"}`, a
    /// vector, `{"vector": [0.5]}`, or a ranking of items, `{"items": [[3, -0.1], [7, -2.5]]}`: pairs of
    /// an item's position and its score, of which a history gets at most one.
    Generate {
        /// The histories, oldest interaction first.
        histories: Vec<HistoryView<'a>>,
    },
    /// Asked of a data set, again and again until the answer is an empty list: some items, each a
    /// list of its id, its text and the values of its further fields.
    Items,
    /// Asked of a data set after its items, again and again until the answer is an empty list: some
    /// interactions, each a list of the user's id, the item's id, the time in milliseconds since
    /// 1970, and the rating or null. An interaction with an item that is not listed is left out.
    Interactions,
    /// Asked of a metric: the value of each of some users, after those that came before. The answer
    /// is a list of numbers; of anything if the metric has one value over all users.
    Score {
        /// The users.
        users: Vec<UserView<'a>>,
        /// Whether these are the first users; earlier ones are to be forgotten.
        first: bool,
    },
    /// Asked of a metric that has one value over all users, after all of them: that value.
    Overall,
}

/// A user's history.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryView<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The items, as positions in the catalogue.
    pub items: &'a [u32],
    /// When each took place, in milliseconds since 1970.
    pub times: &'a [i64],
    /// The rating given with each, or null.
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

/// What a program answers: either `ok` or `error`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The number of the question.
    pub id: u64,
    /// What was asked for.
    #[serde(default)]
    pub ok: Value,
    /// Why it cannot be given, in words for the person who runs gloss.
    #[serde(default)]
    pub error: Option<String>,
    /// Whether the error is a fault of the program's code, not of what it was given.
    #[serde(default)]
    pub internal: bool,
}

/// What a program says of itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The component's name.
    pub name: String,
    /// The component's version.
    #[serde(default)]
    pub version: String,
    /// The component's kind.
    pub kind: KindName,
    /// The JSON Schema of its options. Its `description` says what the component is, in a sentence
    /// in the first paragraph; the properties have a `description` and, unless they are required, a
    /// `default`.
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
    /// A data set.
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

/// What a program says of itself with these options. Everything may be left out.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// The files that decide its answers, such as a model's or a data set's; their contents are
    /// part of the identity of whatever it makes.
    pub inputs: Vec<std::path::PathBuf>,
    /// The files of its own code, besides those that gloss was told of.
    pub code: Vec<std::path::PathBuf>,
    /// How many queries, histories or users it likes to be given at once; 256 if it does not say.
    pub batch_size: Option<usize>,
    /// The kinds of query that a retriever answers; text if it does not say.
    pub accepts: Option<Vec<QueryKind>>,
    /// The kind of query that a generator makes; text if it does not say.
    pub produces: Option<QueryKind>,
    /// Whether a generator needs the training examples.
    pub needs_training: bool,
    /// Whether a metric needs the catalogue.
    pub needs_catalogue: bool,
    /// The names of the further fields of a data set's items.
    pub fields: Vec<String>,
    /// A metric's name in tables, such as `recall@5`; its component's name if it does not say.
    pub label: Option<String>,
    /// A metric's formula, on one line.
    pub formula: String,
    /// How deep into a ranking a metric looks; all of it if it does not say.
    pub cutoff: Option<usize>,
    /// The least and the greatest value of a metric; 0 and 1 if it does not say.
    pub range: Option<(f64, f64)>,
    /// Whether a lower value of a metric is better.
    pub lower_is_better: bool,
    /// Whether a larger cut-off never lowers a metric's value.
    pub monotone_in_cutoff: bool,
    /// Whether a metric measures agreement with the relevant items.
    pub measures_relevance: bool,
    /// Whether a metric has one value over all users, not one for each.
    pub overall: bool,
}
