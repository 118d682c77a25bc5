//! `gloss run`: an experiment, from files to a table.

use std::fmt::Write;

use anyhow::Result;
use gloss_core::{Existing, Figure, Registry, Results, Run, Store, Told, run};
use indicatif::HumanCount;
use serde_json::json;

use crate::args;
use crate::draft;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &args::Run, session: &Session) -> Result<()> {
    let mut experiment = draft::experiment(&args.experiment)?.resolve(&Registry::known()?)?;
    if let Some(output) = &args.output {
        experiment.output = Some(output.clone());
    }
    let existing = match args.overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let store = Store::new(&args.cache.folder);
    let run = run(&experiment, &store, existing, &session.context)?;
    if !run.reused {
        session.log.attach(&run.folder.join("run.log"))?;
    }
    let value = json!({ "folder": run.folder, "reused": run.reused, "results": run.results });
    session.output.show(&value, |_, look| text(&run, look))
}

fn text(run: &Run, look: Look) -> String {
    let mut text = table(&run.results).render(look);
    let results = &run.results;
    if let Some(segments) = segments(results) {
        let _ = write!(text, "\n\n{}", segments.render(look));
    }
    let users = results.methods.first().map_or(0, |method| method.users);
    let _ = write!(
        text,
        "\n\n{} {} users of {}",
        HumanCount(users),
        results.split,
        results.dataset
    );
    for method in &results.methods {
        for (users, what) in [
            (method.users_without_ranking, "got no ranking and score 0"),
            (
                method.users_with_short_ranking,
                "got fewer items than the deepest metric reads",
            ),
        ] {
            if users > 0 {
                let _ = write!(
                    text,
                    "\n{}: {} users {what}",
                    method.method,
                    HumanCount(users)
                );
            }
        }
    }
    for method in &results.methods {
        for remark in &method.index {
            let value = match &remark.value {
                Told::Number(number) => format!("{number:.4}"),
                Told::Text(text) => text.clone(),
            };
            let _ = write!(text, "\n{}: {} {value}", method.method, remark.name);
        }
    }
    let reused = if run.reused {
        ", where it was already"
    } else {
        ""
    };
    let _ = write!(text, "\nthe run is in {}{reused}", run.folder.display());
    text
}

/// What is told of every method beside its figures.
const RANKING_COLUMNS: [&str; 5] = ["method", "seen", "fusion", "depth", "cutoff"];

/// A row a method: its name, its policy of seen items, how its rankings were made, its figures.
fn table(results: &Results) -> Table {
    let metrics: Vec<_> = results
        .methods
        .first()
        .map_or(&[][..], |m| &m.figures)
        .to_vec();
    let mut table = Table::new(
        RANKING_COLUMNS
            .map(str::to_string)
            .into_iter()
            .chain(metrics.iter().map(|figure| figure.metric.clone())),
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
        row.extend(method.figures.iter().map(cell));
        table.row(row);
    }
    for (index, figure) in metrics.iter().enumerate() {
        table.mark_best(RANKING_COLUMNS.len() + index, figure.higher_is_better);
    }
    table
}

/// A row a method and segment, if there are segments.
fn segments(results: &Results) -> Option<Table> {
    let first = results.methods.first()?.segments.first()?;
    let metrics = first.figures.iter().map(|figure| figure.metric.clone());
    let head = ["method", "segment", "users"].map(str::to_string);
    let mut table = Table::new(head.into_iter().chain(metrics));
    for method in &results.methods {
        for segment in &method.segments {
            let mut row = vec![
                Cell::from(method.method.as_str()),
                segment.segment.as_str().into(),
                Cell::count(segment.users as usize),
            ];
            row.extend(segment.figures.iter().map(cell));
            table.row(row);
        }
    }
    Some(table)
}

/// A figure, and where it may be.
fn cell(figure: &Figure) -> Cell {
    let cell = Cell::number(figure.value, 4);
    match figure.interval {
        Some(interval) => cell.with(&format!(" [{:.4}, {:.4}]", interval.low, interval.high)),
        None => cell,
    }
}
