//! `gloss status`: the progress of the shards of a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use gloss_core::Error;
use gloss_engine::{ShardState, ShardStatus, shard_folder, shard_statuses};
use indicatif::HumanDuration;

use crate::args::Status;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &Status, session: &Session) -> Result<()> {
    let mut all = Vec::new();
    for run in runs(&args.run) {
        all.extend(shard_statuses(&run)?);
    }
    if all.is_empty() {
        let message = format!(
            "no shard of {} was run: there is no {}",
            args.run.display(),
            shard_folder(&args.run).display()
        );
        return Err(Error::Usage(message).into());
    }
    session.output.show(&all, |all, look| table(all, look))
}

/// The folder itself, and those of several seeds in it.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let of_seeds = paths.filter(|path| path.extension().is_some_and(|end| end == "shards"));
    let mut runs: Vec<PathBuf> = of_seeds.map(|path| path.with_extension("")).collect();
    runs.sort();
    runs.insert(0, folder.to_path_buf());
    runs
}

fn table(all: &[ShardStatus], look: Look) -> String {
    let titles = [
        "shard", "state", "methods", "method", "users", "time", "job", "host",
    ];
    let mut table = Table::new(titles);
    for status in all {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let users = match status.state {
            ShardState::Done => status.users,
            _ => status.users_generated,
        };
        table.row([
            Cell::from(status.shard.to_string()).strong(),
            name(status.state).into(),
            format!("{} of {}", status.methods_done, status.methods).into(),
            text(&status.method).into(),
            format!("{users} of {}", status.users).into(),
            HumanDuration(Duration::from_secs(seconds(status)))
                .to_string()
                .into(),
            text(&status.worker.job).into(),
            text(&status.worker.host).into(),
        ]);
    }
    let mut shown = table.render(look);
    for status in all {
        if let Some(message) = &status.message {
            shown += &format!("\n{}: {message}", status.shard);
        }
    }
    shown
}

fn name(state: ShardState) -> &'static str {
    match state {
        ShardState::Running => "running",
        ShardState::Done => "done",
        ShardState::Interrupted => "interrupted",
        ShardState::Failed => "failed",
        ShardState::Killed => "killed",
    }
}

/// The time that the shard has taken, in seconds.
fn seconds(status: &ShardStatus) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = match (status.state, now) {
        (ShardState::Running, Ok(now)) => now.as_secs(),
        _ => status.updated,
    };
    end.saturating_sub(status.started)
}
