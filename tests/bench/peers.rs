//! The peers: Python scripts, each timing itself and printing a line of JSON.

use std::path::{Path, PathBuf};
use std::process::Command;

use gloss_core::{Error, Result};
use serde_json::Value;

use crate::tasks::Tasks;

const PACKAGES: [&str; 5] = ["bm25s==0.2.13", "numba", "pandas", "ranx==0.3.20", "scipy"];

/// A Python that has the peers.
pub(crate) struct Peers {
    python: PathBuf,
}

impl Peers {
    /// The Python that is named, or one in an environment of its own, made if it is not there.
    pub(crate) fn new() -> Result<Self> {
        if let Some(python) = std::env::var_os("GLOSS_PEERS_PYTHON") {
            return Ok(Peers {
                python: python.into(),
            });
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
        if !complete.is_file() {
            println!(
                "installing {} into {}",
                PACKAGES.join(", "),
                folder.display()
            );
            execute(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            execute(
                Command::new(&python)
                    .args(["-m", "pip", "install", "-q"])
                    .args(PACKAGES),
            )?;
            std::fs::write(&complete, "").map_err(Error::io("write", &complete))?;
        }
        Ok(Peers { python })
    }

    /// Has the peer do `task`; gives its seconds.
    pub(crate) fn run(&self, task: &str, tasks: &Tasks) -> Result<f64> {
        let file = |name: &str| tasks.file(name).to_string_lossy().into_owned();
        let (script, arguments) = match task {
            "prepare" => (
                "pandas_prepare.py",
                vec![tasks.data(), "Beauty".to_string()],
            ),
            "retrieve" => (
                "bm25s_retrieve.py",
                vec![file("catalogue.txt"), file("queries.txt"), "5".to_string()],
            ),
            _ => (
                "ranx_evaluate.py",
                [vec![file("run.trec"), file("qrels.trec")], tasks.metrics()].concat(),
            ),
        };
        self.execute(task, script, &arguments)
    }

    /// Runs a script, which does `task`; gives its seconds.
    pub(crate) fn execute(&self, task: &str, script: &str, arguments: &[String]) -> Result<f64> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/bench")
            .join(script);
        let output = execute(Command::new(&self.python).arg(script).args(arguments))?;
        output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["task"] == task)
            .and_then(|line| line["seconds"].as_f64())
            .ok_or_else(|| Error::Usage(format!("the peer of `{task}` printed no time: {output}")))
    }
}

fn execute(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .map_err(|error| Error::Usage(format!("cannot run {command:?}: {error}")))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Usage(format!("{command:?} failed: {told}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
