//! The results for all users, from those of shards in the cache. They have the same keys and the same
//! bytes as if one process had made them.

use gloss_core::{Error, Query, Ragged, Result};

use crate::cache::{Driver, Made};
use crate::shard::Shard;
use crate::stage::{OnPartial, Stage};
use crate::stages::generate::{Generate, QUERIES};
use crate::stages::retrieve::{Retrieve, Retrieved};

/// The queries of a shard.
pub(crate) type ShardQueries = (Shard, Made<Ragged<Query>>);

/// The queries of all users; and those of the shards, unless the former were merged before.
pub(crate) fn queries(
    stage: &Generate<'_>,
    count: usize,
    driver: &Driver,
) -> Result<(Made<Ragged<Query>>, Vec<ShardQueries>)> {
    let provenance = stage.provenance()?;
    let mut missing = Missing::default();
    let mut shards = Vec::new();
    for shard in Shard::all(count) {
        let of_shard = Generate {
            shard: Some(shard),
            data_content: stage.data_content.clone(),
            ..*stage
        };
        match driver.find(&of_shard, &provenance.clone().with_shard(Some(shard)))? {
            Ok(made) => shards.push((shard, made)),
            Err(reason) => missing.add(shard, reason),
        }
    }
    if let Some(error) = missing.error(stage.name(), driver) {
        return match driver.find(stage, &provenance)? {
            Ok(made) => Ok((made, Vec::new())),
            Err(_) => Err(error),
        };
    }
    let folders = shards.iter().map(|(_, made)| made.artefact.folder.clone());
    let folders: Vec<_> = folders.collect();
    let made = driver.run_as(stage, &provenance, OnPartial::Restart, |folder| {
        stage.merge(folder, &folders)
    })?;
    Ok((made, shards))
}

/// The rankings of all users, from those of the shards with these queries.
pub(crate) fn rankings(
    stage: &Retrieve<'_>,
    shards: &[ShardQueries],
    driver: &Driver,
) -> Result<Made<Retrieved>> {
    let provenance = stage.provenance()?;
    let whole = driver.find(stage, &provenance)?;
    let mut missing = Missing::default();
    let mut parts = Vec::new();
    for (shard, queries) in shards {
        let of_shard = Retrieve {
            shard: Some(*shard),
            queries: &queries.value,
            queries_content: queries.artefact.content_of(&[QUERIES]),
            data_content: stage.data_content.clone(),
            index: stage.index.clone(),
            ..*stage
        };
        match driver.find(&of_shard, &of_shard.provenance()?)? {
            Ok(made) => parts.push(made.value),
            Err(reason) => missing.add(*shard, reason),
        }
    }
    match (whole, missing.error(stage.name(), driver)) {
        (Ok(made), _) => Ok(made),
        (Err(_), Some(error)) => Err(error),
        // The queries were merged before, and their shards are not there any more.
        (Err(_), None) if shards.is_empty() => driver.run(stage),
        (Err(_), None) => driver.run_as(stage, &provenance, OnPartial::Restart, |folder| {
            stage.merge(folder, parts)
        }),
    }
}

/// Shards whose results are not in the cache.
#[derive(Default)]
struct Missing {
    shards: Vec<Shard>,
    reason: String,
}

impl Missing {
    fn add(&mut self, shard: Shard, reason: String) {
        self.shards.push(shard);
        self.reason = reason;
    }

    fn error(&self, stage: &str, driver: &Driver) -> Option<Error> {
        if self.shards.is_empty() {
            return None;
        }
        let shards: Vec<String> = self.shards.iter().map(Shard::to_string).collect();
        let method = driver.method().unwrap_or_default();
        Some(Error::Usage(format!(
            "the cache does not have what stage `{stage}` of method `{method}` gives for shard {} ({}). \
             Run these by --shard, with the same settings, on the same kind of machine",
            shards.join(", "),
            self.reason
        )))
    }
}
