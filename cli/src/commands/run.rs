//! `gloss run`: an experiment, from files to a table.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gloss_core::{Error, Registry, StatisticValue};
use gloss_engine::{Existing, Experiment, MetricValue, Results, Run, SeedSummary, run, summarize};
use indicatif::HumanCount;
use serde_json::{Value, json};

use crate::args;
use crate::commands::shard;
use crate::commands::train::rank;
use crate::config;
use crate::remote::address;
use crate::session::Session;
use crate::ui;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &args::Run, session: &Session) -> Result<()> {
    let work = &args.work;
    if rank().is_some_and(|rank| rank > 0) {
        let message = "`gloss run` is for one process, and this is one of several (RANK); `gloss train` trains in \
                       several, and a run finds the training in the cache";
        return Err(Error::Usage(message.into()).into());
    }
    let experiments = experiments(&work.experiment, work.output.as_deref(), session)?;
    let cache = session.remote.cache(&work.cache.folder)?;
    if let Some(shard) = args.shard {
        return shard::run(shard, &experiments, &cache, work.explain, session);
    }
    let existing = existing(work.overwrite);
    let run = |experiment: &Experiment| run(experiment, &cache, existing, &session.context);
    let runs = run_all(&experiments, run, session)?;
    show(&runs, work.explain, session)
}

/// The experiments that file and flags describe, one for each seed, with their output folders.
pub(crate) fn experiments(
    args: &args::Experiment,
    output: Option<&Path>,
    session: &Session,
) -> Result<Vec<Experiment>> {
    let config = config::local_experiment(args, session)?;
    let mut experiments = config.resolve_seeds(&Registry::known()?)?;
    set_outputs(&mut experiments, output)?;
    Ok(experiments)
}

pub(crate) fn existing(overwrite: bool) -> Existing {
    match overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    }
}

