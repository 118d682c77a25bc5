//! Commands and flags, apart from what they do.

mod analysis;
mod cluster;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use gloss_core::Kind;
use gloss_engine::Shard;
use gloss_engine::trec::Ties;

use crate::remote::address;

pub(crate) use analysis::{Compare, Format, Inspect, Log, Report, Sweep, Test, TrackerKind};
pub(crate) use cluster::{Merge, Slurm, Status};

/// Generative sequential recommendation: datasets, query generators, retrievers and metrics,
/// composed by name.
#[derive(Debug, Parser)]
#[command(name = "gloss", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Print only results and errors: no progress, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print results as JSON on standard output, and errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Log to standard error; twice for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Load a plugin: a dynamic library, or a program that speaks the plugin protocol
    #[arg(value_parser = path, long = "plugin", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) plugins: Vec<PathBuf>,

    /// Load all plugins of a folder: its dynamic libraries and its executable programs
    #[arg(value_parser = path, long, global = true, value_name = "FOLDER", env = "GLOSS_PLUGINS",
          value_hint = ValueHint::DirPath)]
    pub(crate) plugin_folder: Option<PathBuf>,

    /// The width of tables in columns [default: the terminal's, or 120]
    #[arg(long, global = true, value_name = "COLUMNS", env = "COLUMNS",
          value_parser = clap::value_parser!(u16).range(20..))]
    pub(crate) width: Option<u16>,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// The commands, each in the file of its name in `commands/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment and print a table of results
    Run(Run),
    /// Make the run of an experiment from the results of its shards
    Merge(Merge),
    /// Write the scripts of a Slurm job array that runs an experiment in shards, and submit them
    Slurm(Slurm),
    /// Show the progress of the shards of a run
    Status(Status),
    /// Train the generators of an experiment and write the results into a folder
    Train(Train),
    /// Write the complete model of an experiment's generator, with its adapter merged, for other programs
    Export(Export),
    /// Report all configuration errors of an experiment, or print it with all defaults; read no data
    ///
    /// Libraries that `plugins` names are loaded, and programs are started once to ask for their
    /// options; nothing else is run.
    Validate(Experiment),
    /// List all components
    List(List),
    /// Show a component and its options
    Describe(Describe),
    /// Print the JSON Schema of experiment files, for editors
    Schema,
    /// Create a new component: a folder with code, tests, an experiment and data
    New(New),
    /// Run the conformance tests on a component or on all components of a plugin
    Check(Check),
    /// Convert a dataset to Parquet files and report what was kept and dropped
    Prepare(Prepare),
    /// Download a dataset, or a model of the Hugging Face hub, and record the files' checksums
    Fetch(Fetch),
    /// List or remove the cached results of stages
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Evaluate an existing run, in TREC format or GLoSS's per-user files
    Evaluate(Evaluate),
    /// Try the settings of an experiment's table `sweep` and choose the best on validation users
    Sweep(Sweep),
    /// Compare methods of finished runs on the same users, with tests of significance
    Compare(Compare),
    /// Write finished runs as one HTML file: tables, charts, every user
    Report(Report),
    /// Show one user of a finished run: history, queries, ranking with the parts of its scores
    Inspect(Inspect),
    /// Log finished runs to MLflow, TensorBoard or Weights & Biases
    Log(Log),
    /// Report on this build and this machine
    Doctor,
    /// Print a completion script for a shell
    Completions(Completions),
}

/// An experiment: a file, flags, or both; flags override the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Experiment {
    /// The experiment's TOML file
    #[arg(value_parser = path, value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// The dataset's name
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,

    /// The query generator's name
    #[arg(long, value_name = "NAME")]
    pub(crate) generator: Option<String>,

    /// The retriever's name
    #[arg(long, value_name = "NAME")]
    pub(crate) retriever: Option<String>,

    /// The metrics, such as recall@5,ndcg@5,mrr
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,

    /// The split to evaluate on: test or validation
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<String>,

    /// Set any option, such as retriever.k1=1.2; the value is TOML, or plain text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) work: Train,

    /// Run one part of the users, such as 2/4, and leave the results in the cache for `gloss merge`; 0/4
    /// does what all parts share: data, trainings and indexes
    #[arg(long, value_name = "INDEX/COUNT", conflicts_with = "overwrite")]
    pub(crate) shard: Option<Shard>,
}

/// Flags of `train`, and of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The output folder, or an address such as s3://bucket/run [default: runs/NAME-HASH,
    /// runs/NAME-train-HASH]
    #[arg(value_parser = path_or_address, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace another run or training in the output folder
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Show for every stage whether it was reused, and if not, what changed
    #[arg(long)]
    pub(crate) explain: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The method whose generator to export, if there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,

    /// The output folder
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `new`.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The component's kind
    #[arg(value_parser = kinds())]
    pub(crate) kind: Kind,

    /// The component's name, and that of its folder
    pub(crate) name: String,

    /// Create a dynamic library that is loaded at run time, instead of a crate to compile in
    #[arg(long, conflicts_with = "python")]
    pub(crate) dylib: bool,

    /// Create a Python program that speaks the plugin protocol
    #[arg(long)]
    pub(crate) python: bool,

    /// The folder to create [default: NAME]
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

