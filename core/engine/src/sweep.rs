//! Sweeps: the trials of an experiment with many settings. They share all stages that do not depend on
//! these.

use std::path::Path;

use gloss_core::{Context, Error, Registry, Result, Unit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::Cache;
use crate::config::{Experiment, ExperimentConfig};
use crate::files::create_folder;
use crate::manifest::Existing;
use crate::results::{MetricValue, Results};
use crate::run::run;
use crate::sweep_settings::{Point, Search, Sweep, points};

/// The results of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepResults {
    /// The metric that chose.
    pub metric: String,
    /// True if a higher value is better.
    pub higher_is_better: bool,
    /// The method whose metric chose.
    pub method: String,
    /// The number of validation users.
    pub users: u64,
    /// All trials, in order.
    pub trials: Vec<Trial>,
    /// The position of the best among them; the first of equally good ones.
    pub best: usize,
    /// The experiment with the best settings, as TOML.
    pub experiment: String,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The round of successive halving, from 1; 1 for other searches.
    pub round: u32,
    /// The settings: keys and values.
    pub settings: Vec<(String, Value)>,
    /// The value of the metric that chooses.
    pub value: f64,
    /// All metrics of the method.
    pub metrics: Vec<MetricValue>,
    /// The folder of the run.
    pub folder: std::path::PathBuf,
}

/// Runs an experiment with the settings of its table `sweep` on validation users, each in a folder
/// `trial-1`, `trial-2` and so on below `output`, and chooses the best. Runs that are there already
/// are not done again.
///
/// # Errors
/// If there is no such table; the errors of [`run`].
pub fn run_sweep(
    config: &ExperimentConfig,
    registry: &Registry,
    output: &Path,
    cache: &Cache,
    existing: Existing,
    context: &Context,
) -> Result<SweepResults> {
    let Some(sweep) = config.sweep()? else {
        let message =
            "the experiment has no table `sweep`; give the values to try in [sweep.parameters]";
        return Err(Error::Usage(message.into()));
    };
    let mut points = points(&sweep).map_err(Error::Usage)?;
    let searcher = Searcher::new(&sweep, config, registry)?;
    // Every setting is checked before the first run.
    searcher.experiments(&points)?;
    let place = Place {
        output,
        cache,
        existing,
        context,
    };
    check_output(output)?;
    create_folder(output)?;
    let mut trials: Vec<Trial> = Vec::new();
    let (mut round, mut epochs) = (1, sweep.first_epochs());
    loop {
        let first = trials.len();
        trials.extend(searcher.round((round, epochs), &points, first, &place)?);
        let kept = points.len().div_ceil(sweep.factor() as usize);
        if sweep.search != Search::Halving || points.len() == 1 {
            break;
        }
        points = best_of(
            &trials[first..],
            searcher.higher_is_better(&trials[first]),
            kept,
        )
        .into_iter()
        .map(|at| points[at].clone())
        .collect();
        (round, epochs) = (round + 1, epochs.saturating_mul(sweep.factor()));
    }
    searcher.results(trials, round, epochs)
}

/// Resolves the experiments of the first round of a table `sweep`; `None` if there is no such table.
/// Touches no file.
///
/// # Errors
/// [`Error::Config`] with the faults of the first that has any.
pub fn resolve_sweep(
    config: &ExperimentConfig,
    registry: &Registry,
) -> Result<Option<Vec<Experiment>>> {
    let Some(sweep) = config.sweep()? else {
        return Ok(None);
    };
    let points = points(&sweep).map_err(Error::Usage)?;
    let searcher = Searcher::new(&sweep, config, registry)?;
    Ok(Some(searcher.experiments(&points)?))
}

/// The files that a sweep leaves beside the folders of its trials.
pub const SWEEP_FILES: [&str; 3] = ["sweep.json", "best.toml", "sweep.svg"];

/// Checks that a folder has nothing but what a sweep leaves.
fn check_output(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: Vec<String> = names.collect();
    // Runs in progress have names with a dot before.
    let is_trial = |name: &str| name.trim_start_matches('.').starts_with("trial-");
    let is_sweep = names.iter().any(|name| is_trial(name));
    let is_own = |name: &str| is_trial(name) || (is_sweep && SWEEP_FILES.contains(&name));
    match names.iter().find(|name| !is_own(name)) {
        None => Ok(()),
        Some(name) => Err(Error::Usage(format!(
            "the output folder {} holds `{name}`, which is not of a sweep; choose another by --output",
            folder.display()
        ))),
    }
}

/// The positions of the best `count` trials, the best first.
fn best_of(trials: &[Trial], higher_is_better: bool, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..trials.len()).collect();
    order.sort_by(|a, b| {
        let order = trials[*b].value.total_cmp(&trials[*a].value);
        if higher_is_better {
            order
        } else {
            order.reverse()
        }
    });
    order.truncate(count);
    order
}

struct Searcher<'a> {
    sweep: &'a Sweep,
    config: &'a ExperimentConfig,
    registry: &'a Registry,
}

/// The folders and the context of runs.
struct Place<'a> {
    output: &'a Path,
    cache: &'a Cache,
    existing: Existing,
    context: &'a Context,
}

