//! The engine of gloss: experiment files, the cache and its stages, evaluation, TREC files,
//! conformance tests, and the loading of plugin libraries.
//!
//! Plugins are written against `gloss-core`; their tests use [`assert_invariants`]. The modules
//! build on each other in this order: files and tables, stages and the cache, the pipeline that
//! combines stages, and on top [`run()`] and [`train_experiment`].

mod audit;
mod bootstrap;
mod cache;
mod compare;
mod config;
mod conformance;
mod data_files;
mod evaluate;
mod files;
mod finished;
mod library;
mod manifest;
mod merge;
mod output_folder;
mod pipeline;
mod program;
mod published_tables;
mod ranking;
mod results;
mod run;
mod run_files;
mod seeds;
mod segmentation;
mod shard;
mod shard_run;
mod shard_status;
mod shown;
mod split;
mod stage;
mod stages;
mod sweep;
mod sweep_settings;
mod tables;
mod ties;
mod training;
pub mod trec;
mod value_lines;

pub use audit::{Audit, audit, fingerprint};
pub use bootstrap::{Bootstrap, Interval};
pub use cache::{ArtefactMirror, Cache, CachedArtefact, FileRecord, PruneFilter, RECORD};
pub use compare::{
    CompareOptions, Comparison, Competitor, Difference, MethodValues, PValues, Pair, Row, Value,
    compare, statistics,
};
pub use config::{Experiment, ExperimentConfig, FusedMethods, Method, experiment_schema};
pub use conformance::{Outcome, Verdict, assert_invariants, check_invariants};
pub use evaluate::tie_range;
pub use finished::{FinishedRun, UserValues};
pub use library::load_library;
pub use manifest::{Existing, run_folder};
pub use output_folder::OutputFolder;
pub use published_tables::{PREPARED, write_tables};
pub use ranking::{Fusion, RankingOptions, Seen};
pub use results::{Manifest, MethodResult, MetricValue, Results, Run, SegmentResult, Training};
pub use run::{merge_shards, run};
pub use run_files::MANIFEST;
pub use seeds::{SeedSummary, summarize};
pub use segmentation::{NamedSegmentation, Segmentation};
pub use shard::Shard;
pub use shard_run::run_shard;
pub use shard_status::{ShardState, ShardStatus, Worker, shard_folder, shard_statuses};
pub use shown::{Prepared, ShownMethod};
pub use split::Split;
pub use stage::StageRow;
pub use sweep::{SWEEP_FILES, SweepResults, Trial, resolve_sweep, run_sweep};
pub use sweep_settings::{Search, Sweep};
pub use ties::TieOrders;
pub use training::{join_training, train_experiment, trained_generator};