/// Flags of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The component's name, as `gloss list` shows it, or a plugin's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) plugin: String,

    /// The component's kind, if several have the name
    #[arg(long, value_parser = kinds())]
    pub(crate) kind: Option<Kind>,

    /// Set an option of the component; the value is TOML, or plain text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// The cache.
#[derive(Debug, clap::Args)]
pub(crate) struct Cache {
    /// The folder of the cached results of stages, which can be removed at any time; or an address such as
    /// s3://bucket/cache, with which machines share what is in `.gloss`
    #[arg(value_parser = path_or_address, long = "cache", value_name = "FOLDER", env = "GLOSS_CACHE", default_value = ".gloss",
          value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

/// Flags of `prepare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Prepare {
    /// The dataset component's name, as `gloss list dataset` shows it
    pub(crate) name: String,

    /// Set an option of the dataset; the value is TOML, or plain text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// The folder for the tables of items, interactions, training, validation and test, and report.json
    #[arg(value_parser = path, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// Replace another prepared dataset in the output folder
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// The commands of the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List the cached results, the least recently used first
    List(ListCache),
    /// Remove cached results that meet all conditions; those in use are kept
    Prune(PruneCache),
}

/// Flags of `cache list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListCache {
    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `cache prune`.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["stage", "unused_for", "keep", "all"])]
pub(crate) struct PruneCache {
    /// Remove results of this stage, such as generate
    #[arg(long, value_name = "STAGE")]
    pub(crate) stage: Option<String>,

    /// Remove results that were not used for this many days
    #[arg(long, value_name = "DAYS")]
    pub(crate) unused_for: Option<u64>,

    /// Remove the least recently used results until at most this much is left, such as 10GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) keep: Option<u64>,

    /// Remove all results
    #[arg(long, conflicts_with_all = ["stage", "unused_for", "keep"])]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `evaluate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Evaluate {
    /// The run in TREC format or as ranx's JSON, or a file of GLoSS's metrics by user (JSON lines)
    #[arg(value_parser = path, value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// The relevance judgements in TREC format or as ranx's JSON; none for a file of GLoSS's metrics
    #[arg(value_parser = path, value_hint = ValueHint::FilePath)]
    pub(crate) qrels: Option<PathBuf>,

    /// The metrics, such as recall@5,ndcg@5,mrr
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,

    /// The order of items with equal scores: file (as listed) or trec-eval (last id first)
    /// [default: file]
    #[arg(long, value_name = "RULE", value_parser = ties())]
    pub(crate) ties: Option<Ties>,
}

/// Flags of `list`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// List only components of this kind
    #[arg(value_parser = kinds())]
    pub(crate) kind: Option<Kind>,
}

/// Flags of `describe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Describe {
    /// The names of components, as `gloss list` shows them
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Flags of `fetch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Fetch {
    /// A dataset component's name, as `gloss list dataset` shows it, or a model's name on the hub:
    /// organisation/name, or organisation/name@revision. HF_TOKEN and HF_ENDPOINT are honoured
    pub(crate) name: String,

    /// Set an option of the dataset; the value is TOML, or plain text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Download from this address instead, which has the same files as the original
    #[arg(long, value_name = "URL_PREFIX", value_hint = ValueHint::Url)]
    pub(crate) from: Option<String>,
}

/// Flags of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// Parses a size in bytes, such as `500MB` or `10GiB`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: f64 = number
        .parse()
        .map_err(|_| "expected a size such as 10GiB")?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000_u64.pow(2),
        "gb" => 1000_u64.pow(3),
        "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        unit => {
            return Err(format!(
                "unknown unit `{unit}`; expected B, kB, MiB, GB and so on"
            ));
        }
    };
    Ok((number * factor as f64) as u64)
}

fn ties() -> impl TypedValueParser<Value = Ties> {
    PossibleValuesParser::new(["file", "trec-eval"]).map(|rule| match rule.as_str() {
        "trec-eval" => Ties::TrecEval,
        _ => Ties::File,
    })
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or("no such kind")
    })
}

/// A path; one that is not UTF-8 is refused, since results and manifests name paths in JSON.
fn path_or_address(text: &str) -> Result<PathBuf, Infallible> {
    Ok(text.into())
}

/// A path of this machine.
fn path(text: &str) -> Result<PathBuf, String> {
    match address(Path::new(text)) {
        Some(_) => {
            Err("an object store cannot be used here; give a path of this machine".to_string())
        }
        None => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(size("10"), Ok(10));
        assert_eq!(size("1.5kB"), Ok(1500));
        assert_eq!(size("2 GiB"), Ok(2 << 30));
        assert!(size("two").is_err() && size("1 parsec").is_err());
    }

    #[test]
    fn global_flags_are_understood_before_and_after_the_command() {
        for line in [["gloss", "--json", "list"], ["gloss", "list", "--json"]] {
            assert!(Args::try_parse_from(line).unwrap().global.json);
        }
    }
}
