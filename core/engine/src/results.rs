//! The results of a run, as they are shown and written.

use std::path::PathBuf;

use gloss_core::{IndexStatistic, InputFile, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::Audit;
use crate::bootstrap::Interval;
use crate::cache::FileRecord;
use crate::ranking::RankingOptions;
use crate::split::Split;
use crate::stage::StageRow;

/// The value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The metric's label, such as `recall@5`.
    pub metric: String,
    /// The mean over users, or the overall value.
    pub value: f64,
    /// True if a higher value is better.
    pub higher_is_better: bool,
    /// The confidence interval, if it was asked for and the value is a mean over users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The lowest and the highest value over all orders of equal scores within the rankings, if they
    /// differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ties: Option<Interval>,
}

/// The results of a method on a user segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentResult {
    /// The segment's name.
    pub segment: String,
    /// The number of users.
    pub users: u64,
    /// The value of each metric, in the experiment's order.
    pub metrics: Vec<MetricValue>,
}

/// The results of a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// The method's name.
    pub method: String,
    /// The ranking options.
    pub ranking: RankingOptions,
    /// The number of users evaluated.
    pub users: u64,
    /// The number of users without a ranking; they score 0.
    pub users_without_ranking: u64,
    /// The number of users whose ranking has fewer items than the deepest metric reads and the
    /// catalogue has.
    pub users_with_short_ranking: u64,
    /// Statistics of the index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<IndexStatistic>,
    /// The value of each metric, in the experiment's order.
    pub metrics: Vec<MetricValue>,
    /// The results on each user segment, in the experiment's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentResult>,
}

/// The results of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The experiment's name.
    pub experiment: String,
    /// The dataset's name.
    pub dataset: String,
    /// The split that the methods were evaluated on.
    pub split: Split,
    /// The methods, in the experiment's order.
    pub methods: Vec<MethodResult>,
    /// The counts of the loader.
    pub data: Report,
    /// Properties of the data and of the examples.
    pub audit: Audit,
}

/// The manifest of a run or a training: everything that it was made from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of gloss.
    pub gloss: String,
    /// The hash of everything that the result was made from.
    pub key: String,
    /// The experiment, defaults included.
    pub experiment: Value,
    /// The packages of the components, with their versions.
    pub packages: Vec<String>,
    /// Everything else that the result depends on, in named parts: options as they took effect,
    /// fingerprints of code, properties of the machine, hashes of files.
    pub provenance: Value,
    /// The files of components' code that is not compiled in: plugin libraries, programs.
    pub code: Vec<InputFile>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// The start time, in seconds since 1970.
    pub started: u64,
    /// The duration, in seconds.
    pub seconds: f64,
    /// The peak memory of the process, in bytes; `None` where the system does not report it.
    pub peak_memory: Option<u64>,
    /// The stages, in the order in which they ended.
    pub stages: Vec<StageRow>,
    /// The files of the folder, except the manifest and the log.
    pub files: Vec<FileRecord>,
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The folder.
    pub folder: PathBuf,
    /// True if the folder held the same run already, so that nothing was done.
    pub reused: bool,
    /// The results.
    pub results: Results,
    /// The stages that ran.
    pub stages: Vec<StageRow>,
}

/// A finished training of an experiment's generators.
#[derive(Debug, Clone)]
pub struct Training {
    /// The folder.
    pub folder: PathBuf,
    /// True if the folder held the same training already, so that nothing was done.
    pub reused: bool,
    /// The folder of each method's result.
    pub methods: Vec<(String, PathBuf)>,
    /// The stages that ran.
    pub stages: Vec<StageRow>,
}
