//! The options of the retrievers.

use gloss_core::Diagnostic;
use gloss_encoder::EncoderOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Dense retrieval by a Milvus server: an encoder of the BERT family makes vectors of texts, as for
/// `e5`, and the server finds the items whose vectors are most like the query's.
///
/// The items are loaded into a collection that states everything it was made from; a load that was
/// killed goes on, and a collection of another catalogue, encoder or index is refused. The number of
/// items and, on a sample, the recall against exact search are verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Milvus {
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderOptions,
    /// The server.
    #[serde(flatten)]
    pub server: Server,
    /// The type of index, by Milvus's name: `FLAT` searches exactly; `HNSW`, `IVF_FLAT`, `DISKANN`
    /// and others approximately.
    #[serde(default = "flat")]
    #[schemars(length(min = 1))]
    pub index_type: String,
    /// The parameters of the index, such as `{ M = 16, efConstruction = 200 }` for `HNSW`.
    #[serde(default)]
    pub index_params: Map<String, Value>,
    /// The parameters of a search, such as `{ ef = 256 }` for `HNSW` or `{ nprobe = 16 }` for
    /// `IVF_FLAT`.
    #[serde(default)]
    pub search_params: Map<String, Value>,
    /// Computes the scores of found items again from the vectors that the server stores, in f32, so
    /// that they equal those of `e5` whatever the index rounds. Vectors travel with the answers.
    #[serde(default = "yes")]
    pub rescore: bool,
    /// Items whose texts are asked to measure recall against exact search, after the load.
    #[serde(default = "sample")]
    #[schemars(range(min = 1))]
    pub sample: usize,
    /// The least recall@10 of an index that is not refused.
    #[serde(default = "minimum_recall")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum_recall: f64,
}

/// BM25 by a Milvus server (2.5 or later), which analyses the texts itself.
///
/// Its analyzer and its rounding are those of the server: figures differ from those of `bm25`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MilvusBm25 {
    /// The server.
    #[serde(flatten)]
    pub server: Server,
    /// The saturation of term frequency.
    #[serde(default = "k1")]
    #[schemars(range(min = 0.0, max = 3.0))]
    pub k1: f64,
    /// The normalisation by length.
    #[serde(default = "b")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub b: f64,
    /// The server's analyzer, such as `{ type = "english" }`. By default its standard one.
    #[serde(default)]
    pub analyzer: Map<String, Value>,
}

/// The server, and the work that is given to it at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Server {
    /// The address of the server.
    pub uri: String,
    /// The environment variable that holds the token or `user:password`, which is sent to https and
    /// to this machine alone.
    pub token_env: String,
    /// The database; by default the server's default one.
    pub database: Option<String>,
    /// The name of the collection. By default `gloss_` and a hash of everything that it is made from.
    pub collection: Option<String>,
    /// Items in a request that loads.
    #[schemars(range(min = 1, max = 100_000))]
    pub load_batch: usize,
    /// Queries in a request that searches.
    #[schemars(range(min = 1, max = 16_384))]
    pub search_batch: usize,
    /// Requests in flight.
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: usize,
    /// Seconds until an unanswered request is made again.
    #[schemars(range(min = 1.0))]
    pub timeout: f64,
    /// The number of times that a request is made again after a lost connection, with longer and
    /// longer pauses.
    pub max_retries: u32,
}

impl Server {
    /// Faults of the options.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let uri = self.uri.as_str();
        if uri.starts_with("http://") || uri.starts_with("https://") {
            return Vec::new();
        }
        let message = format!("expected an address such as http://127.0.0.1:19530, found `{uri}`");
        vec![Diagnostic::new("uri", message)]
    }
}

impl Default for Server {
    fn default() -> Self {
        Server {
            uri: "http://127.0.0.1:19530".to_string(),
            token_env: "MILVUS_TOKEN".to_string(),
            database: None,
            collection: None,
            load_batch: 1000,
            search_batch: 256,
            concurrency: 4,
            timeout: 120.0,
            max_retries: 8,
        }
    }
}

/// The options of a server that decide nothing about the answers. Its address and the names there are
/// part of what an index was made from: another server needs a load of its own.
pub(crate) const OF_THE_WAY: [&str; 6] = [
    "token_env",
    "load_batch",
    "search_batch",
    "concurrency",
    "timeout",
    "max_retries",
];

fn flat() -> String {
    "FLAT".to_string()
}

fn yes() -> bool {
    true
}

fn sample() -> usize {
    256
}

fn minimum_recall() -> f64 {
    0.9
}

fn k1() -> f64 {
    1.2
}

fn b() -> f64 {
    0.75
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_being_written_and_unknown_ones_are_refused() {
        for text in [
            r#"{"model": "m"}"#,
            r#"{"model": "m", "prefix": "none", "uri": "https://x", "index_type": "HNSW",
                "index_params": {"M": 8}, "search_batch": 9}"#,
        ] {
            let options: Milvus = serde_json::from_str(text).unwrap();
            let written = serde_json::to_value(&options).unwrap();
            assert_eq!(serde_json::from_value::<Milvus>(written).unwrap(), options);
        }
        for text in [r#"{}"#, r#"{"model": "m", "url": "x"}"#] {
            assert!(serde_json::from_str::<Milvus>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<MilvusBm25>(r#"{"model": "m"}"#).is_err());
        assert!(serde_json::from_str::<MilvusBm25>(r#"{"k1": 0.9, "concurrency": 1}"#).is_ok());
    }

    #[test]
    fn options_that_decide_nothing_are_options() {
        let options = serde_json::to_value(Server::default()).unwrap();
        for option in OF_THE_WAY {
            assert!(options.get(option).is_some(), "{option}");
        }
    }
}