/// Runs the experiments one after the other, and leaves the log in their folders. A folder of an object
/// store is written on this machine and uploaded.
pub(crate) fn run_all(
    experiments: &[Experiment],
    run: impl Fn(&Experiment) -> gloss_core::Result<Run>,
    session: &Session,
) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for experiment in experiments {
        let mut local = experiment.clone();
        let output = experiment.output.as_deref();
        local.output = output
            .map(|output| session.remote.local(output))
            .transpose()?;
        let mut run = run(&local)?;
        if !run.reused {
            session.log.attach(&run.folder.join("run.log"))?;
        }
        if let Some(url) = output.filter(|output| address(output).is_some()) {
            session.remote.upload(&run.folder, url)?;
            run.folder = url.to_path_buf();
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Prints the results of the runs.
pub(crate) fn show(runs: &[Run], explained: bool, session: &Session) -> Result<()> {
    let value = match runs {
        [run] => as_json(run),
        runs => json!({
            "runs": runs.iter().map(as_json).collect::<Vec<_>>(),
            "summary": summarize(&runs.iter().map(|run| &run.results).collect::<Vec<_>>()),
        }),
    };
    session.output.show(&value, |_, look| {
        let mut text = text(runs, look);
        for run in runs.iter().filter(|_| explained) {
            let _ = write!(
                text,
                "\n\n{}",
                ui::stages::explain(&run.stages, run.reused, look)
            );
        }
        text
    })
}

fn as_json(run: &Run) -> Value {
    json!({
        "folder": run.folder, "reused": run.reused, "results": run.results, "stages": run.stages,
    })
}

/// Sets the output folders: several seeds have folders of their own in one.
fn set_outputs(experiments: &mut [Experiment], output: Option<&Path>) -> Result<()> {
    let several = experiments.len() > 1;
    let given = output
        .map(Path::to_path_buf)
        .or_else(|| experiments[0].output.clone());
    let parent = match given {
        None if several => Some(seeds_folder(experiments)?),
        given => given,
    };
    for experiment in experiments {
        experiment.output = match (&parent, experiment.seed) {
            (Some(parent), Some(seed)) => Some(parent.join(format!("seed-{seed}"))),
            (parent, _) => parent.clone(),
        };
    }
    Ok(())
}

/// The folder of runs with several seeds, named by the experiment and the hash of all settings.
fn seeds_folder(experiments: &[Experiment]) -> Result<PathBuf> {
    let mut hasher = blake3::Hasher::new();
    for experiment in experiments {
        hasher.update(experiment.describe()?.to_string().as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    let name = experiments[0].folder_name();
    Ok(Path::new("runs").join(format!("{name}-seeds-{}", &hash[..8])))
}

fn text(runs: &[Run], look: Look) -> String {
    let results: Vec<&Results> = runs.iter().map(|run| &run.results).collect();
    let summary = match results.len() {
        1 => Vec::new(),
        _ => summarize(&results),
    };
    let mut text = match summary.is_empty() {
        true => table(results[0]).render(look),
        false => seeds_table(&summary, results[0]).render(look),
    };
    if let Some(segments) = segments(results[0]).filter(|_| summary.is_empty()) {
        let _ = write!(text, "\n\n{}", segments.render(look));
    }
    text.push('\n');
    if !summary.is_empty() {
        let seeds = runs.len();
        let _ = write!(
            text,
            "\n{seeds} seeds; intervals of the mean by Student's t"
        );
    }
    let mut told = HashSet::new();
    for line in runs.iter().flat_map(|run| notes(&run.results)) {
        if told.insert(line.clone()) {
            let _ = write!(text, "\n{line}");
        }
    }
    for run in runs {
        let reused = if run.reused {
            "; it was there already"
        } else {
            ""
        };
        let _ = write!(text, "\nthe run is in {}{reused}", run.folder.display());
    }
    text
}

/// The lines below the table: users, and all that was dropped or fell short.
fn notes(results: &Results) -> Vec<String> {
    let users = results.methods.first().map_or(0, |method| method.users);
    let split = results.split;
    let mut lines = vec![format!(
        "{} {split} users of {}",
        HumanCount(users),
        results.dataset
    )];
    let dropped = results.data.dropped.iter();
    lines.extend(dropped.map(|dropped| format!("dropped: {dropped}")));
    lines.extend(ui::audit::same_time(&results.audit));
    for method in &results.methods {
        for (users, what) in [
            (method.users_without_ranking, "got no ranking and score 0"),
            (
                method.users_with_short_ranking,
                "got fewer items than the deepest metric reads",
            ),
        ] {
            if users > 0 {
                let (method, users) = (&method.method, HumanCount(users));
                lines.push(format!("{method}: {users} users {what}"));
            }
        }
        lines.extend(ui::ties::line(Some(&method.method), &method.metrics));
        for statistic in &method.index {
            let value = match &statistic.value {
                StatisticValue::Number(number) => format!("{number:.4}"),
                StatisticValue::Text(text) => text.clone(),
            };
            lines.push(format!("{}: {} {value}", method.method, statistic.name));
        }
    }
    lines
}

/// The columns before the metrics.
const RANKING_COLUMNS: [&str; 5] = ["method", "seen", "fusion", "depth", "cutoff"];

/// A row per method: name, policy for seen items, ranking options, metrics.
fn table(results: &Results) -> Table {
    let metrics: Vec<_> = results
        .methods
        .first()
        .map_or(&[][..], |method| &method.metrics)
        .to_vec();
    let mut table = Table::new(
        RANKING_COLUMNS
            .map(str::to_string)
            .into_iter()
            .chain(metrics.iter().map(|value| value.metric.clone())),
    );
    for method in &results.methods {
        let ranking = &method.ranking;
        let mut row = vec![
            Cell::from(method.method.as_str()),
            ranking.seen.to_string().into(),
            ranking.fusion.to_string().into(),
            Cell::count(ranking.depth),
            Cell::count(ranking.cutoff),
        ];
        row.extend(method.metrics.iter().map(cell));
        table.row(row);
    }
    for (index, value) in metrics.iter().enumerate() {
        table.mark_best(RANKING_COLUMNS.len() + index, value.higher_is_better);
    }
    table
}

/// A row per method and user segment, if there are segments.
fn segments(results: &Results) -> Option<Table> {
    let first = results.methods.first()?.segments.first()?;
    let metrics = first.metrics.iter().map(|value| value.metric.clone());
    let head = ["method", "segment", "users"].map(str::to_string);
    let mut table = Table::new(head.into_iter().chain(metrics));
    for method in &results.methods {
        for segment in &method.segments {
            let mut row = vec![
                Cell::from(method.method.as_str()),
                segment.segment.as_str().into(),
                Cell::count(segment.users as usize),
            ];
            row.extend(segment.metrics.iter().map(cell));
            table.row(row);
        }
    }
    Some(table)
}

/// A row per method, group of users and metric: mean, deviation and interval over seeds.
fn seeds_table(summary: &[SeedSummary], results: &Results) -> Table {
    let titles = [
        "method",
        "seen",
        "users",
        "metric",
        "mean",
        "deviation",
        "95 % interval",
    ];
    let mut table = Table::new(titles);
    for of in summary {
        let method = results
            .methods
            .iter()
            .find(|method| method.method == of.method);
        let seen = method.map_or(String::new(), |method| method.ranking.seen.to_string());
        let (low, high) = (of.mean - of.half_width, of.mean + of.half_width);
        table.row([
            Cell::from(of.method.as_str()),
            seen.into(),
            of.segment.as_deref().unwrap_or("all").into(),
            of.metric.as_str().into(),
            Cell::number(of.mean, 4),
            Cell::number(of.deviation, 4),
            Cell::shown(low, format!("[{low:.4}, {high:.4}]")),
        ]);
    }
    table
}

/// A value with its confidence interval.
fn cell(value: &MetricValue) -> Cell {
    let cell = Cell::number(value.value, 4);
    match value.interval {
        Some(interval) => cell.with(&format!(" [{:.4}, {:.4}]", interval.low, interval.high)),
        None => cell,
    }
}
