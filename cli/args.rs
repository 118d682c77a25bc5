//! What can be typed: commands and flags, apart from what they do.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use gloss_core::Kind;
use gloss_core::trec::Ties;

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
    /// Print results and errors alone: no progress, no remarks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print results as JSON on standard output, and errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Log what is done to standard error; twice for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Load a plugin: a dynamic library, or a program that speaks the plugin protocol
    #[arg(long = "plugin", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) plugins: Vec<PathBuf>,

    /// Load all plugins of a folder: its dynamic libraries and its executable programs
    #[arg(long, global = true, value_name = "FOLDER", env = "GLOSS_PLUGINS",
          value_hint = ValueHint::DirPath)]
    pub(crate) plugin_folder: Option<PathBuf>,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// What to do; each has a file of its name in `commands/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment, and print its table
    Run(Run),
    /// Train the generators of an experiment, and leave what they learnt in a folder
    Train(Run),
    /// Write the model of an experiment's generator whole, its adapter added, for other programs
    Export(Export),
    /// Check an experiment without reading any data, and print it in full
    Validate(Experiment),
    /// List the components that can be named
    List(List),
    /// Explain a component and its options
    Describe(Describe),
    /// Print the JSON Schema of experiment files, for editors
    Schema,
    /// Begin a component of your own: a folder with all that it needs to be built and run
    New(New),
    /// Hold a component, or all of a plugin, against the laws that components keep
    Check(Check),
    /// Turn a dataset into Parquet files, and report what was kept and dropped
    Prepare(Prepare),
    /// Download a dataset, or a model of the Hugging Face hub, and record the files' checksums
    Fetch(Fetch),
    /// Score a run that exists already, in TREC format or GLoSS's per-user files
    Evaluate(Evaluate),
    /// Tell what this build and this machine can do
    Doctor,
    /// Print a script that completes gloss's commands and flags in a shell
    Completions(Completions),
}

/// An experiment: a file, flags, or both; flags prevail.
#[derive(Debug, clap::Args)]
pub(crate) struct Experiment {
    /// The experiment's TOML file
    #[arg(value_hint = ValueHint::FilePath)]
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

    /// The cases that methods are judged on: test or validation
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<String>,

    /// Set any option, such as retriever.k1=1.2; the value is TOML, or else text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Flags of `run` and `train`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The folder that is written [default: runs/NAME-HASH, runs/NAME-train-HASH]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace what another run or training wrote there
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) cache: Cache,
}

/// Flags of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) experiment: Experiment,

    /// The method whose generator is meant, if there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,

    /// The folder that is written
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
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

    /// A dynamic library, loaded at run time, instead of a crate that is compiled in
    #[arg(long, conflicts_with = "python")]
    pub(crate) dylib: bool,

    /// A program in Python, spoken to in JSON lines
    #[arg(long)]
    pub(crate) python: bool,

    /// The folder to make [default: NAME]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

/// Flags of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The component's name, as `gloss list` shows it, or a plugin's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) plugin: String,

    /// The component's kind, where several have the name
    #[arg(long, value_parser = kinds())]
    pub(crate) kind: Option<Kind>,

    /// Set an option of the component; the value is TOML, or else text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Where the results of single stages are kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Cache {
    /// The folder where the results of single stages are kept; it can be removed at any time
    #[arg(long = "cache", value_name = "FOLDER", env = "GLOSS_CACHE", default_value = ".gloss",
          value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

/// Flags of `prepare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Prepare {
    /// The dataset component's name, as `gloss list dataset` shows it
    pub(crate) name: String,

    /// Set an option of the dataset; the value is TOML, or else text
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// The folder that gets items.parquet, interactions.parquet, cases.parquet and report.json
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,
}

/// Flags of `evaluate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Evaluate {
    /// The run in TREC format, or a file of GLoSS's metrics by user (JSON lines)
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// The relevance judgements in TREC format; none for a file of GLoSS's metrics
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) qrels: Option<PathBuf>,

    /// The metrics, such as recall@5,ndcg@5,mrr
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,

    /// How items with equal scores are ranked: file (as listed) or trec-eval (last id first)
    /// [default: file]
    #[arg(long, value_name = "RULE", value_parser = ties())]
    pub(crate) ties: Option<Ties>,
}

/// Flags of `list`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// List components of this kind alone
    #[arg(value_parser = kinds())]
    pub(crate) kind: Option<Kind>,
}

/// Flags of `describe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Describe {
    /// The component's name, as `gloss list` shows it
    pub(crate) name: String,
}

/// Flags of `fetch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Fetch {
    /// A dataset component's name, as `gloss list dataset` shows it, or a model's name on the hub:
    /// organisation/name, or organisation/name@revision. HF_TOKEN and HF_ENDPOINT are honoured
    pub(crate) name: String,

    /// Set an option of the dataset; the value is TOML, or else text
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_flags_are_understood_before_and_after_the_command() {
        for line in [["gloss", "--json", "list"], ["gloss", "list", "--json"]] {
            assert!(Args::try_parse_from(line).unwrap().global.json);
        }
    }
}