impl<'a> Searcher<'a> {
    /// # Errors
    /// If the experiment asks for the test users.
    fn new(sweep: &'a Sweep, config: &'a ExperimentConfig, registry: &'a Registry) -> Result<Self> {
        match config.split() {
            Some("test") => Err(Error::Usage(
                "split: is \"test\", but a sweep chooses on validation users; remove it".into(),
            )),
            _ => Ok(Searcher {
                sweep,
                config,
                registry,
            }),
        }
    }

    /// The experiments of the first round.
    fn experiments(&self, points: &[Point]) -> Result<Vec<Experiment>> {
        let epochs = self.sweep.first_epochs();
        points
            .iter()
            .map(|point| self.experiment(point, epochs))
            .collect()
    }

    /// The settings of a trial, epochs included.
    fn settings(&self, point: &Point, epochs: u32) -> Point {
        let epochs = self
            .sweep
            .epochs
            .iter()
            .map(|key| (key.clone(), epochs.into()));
        point.iter().cloned().chain(epochs).collect()
    }

    fn experiment(&self, point: &Point, epochs: u32) -> Result<Experiment> {
        let mut settings = self.settings(point, epochs);
        settings.push(("split".to_string(), "validation".into()));
        let experiment = self.config.with(&settings)?.resolve(self.registry)?;
        self.decider(&experiment)?;
        Ok(experiment)
    }

    /// The names of the method and the metric that choose.
    fn decider(&self, experiment: &Experiment) -> Result<(String, String)> {
        let methods = experiment.methods.iter().map(|method| method.name.clone());
        let fusions = experiment.fusions.iter().map(|fusion| fusion.name.clone());
        let methods: Vec<String> = methods.chain(fusions).collect();
        let metrics: Vec<String> = experiment
            .metrics
            .iter()
            .map(|metric| metric.label())
            .collect();
        let method = self.sweep.method.as_ref().or(methods.last());
        let metric = self.sweep.metric.as_ref().or(metrics.first());
        let (method, metric) = (
            method.cloned().unwrap_or_default(),
            metric.cloned().unwrap_or_default(),
        );
        for (key, name, names) in [("method", &method, &methods), ("metric", &metric, &metrics)] {
            if !names.contains(name) {
                let names = names.join("`, `");
                return Err(Error::Usage(format!(
                    "sweep.{key}: there is no `{name}`; there are `{names}`"
                )));
            }
        }
        Ok((method, metric))
    }

    /// Runs the trials of a round, given by its number and its epochs, behind the `first` ones.
    fn round(
        &self,
        (round, epochs): (u32, u32),
        points: &[Point],
        first: usize,
        place: &Place<'_>,
    ) -> Result<Vec<Trial>> {
        let task = place
            .context
            .task("Sweeping", Some(points.len() as u64), Unit::Count);
        let mut trials = Vec::new();
        for (at, point) in points.iter().enumerate() {
            let mut experiment = self.experiment(point, epochs)?;
            let folder = place.output.join(format!("trial-{}", first + at + 1));
            experiment.output = Some(folder.clone());
            let (method, metric) = self.decider(&experiment)?;
            let run = run(&experiment, place.cache, place.existing, place.context)?;
            let metrics = metrics_of(&run.results, &method);
            let value = metrics.iter().find(|value| value.metric == metric);
            trials.push(Trial {
                round,
                settings: self.settings(point, epochs),
                value: value.map_or(0.0, |value| value.value),
                metrics,
                folder,
            });
            task.advance(1)?;
        }
        Ok(trials)
    }

    fn higher_is_better(&self, trial: &Trial) -> bool {
        let metric = self.sweep.metric.as_ref();
        let found = trial
            .metrics
            .iter()
            .find(|value| metric.is_none_or(|metric| value.metric == *metric));
        found.is_none_or(|value| value.higher_is_better)
    }

    fn results(&self, trials: Vec<Trial>, last_round: u32, epochs: u32) -> Result<SweepResults> {
        let first = trials
            .iter()
            .position(|trial| trial.round == last_round)
            .unwrap_or_default();
        let higher_is_better = self.higher_is_better(&trials[first]);
        let best = best_of(&trials[first..], higher_is_better, 1);
        let best = first + best.first().copied().unwrap_or_default();
        let point: Point = trials[best].settings.clone();
        let experiment = self.experiment(&point, epochs)?;
        let (method, metric) = self.decider(&experiment)?;
        Ok(SweepResults {
            metric,
            higher_is_better,
            method,
            users: self.users(&trials[best])?,
            best,
            experiment: self.config.with(&point)?.to_toml()?,
            trials,
        })
    }

    fn users(&self, trial: &Trial) -> Result<u64> {
        let results: Results =
            crate::files::read_json(&trial.folder.join(crate::run_files::METRICS))?;
        Ok(results.methods.first().map_or(0, |method| method.users))
    }
}

fn metrics_of(results: &Results, method: &str) -> Vec<MetricValue> {
    let found = results.methods.iter().find(|other| other.method == method);
    found
        .map(|method| method.metrics.clone())
        .unwrap_or_default()
}
