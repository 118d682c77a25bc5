//! `gloss run`: an experiment, from files to a table.

use std::fmt::Write;

use anyhow::Result;
use gloss_core::{Registry, StatisticValue};
use gloss_engine::{Cache, Existing, MetricValue, Results, Run, StageRow, run};
use indicatif::HumanCount;
use serde_json::json;

use crate::args;
use crate::config;
use crate::session::Session;
use crate::ui;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &args::Run, session: &Session) -> Result<()> {
    let mut experiment = config::experiment(&args.experiment)?.resolve(&Registry::known()?)?;
    if let Some(output) = &args.output {
        experiment.output = Some(output.clone());
    }
    let existing = match args.overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let cache = Cache::new(&args.cache.folder);
    let run = run(&experiment, &cache, existing, &session.context)?;
    if !run.reused {
        session.log.attach(&run.folder.join("run.log"))?;
    }
    let value = json!({
        "folder": run.folder, "reused": run.reused, "results": run.results, "stages": run.stages,
    });
    session.output.show(&value, |_, look| {
        let mut text = text(&run, look);
        if args.explain {
            let _ = write!(text, "\n\n{}", explain(&run.stages, run.reused, look));
        }
        text
    })
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
    for dropped in &results.data.dropped {
        let _ = write!(text, "\ndropped: {dropped}");
    }
    if let Some(line) = ui::audit::same_time(&results.audit) {
        let _ = write!(text, "\n{line}");
    }
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
                let _ = write!(text, "\n{method}: {users} users {what}");
            }
        }
        for statistic in &method.index {
            let value = match &statistic.value {
                StatisticValue::Number(number) => format!("{number:.4}"),
                StatisticValue::Text(text) => text.clone(),
            };
            let _ = write!(text, "\n{}: {} {value}", method.method, statistic.name);
        }
    }
    let reused = if run.reused {
        "; it was there already"
    } else {
        ""
    };
    let _ = write!(text, "\nthe run is in {}{reused}", run.folder.display());
    text
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

/// A value with its confidence interval.
fn cell(value: &MetricValue) -> Cell {
    let cell = Cell::number(value.value, 4);
    match value.interval {
        Some(interval) => cell.with(&format!(" [{:.4}, {:.4}]", interval.low, interval.high)),
        None => cell,
    }
}

/// The stages of a run or a training, or of the earlier one whose results are shown again.
pub(crate) fn explain(stages: &[StageRow], reused: bool, look: Look) -> String {
    let heading = match reused {
        true => "nothing was built; the stages when this was first run:\n",
        false => "",
    };
    format!("{heading}{}", explanation(stages).render(look))
}

/// A row per stage: whether it was reused, and if not, what differed from the most similar artefact.
fn explanation(stages: &[StageRow]) -> Table {
    let mut table = Table::new(["stage", "method", "seconds", "result"]);
    for stage in stages {
        let result = match &stage.reason {
            None => "reused".to_string(),
            Some(reason) => format!("built: {reason}"),
        };
        table.row([
            Cell::from(stage.stage.as_str()).strong(),
            stage.method.as_deref().unwrap_or("all").into(),
            Cell::number(stage.seconds, 2),
            result.into(),
        ]);
    }
    table
}
