//! Runs: an experiment from files to metrics.

use std::path::Path;

use gloss_core::{Context, Error, Hit, QueryKind, Ragged, Result};
use rayon::prelude::*;

use crate::audit::audit;
use crate::cache::{Cache, Driver};
use crate::config::{Experiment, FusedMethods, Method};
use crate::evaluate::{Evaluator, Ranked, write_generated};
use crate::files::{read_json, write_json};
use crate::manifest::{Existing, Folder, Work};
use crate::pipeline::{Users, prepare_examples, run_method, train};
use crate::results::{Results, Run};
use crate::run_files::{
    GENERATED, METRICS, QRELS, RANKINGS, VALUES_LINES, VALUES_TABLE, method_folder,
};

/// Runs an experiment, or finds the same run in its folder. The folder holds `manifest.json`,
/// `metrics.json`, `qrels.trec` and, for each method (in a folder of its own if there are several),
/// `run.trec`, `per-user.parquet`, `per-user.jsonl` and, unless its queries are vectors,
/// `generated.json`. It is moved into place when it is complete.
///
/// # Errors
/// The error of a stage; or if the folder is in use for something else.
pub fn run(
    experiment: &Experiment,
    cache: &Cache,
    existing: Existing,
    context: &Context,
) -> Result<Run> {
    run_for(Users::All, experiment, cache, existing, context)
}

/// Runs an experiment like [`run()`] from the results of `shards` shards in the cache, and ends in the
/// same bytes.
///
/// # Errors
/// Those of [`run()`]; if the cache does not have the result of a shard.
pub fn merge_shards(
    shards: usize,
    experiment: &Experiment,
    cache: &Cache,
    existing: Existing,
    context: &Context,
) -> Result<Run> {
    run_for(Users::Merged(shards), experiment, cache, existing, context)
}

fn run_for(
    users: Users,
    experiment: &Experiment,
    cache: &Cache,
    existing: Existing,
    context: &Context,
) -> Result<Run> {
    let folder = Folder::open(Work::Run, experiment, context)?;
    if let Some(manifest) = folder.find(existing)? {
        return Ok(Run {
            reused: true,
            results: read_json(&folder.path.join(METRICS))?,
            stages: manifest.stages,
            folder: folder.path,
        });
    }
    let driver = Driver::new(cache, context);
    let partial = folder.begin()?;
    let results = evaluate(users, experiment, &driver, partial)?;
    write_json(&partial.join(METRICS), &results)?;
    check_files(experiment, partial)?;
    folder.finish(driver.rows())?;
    Ok(Run {
        reused: false,
        results,
        stages: driver.rows(),
        folder: folder.path,
    })
}

/// Checks that nobody removed a file while the run went on.
fn check_files(experiment: &Experiment, folder: &Path) -> Result<()> {
    let count = experiment.methods.len() + experiment.fusions.len();
    let texts = experiment.methods.iter();
    let texts = texts.map(|method| (method.name.as_str(), method.has_texts()));
    let fused = experiment.fusions.iter();
    let fused = fused.map(|fused| (fused.name.as_str(), false));
    let mut files = vec![folder.join(METRICS), folder.join(QRELS)];
    for (name, has_texts) in texts.chain(fused) {
        let own = method_folder(folder, name, count);
        files.extend([RANKINGS, VALUES_TABLE, VALUES_LINES].map(|file| own.join(file)));
        files.extend(has_texts.then(|| own.join(GENERATED)));
    }
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(()),
        Some(lost) => Err(Error::Stale {
            path: lost.clone(),
            message: "was removed while the run went on; run again".to_string(),
        }),
    }
}

/// Runs and evaluates all methods, and writes their files into `folder`.
fn evaluate(
    users: Users,
    experiment: &Experiment,
    driver: &Driver,
    folder: &Path,
) -> Result<Results> {
    let data = prepare_examples(experiment, driver)?;
    let split = experiment.split;
    let evaluator = Evaluator::of(experiment, &data.value);
    evaluator.write_qrels(&folder.join(QRELS))?;
    let (mut results, mut rankings) = (Vec::new(), Vec::new());
    let count = experiment.methods.len() + experiment.fusions.len();
    for method in &experiment.methods {
        let driver = &driver.for_method(&method.name);
        let (generator, _) = train(method, &data, driver)?;
        let run = run_method(method, generator.as_ref(), (split, users), &data, driver)?;
        let ranked = Ranked::new(method, &run.retrieved);
        let own = method_folder(folder, &method.name, count);
        results.push(evaluator.evaluate_into(&ranked, &experiment.metrics, &own)?);
        if method.has_texts() {
            let examples = split.examples(&data.value);
            let path = own.join(GENERATED);
            write_generated(&path, &data.value, examples, &run.queries)?;
        }
        rankings.push(run.retrieved.rankings);
    }
    for fused in &experiment.fusions {
        let ranked = Ranked {
            method: &fused.name,
            ranking: &fused.ranking,
            statistics: &[],
            rankings: &fuse(fused, &rankings),
        };
        let own = method_folder(folder, &fused.name, count);
        results.push(evaluator.evaluate_into(&ranked, &experiment.metrics, &own)?);
    }
    Ok(Results {
        experiment: experiment.name.clone(),
        dataset: experiment.dataset.name().to_string(),
        split,
        methods: results,
        audit: audit(&data.value, split)?,
        data: data.value.report,
    })
}

impl Method {
    /// Returns `true` if its queries are texts, or items, which have a text.
    fn has_texts(&self) -> bool {
        self.generator.produces() != QueryKind::Vector
    }
}

/// The rankings of a fused method, from those of all methods.
fn fuse(fused: &FusedMethods, rankings: &[Ragged<Hit>]) -> Ragged<Hit> {
    let examples = rankings.first().map_or(0, Ragged::len);
    let of = |example: usize| {
        let parts = fused.methods.iter();
        let parts = parts.map(|&(method, weight)| (rankings[method].get(example), weight));
        fused.ranking.fuse_rankings(&parts.collect::<Vec<_>>())
    };
    let all: Vec<Vec<Hit>> = (0..examples).into_par_iter().map(of).collect();
    all.into_iter().collect()
}
