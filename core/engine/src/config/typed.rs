//! An experiment as it is typed; what it resolves to is in `experiment.rs`.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::bootstrap::Bootstrap;
use crate::ranking::{Fusion, Seen};
use crate::segmentation::Segmentation;
use crate::split::Split;
use crate::sweep_settings::Sweep;

/// An experiment: a dataset, and one or more methods that are compared on it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Experiment {
    /// The experiment's name; by default the name of its file.
    pub(crate) name: Option<String>,
    /// The folder that the run writes; by default `runs/NAME-HASH`.
    pub(crate) output: Option<PathBuf>,
    /// Plugin files to load: dynamic libraries, and programs that speak the plugin protocol. Each
    /// is a path, from the current folder.
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "loaded before all names are resolved; here for the schema"
    )]
    plugins: Vec<PathBuf>,
    /// Runs the experiment once for each of these seeds, which all options `seed` of datasets and
    /// generators get, and `split.same_day_seed`. Tables show means and deviations over them.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    #[expect(
        dead_code,
        reason = "read before all names are resolved; here for the schema"
    )]
    seeds: Vec<u64>,
    /// The split that methods are evaluated on.
    #[serde(default)]
    pub(crate) split: Split,
    /// User segments that methods are also evaluated on: `none`, `usual` (those usual
    /// for the dataset), or tables of `name`, `at_least` and `at_most` interactions.
    #[serde(default)]
    pub(crate) segments: Segmentation,
    /// Confidence intervals of the metrics. There are none unless this table is given, which
    /// may be empty.
    #[serde(default)]
    pub(crate) bootstrap: Option<Bootstrap>,
    /// The metrics, as names such as `recall@5` or as tables.
    #[expect(dead_code, reason = "resolved by name; here for the schema")]
    metrics: Vec<Spec>,
    /// The dataset, as a name or a table with `type`.
    #[expect(dead_code, reason = "resolved by name; here for the schema")]
    dataset: Spec,
    /// The query generator, as a name or a table with `type`.
    #[expect(dead_code, reason = "resolved method by method; here for the schema")]
    generator: Option<Spec>,
    /// The retriever, as a name or a table with `type`; none if the generator names items.
    #[expect(dead_code, reason = "resolved method by method; here for the schema")]
    retriever: Option<Spec>,
    /// Options for one ranking from the hits of all queries.
    #[serde(default)]
    #[expect(dead_code, reason = "resolved method by method; here for the schema")]
    ranking: RankingOptions,
    /// The methods that are compared, if there are several: each a name and what differs from the
    /// settings above.
    #[serde(default)]
    #[schemars(length(min = 1))]
    #[expect(dead_code, reason = "resolved method by method; here for the schema")]
    method: Vec<Method>,
    /// Settings to try, for `gloss sweep`.
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read before all names are resolved; here for the schema"
    )]
    sweep: Option<Sweep>,
    /// Further methods, each of which fuses the rankings of several methods above.
    #[serde(default)]
    pub(crate) fusion: Vec<FusedMethods>,
}

/// Rankings of several methods made into one, by weighted reciprocal rank fusion (Cormack, Clarke and
/// Büttcher, 2009). Each ranking counts as deep as its own cut-off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FusedMethods {
    /// The name in tables.
    pub(crate) name: String,
    /// The names of the methods.
    #[schemars(length(min = 2))]
    pub(crate) methods: Vec<String>,
    /// The weight of each method, in the same order; equal by default.
    pub(crate) weights: Option<Vec<f64>>,
    /// The constant that is added to each rank.
    #[serde(default = "default_constant")]
    #[schemars(range(min = 0.0))]
    pub(crate) reciprocal_rank_constant: f64,
    /// Items in each user's ranking; by default as many as the deepest metric reads, or 10.
    #[schemars(range(min = 1))]
    pub(crate) cutoff: Option<u32>,
}

fn default_constant() -> f64 {
    60.0
}

/// One of several methods: what differs from the experiment's own settings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Method {
    /// The method's name in tables; by default `GENERATOR+RETRIEVER`.
    name: Option<String>,
    /// The query generator, as a name or a table with `type`.
    generator: Option<Spec>,
    /// The retriever, as a name or a table with `type`; `"none"` if the generator names items.
    retriever: Option<Spec>,
    /// Options for one ranking from the hits of all queries.
    ranking: RankingOptions,
}

/// Options for one ranking from the hits of all queries.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RankingOptions {
    /// Items taken from each query's hits; by default as many as the cut-off.
    #[schemars(range(min = 1))]
    pub(crate) depth: Option<u32>,
    /// Items in each user's ranking; by default as many as the deepest metric reads, or 10.
    #[schemars(range(min = 1))]
    pub(crate) cutoff: Option<u32>,
    /// The fusion of the hits of several queries.
    pub(crate) fusion: Fusion,
    /// The constant of reciprocal rank fusion.
    #[schemars(range(min = 0.0))]
    pub(crate) reciprocal_rank_constant: f64,
    /// The policy for items that are in the user's history.
    pub(crate) seen: Seen,
}

impl Default for RankingOptions {
    fn default() -> Self {
        RankingOptions {
            depth: None,
            cutoff: None,
            fusion: Fusion::default(),
            reciprocal_rank_constant: default_constant(),
            seen: Seen::default(),
        }
    }
}

/// A component, as its name or as a table of its options with its name under `type`.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spec(
    #[expect(dead_code, reason = "resolved by name; here for the schema")] Value,
);

impl JsonSchema for Spec {
    fn schema_name() -> Cow<'static, str> {
        "Spec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "object"]})
    }

    fn inline_schema() -> bool {
        true
    }
}
