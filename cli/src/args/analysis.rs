//! Flags of the commands that analyse finished runs.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use super::{Cache, Experiment, path, path_or_address};

/// Flags of `sweep`.
#[derive(Debug, clap::Args)]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The output folder [default: runs/NAME-sweep]
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace other runs in the output folder
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// Folders of runs on the same users
    #[arg(value_parser = path_or_address, required = true, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) runs: Vec<PathBuf>,

    /// The file to write
    #[arg(value_parser = path, long, value_name = "FILE", default_value = "report.html", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Also write the charts as SVG files into this folder
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) charts: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The folder of a run
    #[arg(value_parser = path_or_address, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,

    /// The user's identifier
    pub(crate) user: String,

    /// Show this method alone
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// The number of items of each ranking to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) depth: usize,

    /// Show the log-probability of each token of the generated texts or items, if a Llama wrote them; it is
    /// loaded for that, with its training from the cache
    #[arg(long)]
    pub(crate) tokens: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `log`.
#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// Folders of runs
    #[arg(value_parser = path_or_address, required = true, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) runs: Vec<PathBuf>,

    /// The experiment tracker
    #[arg(long, value_enum, default_value_t)]
    pub(crate) tracker: TrackerKind,

    /// MLflow's server or folder, or the folder for the tracker's files [default: MLFLOW_TRACKING_URI or
    /// mlruns; runs for TensorBoard; WANDB_DIR or the current folder for W&B]
    #[arg(long, value_name = "URI", value_hint = ValueHint::Url)]
    pub(crate) uri: Option<String>,
}

/// Experiment trackers.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum TrackerKind {
    /// MLflow, by its server or by its folder of files
    #[default]
    Mlflow,
    /// Event files of TensorBoard
    Tensorboard,
    /// An offline run of Weights & Biases for each method, to be sent by `wandb sync`
    Wandb,
}

/// Flags of `compare`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Compare {
    /// Folders of runs, or of single methods in them; runs in TREC format or as ranx's JSON; files of
    /// GLoSS's metrics by user (.jsonl). Runs of one method that differ in their seeds alone are one
    /// row
    #[arg(value_parser = path_or_address, required = true, value_name = "RUN", value_hint = ValueHint::AnyPath)]
    pub(crate) runs: Vec<PathBuf>,

    /// The relevance judgements for runs in TREC format or as ranx's JSON
    #[arg(value_parser = path, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) qrels: Option<PathBuf>,

    /// The metrics to compare [default: all that every method has]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,

    /// The method that all others are compared with [default: the first]
    #[arg(long, value_name = "METHOD")]
    pub(crate) baseline: Option<String>,

    /// The form of the result; --json prints everything
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    /// The test that decides which differences are marked as significant
    #[arg(long, value_name = "TEST", default_value = "randomization")]
    pub(crate) test: Test,

    /// The level of significance, after Holm's correction; intervals have the level 1 - ALPHA
    #[arg(long, value_name = "ALPHA", default_value_t = 0.05, value_parser = alpha)]
    pub(crate) alpha: f64,

    /// The number of resamples of the bootstrap and the randomisation test
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(crate) resamples: u32,

    /// The seed of the resamples
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Also compare methods that exclude seen items with methods that keep them
    #[arg(long)]
    pub(crate) mixed_seen: bool,

    /// Also test every method with every other one
    #[arg(long)]
    pub(crate) all_pairs: bool,
}

/// Forms of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for a terminal
    Text,
    /// Tables of Markdown
    Markdown,
    /// Tables of LaTeX with booktabs
    Latex,
    /// A line for each method, metric and segment
    Csv,
}

/// Tests of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Test {
    /// Student's paired t-test
    T,
    /// Wilcoxon's signed-rank test
    Wilcoxon,
    /// The randomisation test of the mean
    Randomization,
}

fn alpha(text: &str) -> Result<f64, String> {
    let alpha = text.parse::<f64>().ok();
    alpha
        .filter(|alpha| (0.0001..=0.99).contains(alpha))
        .ok_or_else(|| "expected a number from 0.0001 to 0.99".to_string())
}
