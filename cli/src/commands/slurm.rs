//! `gloss slurm`: the scripts of a Slurm job array that runs an experiment in shards.
//!
//! One job prepares what all shards share, an array has a task for each shard, and a last job merges
//! them and writes the report. Slurm sends SIGUSR1 to a job near its time limit; the job ends cleanly and
//! is queued again.

mod script;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use gloss_core::Error;
use gloss_engine::{Experiment, run_folder, shard_folder};
use serde_json::json;

use crate::args::Slurm;
use crate::commands::run;
use crate::session::Session;

use self::script::{Scripts, Step};

pub(crate) fn execute(args: &Slurm, session: &Session) -> Result<()> {
    let experiments = run::experiments(&args.experiment, args.output.as_deref(), session)?;
    let run = run_of_all(&experiments, session)?;
    let scripts = Scripts::new(args, &run, session)?;
    if args.dry_run {
        let all = Step::ALL.map(|step| (step.file(), scripts.text(step)));
        return session.output.show(&all, |all, _| {
            let texts = all.iter().map(|(file, text)| format!("# {file}\n{text}"));
            texts.collect::<Vec<_>>().join("\n")
        });
    }
    let folder = shard_folder(&run);
    fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
    let mut jobs = Vec::new();
    for step in Step::ALL {
        let path = folder.join(step.file());
        fs::write(&path, scripts.text(step)).map_err(Error::io("write", &path))?;
        let job = submit(&path, jobs.last().map(String::as_str))?;
        jobs.push(job);
    }
    let value = json!({ "folder": folder, "run": run, "jobs": jobs });
    session.output.show(&value, |_, _| {
        format!(
            "submitted jobs {}: prepare, the array, merge and report; the scripts and logs are in {}\n\
             gloss status {} shows the progress",
            jobs.join(", "),
            folder.display(),
            run.display()
        )
    })
}

/// The folder of the run, or that which has a folder for each seed.
fn run_of_all(experiments: &[Experiment], session: &Session) -> Result<PathBuf> {
    let first = run_folder(&experiments[0], &session.context)?;
    Ok(match experiments.len() {
        1 => first,
        _ => first.parent().unwrap_or(Path::new("")).to_path_buf(),
    })
}

/// Submits a script, to be run once the job `after` has succeeded, and returns its job.
fn submit(script: &Path, after: Option<&str>) -> gloss_core::Result<String> {
    let mut sbatch = Command::new("sbatch");
    sbatch.arg("--parsable");
    if let Some(after) = after {
        sbatch.arg(format!("--dependency=afterok:{after}"));
    }
    let output = sbatch.arg(script).output().map_err(|error| {
        Error::Usage(format!(
            "cannot start sbatch ({error}). Run this where jobs are submitted, or print the scripts by \
             --dry-run"
        ))
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Usage(format!(
            "sbatch refused {}: {}",
            script.display(),
            said.trim()
        )));
    }
    let job = String::from_utf8_lossy(&output.stdout);
    // With several clusters it is followed by the cluster's name.
    Ok(job.trim().split(';').next().unwrap_or_default().to_string())
}
