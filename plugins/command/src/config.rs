//! The options of a component that is a program.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A program in any language that speaks the plugin protocol.
///
/// It is started directly, without a shell, and reads questions from its standard input; what it
/// writes to standard error goes to the log. Beside gloss's source lies a Python module that does
/// all of this, `examples/python/gloss.py`, and a description of the protocol,
/// `core/docs/protocol.md`. The program is started to check its options, too.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments, such as `["python3", "my_retriever.py"]`. Those that are
    /// files are part of the identity of what it makes.
    #[schemars(length(min = 1))]
    pub program: Vec<String>,
    /// The component's own options, which the program declares and which are checked by that.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Further files that decide what the program answers, part of the identity of what it makes.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// The limit in seconds for the program to start and answer the first question.
    #[serde(default = "default_start_limit")]
    #[schemars(range(min = 0.1, max = 1e6))]
    pub start_limit: f64,
    /// The limit in seconds for any other answer.
    #[serde(default = "default_answer_limit")]
    #[schemars(range(min = 0.1, max = 1e6))]
    pub answer_limit: f64,
    /// The number of restarts after the program ended or gave no answer in time, in one
    /// run. The question is then asked once more. Data sets and metrics are not started again.
    #[serde(default = "default_restarts")]
    pub restarts: u32,
}

fn default_start_limit() -> f64 {
    60.0
}

fn default_answer_limit() -> f64 {
    600.0
}

fn default_restarts() -> u32 {
    2
}

impl Command {
    /// The program `program` with everything else as it is by default.
    pub fn new(program: Vec<String>, options: Map<String, Value>) -> Self {
        Command {
            program,
            options,
            files: Vec::new(),
            start_limit: default_start_limit(),
            answer_limit: default_answer_limit(),
            restarts: default_restarts(),
        }
    }

    pub(crate) fn start_limit(&self) -> Duration {
        Duration::try_from_secs_f64(self.start_limit).unwrap_or(Duration::MAX)
    }

    pub(crate) fn answer_limit(&self) -> Duration {
        Duration::try_from_secs_f64(self.answer_limit).unwrap_or(Duration::MAX)
    }
}
