//! One shard of a run: the stages of its users, whose results stay in the cache.

use gloss_core::{Context, Error, Result};

use crate::cache::{Cache, Driver};
use crate::config::Experiment;
use crate::manifest::run_folder;
use crate::pipeline::{Users, prepare_examples, prepare_method, queries_folder, run_method, train};
use crate::shard::Shard;
use crate::shard_status::{ShardState, ShardStatus, StatusFile, Worker};
use crate::stage::StageRow;

/// Runs every method of an experiment for the users of a shard. The results are in the cache, for
/// [`merge_shards`](crate::merge_shards), and the status is in a file beside the folder of the run.
///
/// # Errors
/// The error of a stage.
pub fn run_shard(
    shard: Shard,
    experiment: &Experiment,
    cache: &Cache,
    worker: Worker,
    context: &Context,
) -> Result<(ShardStatus, Vec<StageRow>)> {
    let folder = run_folder(experiment, context)?;
    let status = ShardStatus::new(shard, experiment.methods.len(), worker);
    let mut file = StatusFile::open(&folder, status, context)?;
    let driver = Driver::new(cache, context);
    let result = work(shard, experiment, &driver, &mut file);
    let end = match &result {
        Ok(()) => (ShardState::Done, None),
        Err(Error::Interrupted) => (ShardState::Interrupted, None),
        Err(error) => (ShardState::Failed, Some(error.to_string())),
    };
    file.update(|status| (status.state, status.message) = end)?;
    result?;
    Ok((file.status, driver.rows()))
}

fn work(
    shard: Shard,
    experiment: &Experiment,
    driver: &Driver,
    file: &mut StatusFile,
) -> Result<()> {
    let data = prepare_examples(experiment, driver)?;
    let split = experiment.split;
    let users = split.examples_of(Some(shard), &data.value).len();
    file.update(|status| status.users = users)?;
    for method in &experiment.methods {
        let driver = &driver.for_method(&method.name);
        file.update(|status| status.method = Some(method.name.clone()))?;
        if shard.is_shared() {
            prepare_method(method, &data, driver)?;
        } else {
            let (generator, _) = train(method, &data, driver)?;
            let generator = generator.as_ref();
            let part = (split, Users::Shard(shard));
            let queries = queries_folder(generator, (split, shard), &data, driver)?;
            file.update(|status| status.queries = Some(queries))?;
            run_method(method, generator, part, &data, driver)?;
        }
        file.update(|status| status.methods_done += 1)?;
    }
    Ok(())
}
