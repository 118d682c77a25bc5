//! `gloss cache`: the artefacts of stages on disk.

use std::time::Duration;

use anyhow::Result;
use gloss_engine::{Cache, CachedArtefact, PruneFilter};
use indicatif::{BinaryBytes, HumanCount, HumanDuration};
use serde_json::json;

use crate::args::{CacheCommand, ListCache, PruneCache};
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(command: &CacheCommand, session: &Session) -> Result<()> {
    match command {
        CacheCommand::List(args) => list(args, session),
        CacheCommand::Prune(args) => prune(args, session),
    }
}

fn list(args: &ListCache, session: &Session) -> Result<()> {
    let artefacts = Cache::new(&args.cache.folder).list()?;
    session.output.show(&artefacts, |artefacts, look| {
        let total = summary(artefacts);
        format!(
            "{}\n\n{total} in {}",
            table(artefacts, look),
            args.cache.folder.display()
        )
    })
}

fn prune(args: &PruneCache, session: &Session) -> Result<()> {
    let filter = PruneFilter {
        stage: args.stage.clone(),
        unused_for: args
            .unused_for
            .map(|days| Duration::from_secs(days * 24 * 3600)),
        keep_bytes: args.keep,
    };
    let removed = Cache::new(&args.cache.folder).prune(&filter)?;
    let value = json!({ "removed": removed });
    session.output.show(&value, |_, look| {
        let total = summary(&removed);
        format!("{}\n\nremoved {total}", table(&removed, look))
    })
}

fn summary(artefacts: &[CachedArtefact]) -> String {
    let bytes: u64 = artefacts.iter().map(|artefact| artefact.bytes).sum();
    let count = HumanCount(artefacts.len() as u64);
    format!("{count} artefacts, {}", BinaryBytes(bytes))
}

fn table(artefacts: &[CachedArtefact], look: Look) -> String {
    let mut table = Table::new(["stage", "key", "size", "last used", "took", ""]);
    for artefact in artefacts {
        let unused = HumanDuration(Duration::from_secs(artefact.unused_seconds));
        let took = artefact
            .build_seconds
            .map(|seconds| format!("{seconds:.1} s"));
        table.row([
            Cell::from(artefact.stage.as_str()).strong(),
            artefact.key[..artefact.key.len().min(12)].into(),
            BinaryBytes(artefact.bytes).to_string().into(),
            format!("{unused} ago").into(),
            took.unwrap_or_else(|| "not finished".to_string()).into(),
            if artefact.in_use { "in use" } else { "" }.into(),
        ]);
    }
    table.render(look)
}
