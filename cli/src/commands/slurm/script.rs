//! The text of the scripts.

use std::env;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, RunningProgram};
use gloss_engine::shard_folder;

use crate::args::{Experiment, Slurm};
use crate::session::Session;

/// Seconds from SIGUSR1 to the time limit.
const GRACE: u32 = 120;

/// A job of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Prepare,
    Shard,
    Merge,
}

impl Step {
    pub(super) const ALL: [Step; 3] = [Step::Prepare, Step::Shard, Step::Merge];

    pub(super) fn file(self) -> &'static str {
        match self {
            Step::Prepare => "prepare.sh",
            Step::Shard => "shard.sh",
            Step::Merge => "merge.sh",
        }
    }
}

/// The scripts of a run.
pub(super) struct Scripts<'a> {
    args: &'a Slurm,
    run: PathBuf,
    /// The folder that the jobs run in: the current one.
    folder: PathBuf,
    /// This program with the flags that every command takes.
    gloss: Vec<String>,
}

impl<'a> Scripts<'a> {
    pub(super) fn new(args: &'a Slurm, run: &Path, session: &Session) -> Result<Self> {
        let mut gloss = RunningProgram::get()?.command;
        gloss.extend(session.plugin_flags.iter().cloned());
        Ok(Scripts {
            args,
            run: run.to_path_buf(),
            folder: env::current_dir().map_err(Error::io("open", "."))?,
            gloss,
        })
    }

    /// The script of a step.
    pub(super) fn text(&self, step: Step) -> String {
        let options = self.options(step);
        let options = options.iter().map(|option| format!("#SBATCH {option}\n"));
        let commands = self.commands(step);
        let commands = commands.iter().map(|command| format!("run {command}\n"));
        format!(
            "#!/bin/bash\n{}\n{}\n{}",
            options.collect::<String>(),
            RUN,
            commands.collect::<String>()
        )
    }

    fn options(&self, step: Step) -> Vec<String> {
        let args = self.args;
        let folder = self.folder.join(shard_folder(&self.run));
        let (name, log) = match step {
            Step::Prepare => ("prepare", "prepare-%j.log"),
            Step::Shard => ("shard", "shard-%a-%A.log"),
            Step::Merge => ("merge", "merge-%j.log"),
        };
        let run = self.run.file_name().unwrap_or_default().to_string_lossy();
        let mut options = vec![
            format!("--job-name={}", quote(&format!("{run}-{name}"))),
            format!("--chdir={}", quote(&self.folder.display().to_string())),
            format!(
                "--output={}",
                quote(&folder.join(log).display().to_string())
            ),
            "--open-mode=append".to_string(),
            "--requeue".to_string(),
            format!("--signal=B:USR1@{GRACE}"),
        ];
        if step == Step::Shard {
            options.push(format!("--array=1-{}", args.array));
        }
        let cores = args.cpus_per_task.map(|cores| cores.to_string());
        for (name, value) in [
            ("gpus", &args.gpus),
            ("cpus-per-task", &cores),
            ("mem", &args.mem),
            ("time", &args.time),
            ("partition", &args.partition),
        ] {
            options.extend(
                value
                    .as_ref()
                    .map(|value| format!("--{name}={}", quote(value))),
            );
        }
        options.extend(args.sbatch.iter().cloned());
        options
    }

    fn commands(&self, step: Step) -> Vec<String> {
        let count = self.args.array;
        let report = [
            "report".to_string(),
            self.run.display().to_string(),
            "--output".to_string(),
            shard_folder(&self.run)
                .join("report.html")
                .display()
                .to_string(),
        ];
        match step {
            Step::Prepare => vec![self.command("run", &["--shard".into(), format!("0/{count}")])],
            Step::Shard => {
                // The shell puts the task's number in.
                let command = self.command("run", &[]);
                vec![format!(
                    "{command} --shard \"$SLURM_ARRAY_TASK_ID/{count}\""
                )]
            }
            Step::Merge => vec![
                self.command("merge", &["--shards".into(), count.to_string()]),
                line(self.gloss.iter().chain(&report)),
            ],
        }
    }

    /// A command on the experiment.
    fn command(&self, name: &str, flags: &[String]) -> String {
        let output = ["--output".to_string(), self.run.display().to_string()];
        let cache = [
            "--cache".to_string(),
            self.args.cache.folder.display().to_string(),
        ];
        let name = [name.to_string()];
        let experiment = flags_of(&self.args.experiment);
        let parts = self.gloss.iter().chain(&name).chain(&experiment);
        line(parts.chain(&output).chain(&cache).chain(flags))
    }
}

/// Runs a command, and passes signals on to it. The job is queued again once the command has ended after
/// SIGUSR1, which comes before the time limit; and up to three times if the command was killed.
const RUN: &str = r#"requeue= stopped=
trap 'requeue=yes; kill -TERM "$pid" 2> /dev/null' USR1
trap 'stopped=yes; kill -TERM "$pid" 2> /dev/null' TERM INT

run() {
    "$@" &
    pid=$!
    while kill -0 "$pid" 2> /dev/null; do wait "$pid"; done
    wait "$pid"
    code=$?
    [ "$code" -ge 128 ] && [ "$code" -ne 130 ] && [ -z "$stopped" ] &&
        [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ] && requeue=yes
    if [ "$code" -ge 128 ] && [ -n "$requeue" ]; then
        job=$SLURM_JOB_ID
        [ -n "$SLURM_ARRAY_JOB_ID" ] && job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
        exec scontrol requeue "$job"
    fi
    [ "$code" -eq 0 ] || exit "$code"
}
"#;

/// The flags that describe the experiment.
fn flags_of(experiment: &Experiment) -> Vec<String> {
    let mut flags = Vec::new();
    flags.extend(
        experiment
            .file
            .as_ref()
            .map(|file| file.display().to_string()),
    );
    for (name, value) in [
        ("--dataset", &experiment.dataset),
        ("--generator", &experiment.generator),
        ("--retriever", &experiment.retriever),
        ("--split", &experiment.split),
    ] {
        if let Some(value) = value {
            flags.extend([name.to_string(), value.clone()]);
        }
    }
    if !experiment.metric.is_empty() {
        flags.extend(["--metric".to_string(), experiment.metric.join(",")]);
    }
    for set in &experiment.set {
        flags.extend(["--set".to_string(), set.clone()]);
    }
    flags
}

/// A line of a shell.
fn line<'a>(words: impl Iterator<Item = &'a String>) -> String {
    words.map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// A word of a shell. Arguments of a process have no NUL, the only thing that cannot be quoted.
fn quote(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| String::new(), |quoted| quoted.into_owned())
}
