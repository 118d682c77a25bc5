//! Flags of the commands that work on a cluster.

use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::RangedU64ValueParser;

use super::{Cache, Experiment, path, path_or_address};

/// Flags of `merge`.
#[derive(Debug, clap::Args)]
pub(crate) struct Merge {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The number of shards
    #[arg(long, value_name = "COUNT", value_parser = shards())]
    pub(crate) shards: usize,

    /// The output folder [default: runs/NAME-HASH]
    #[arg(value_parser = path_or_address, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace another run in the output folder
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `slurm`.
#[derive(Debug, clap::Args)]
pub(crate) struct Slurm {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The number of shards: the tasks of the job array
    #[arg(long, value_name = "COUNT", value_parser = shards())]
    pub(crate) array: usize,

    /// GPUs of each job
    #[arg(long, value_name = "COUNT")]
    pub(crate) gpus: Option<String>,

    /// Cores of each job
    #[arg(long, value_name = "COUNT")]
    pub(crate) cpus_per_task: Option<u32>,

    /// Memory of each job, such as 32G
    #[arg(long, value_name = "SIZE")]
    pub(crate) mem: Option<String>,

    /// Time limit of each job, such as 04:00:00. A job that reaches it is queued again and resumes
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,

    /// Partition of the cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) partition: Option<String>,

    /// Any other option of sbatch, such as --sbatch=--account=lab
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub(crate) sbatch: Vec<String>,

    /// Print the scripts; write and submit nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The output folder of the run [default: runs/NAME-HASH]
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// The folder of the run, which need not be there yet
    #[arg(value_parser = path, value_hint = ValueHint::DirPath)]
    pub(crate) run: PathBuf,
}

fn shards() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=100_000)
}
