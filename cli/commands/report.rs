//! `gloss report`: finished runs as one page to open in a browser.

mod analysis;
mod charts;
mod page;
mod users;

use std::fs;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Data, Error, Example};
use gloss_engine::{
    Cache, CompareOptions, Comparison, Competitor, FinishedRun, MethodValues, compare,
    prepared_data,
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
        folders.push(FinishedRun::open(folder)?);
    }
    let comparison = comparison(&folders)?;
    let runs: Vec<FinishedRun> = folders
        .into_iter()
        .filter_map(|runs| runs.into_iter().next())
        .collect();
    let cache = Cache::new(&args.cache.folder);
    let dataset = config::dataset_of(&runs[0])?;
    let data = prepared_data(dataset.as_ref(), &cache, &session.context)?;
    let examples = runs[0].examples(&data)?;
    let methods = methods(&runs, &data, examples)?;
    let charts = analysis::charts(&runs, &data, examples, &methods, cache.root())?;
    let content = Content {
        data: &data,
        examples,
        methods,
        comparison,
        charts,
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
