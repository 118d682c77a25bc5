//! `gloss report`: finished runs as one page to open in a browser.

mod analysis;
mod charts;
mod page;
mod users;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Data, Error, Example};
use gloss_engine::{
    CompareOptions, Comparison, Competitor, FinishedRun, MethodValues, Prepared, SeedSummary,
    compare, summarize,
};
use indicatif::HumanBytes;
use serde_json::json;

use crate::args::Report;
use crate::config;
use crate::session::Session;
use users::Shown;

/// The most items of a ranking that the page shows.
const DEPTH: usize = 10;

/// Everything that the page shows.
struct Content<'a> {
    /// The first run of each folder.
    runs: Vec<FinishedRun>,
    /// The results of each folder over its seeds; empty for one seed.
    summaries: Vec<Vec<SeedSummary>>,
    data: &'a Data,
    examples: &'a [Example],
    methods: Vec<Shown>,
    /// The comparison of all methods; none if there is one method.
    comparison: Option<Comparison>,
    charts: Vec<charts::Chart>,
}

pub(crate) fn execute(args: &Report, session: &Session) -> Result<()> {
    let mut folders = Vec::new();
    for folder in &args.runs {
        folders.push(FinishedRun::open(&session.remote.local(folder)?)?);
    }
    check_output(&args.output)?;
    let comparison = comparison(&folders)?;
    let summaries = folders.iter().map(|runs| match runs.len() {
        1 => Vec::new(),
        _ => summarize(&runs.iter().map(|run| &run.results).collect::<Vec<_>>()),
    });
    let summaries = summaries.collect();
    let runs: Vec<FinishedRun> = folders
        .into_iter()
        .filter_map(|runs| runs.into_iter().next())
        .collect();
    let cache = session.remote.cache(&args.cache.folder)?;
    let dataset = config::dataset_of(&runs[0], session)?;
    let prepared = Prepared::new(dataset.as_ref(), &cache, &session.context)?;
    let data = prepared.data();
    let examples = runs[0].examples(data)?;
    let methods = methods(&runs, data, examples)?;
    let charts = analysis::charts(&runs, data, examples, &methods, cache.root())?;
    let content = Content {
        data,
        examples,
        methods,
        comparison,
        charts,
        summaries,
        runs,
    };
    let html = page::html(&content)?;
    write(&args.output, html.as_bytes())?;
    if let Some(folder) = &args.charts {
        fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
        for chart in &content.charts {
            write(
                &folder.join(format!("{}.svg", chart.name)),
                chart.svg.as_bytes(),
            )?;
        }
    }
    let value = json!({ "report": args.output, "bytes": html.len(), "users": examples.len() });
    session.output.show(&value, |_, _| {
        format!(
            "the report is {} ({})",
            args.output.display(),
            HumanBytes(html.len() as u64)
        )
    })
}

/// Checks that a file to write is none yet, or a report.
fn check_output(path: &Path) -> Result<()> {
    let there = match fs::read(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", path)(error).into()),
    };
    let mark = page::GENERATOR.as_bytes();
    let is_report = there
        .windows(mark.len())
        .take(4096)
        .any(|part| part == mark);
    match is_report {
        true => Ok(()),
        false => {
            let message =
                "is not a report of gloss and is left as it is; choose another file by --output";
            Err(Error::input(path, message).into())
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(fs::write(path, bytes).map_err(Error::io("write", path))?)
}

/// The comparison of all methods, those that keep seen items with those that exclude them.
fn comparison(folders: &[Vec<FinishedRun>]) -> Result<Option<Comparison>> {
    let mut methods = Vec::new();
    for run in folders.iter().flatten() {
        methods.extend(MethodValues::of_run(run, None)?);
    }
    let competitors = Competitor::group(methods);
    let options = CompareOptions {
        mixed_seen: true,
        ..CompareOptions::default()
    };
    match competitors.len() {
        0 | 1 => Ok(None),
        _ => Ok(Some(compare(&competitors, &options)?)),
    }
}

/// The methods of all runs; names that several runs have get their folders.
fn methods(runs: &[FinishedRun], data: &Data, examples: &[Example]) -> Result<Vec<Shown>> {
    let mut methods = Vec::new();
    for run in runs {
        run.examples(data)?;
        for result in &run.results.methods {
            let name = &result.method;
            let others = runs.iter().flat_map(|run| &run.results.methods);
            let is_unique = others.filter(|other| other.method == *name).count() == 1;
            let shown_name = match is_unique {
                true => name.clone(),
                false => format!("{name} ({})", run.folder.display()),
            };
            let method = run.shown_method(name, data, examples)?;
            methods.push(Shown::new(shown_name, method, data));
        }
    }
    Ok(methods)
}
