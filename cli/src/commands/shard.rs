//! `gloss run --shard`: one part of the users.

use std::env;

use anyhow::Result;
use gloss_core::Error;
use gloss_engine::{Cache, Experiment, Shard, Worker, run_folder, run_shard, shard_folder};
use serde_json::json;
use sysinfo::System;

use crate::remote::address;
use crate::session::Session;
use crate::ui::stages::explain;

/// Runs a shard of each experiment.
pub(crate) fn run(
    shard: Shard,
    experiments: &[Experiment],
    cache: &Cache,
    explained: bool,
    session: &Session,
) -> Result<()> {
    let (mut lines, mut values, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for experiment in experiments {
        if let Some(url) = experiment.output.as_deref().and_then(address) {
            return Err(Error::Usage(format!(
                "shards share a folder, which `output` ({url}) is not; leave it out, and upload the merged \
                 run with `gloss merge --output {url}`"
            ))
            .into());
        }
        let context = &session.context;
        let (status, stages) = run_shard(shard, experiment, cache, worker(), context)?;
        let folder = run_folder(experiment, context)?;
        let log = format!("{}.log", shard.to_string().replace('/', "-of-"));
        session.log.attach(&shard_folder(&folder).join(log))?;
        lines.push(match shard.is_shared() {
            true => format!("{shard}: data, trainings and indexes are in the cache"),
            false => format!(
                "{shard}: the rankings of {} users by {} methods are in the cache; when all shards are \
                 done, `gloss merge` makes the run",
                status.users, status.methods
            ),
        });
        rows.extend(stages.iter().cloned());
        values.push(json!({ "folder": folder, "status": status, "stages": stages }));
    }
    session.output.show(&values, |_, look| match explained {
        true => format!("{}\n\n{}", lines.join("\n"), explain(&rows, false, look)),
        false => lines.join("\n"),
    })
}

/// This process, as `gloss status` shows it.
fn worker() -> Worker {
    let variable = |name: &str| env::var(name).ok();
    let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
    let array = array.map(|(job, task)| format!("{job}_{task}"));
    Worker {
        host: System::host_name(),
        job: array.or_else(|| variable("SLURM_JOB_ID")),
    }
}
