//! What can be typed: commands and flags, apart from what they do.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use gloss_core::Kind;

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

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// What to do; each has a file of its name in `commands/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the components that can be named
    List(List),
    /// Explain a component and its options
    Describe(Describe),
    /// Download the files of a dataset, and record their checksums
    Fetch(Fetch),
    /// Tell what this build and this machine can do
    Doctor,
    /// Print a script that completes gloss's commands and flags in a shell
    Completions(Completions),
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
    /// The dataset component's name, as `gloss list dataset` shows it
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
