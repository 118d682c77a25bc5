//! `gloss evaluate`: the figures of a run that exists already.

use std::fmt::Write;
use std::io::BufRead;
use std::path::Path;

use anyhow::Result;
use gloss_core::trec::{Qrels, Run};
use gloss_core::{Draft, Error, Evaluation, Figure, Registry, read_file};
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::Evaluate;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// What came out.
#[derive(Serialize)]
struct Evaluated {
    users: usize,
    users_missing_from_run: usize,
    users_without_judgements: usize,
    figures: Vec<Figure>,
}

pub(crate) fn execute(args: &Evaluate, session: &Session) -> Result<()> {
    let evaluated = match &args.qrels {
        Some(qrels) => judge(args, qrels)?,
        None => average(args)?,
    };
    session.output.show(&evaluated, text)
}

/// Scores a TREC run by TREC qrels.
fn judge(args: &Evaluate, qrels: &Path) -> Result<Evaluated> {
    if args.metric.is_empty() {
        let message = "name the metrics, such as --metric recall@5,ndcg@5,mrr";
        return Err(Error::Usage(message.into()).into());
    }
    let mut draft = Draft::new();
    let typed = format!("--metric {}", args.metric.join(","));
    draft.replace(&typed, "metrics", json!(args.metric));
    let metrics = draft.resolve_metrics(&Registry::compiled_in()?)?;
    let qrels = Qrels::read(qrels)?;
    let aligned = Run::read(&args.run)?.align(&qrels, args.ties);
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades())?;
    let figures = metrics
        .iter()
        .map(|metric| {
            Ok(Figure {
                metric: metric.label(),
                value: metric.score(&evaluation)?.value(),
                higher_is_better: metric.laws().higher_is_better,
            })
        })
        .collect::<gloss_core::Result<_>>()?;
    Ok(Evaluated {
        users: evaluation.users(),
        users_missing_from_run: aligned.missing.len(),
        users_without_judgements: aligned.ignored,
        figures,
    })
}

/// Averages a file of GLoSS's metrics by user: `{"reviewer_id": …, "recall@5": 0.0, …}` a line.
fn average(args: &Evaluate) -> Result<Evaluated> {
    let content = read_file(&args.run)?;
    let (mut users, mut sums) = (0_usize, Map::new());
    for (number, line) in (1..).zip(content.lines()) {
        let line = line.map_err(Error::io("read", &args.run))?;
        if line.trim().is_empty() {
            continue;
        }
        add(&line, users == 0, &mut sums).map_err(|message| {
            let hint = "; for a run in TREC format, name its qrels too";
            Error::line(
                &args.run,
                number,
                message + if users == 0 { hint } else { "" },
            )
        })?;
        users += 1;
    }
    if users == 0 {
        return Err(Error::input(&args.run, "is empty; expected a JSON object a line").into());
    }
    let is_wanted = |name: &String| args.metric.is_empty() || args.metric.contains(name);
    if let Some(absent) = args.metric.iter().find(|name| !sums.contains_key(*name)) {
        let known: Vec<_> = sums.keys().map(String::as_str).collect();
        let message = format!("has no metric `{absent}`; it has {}", known.join(", "));
        return Err(Error::input(&args.run, message).into());
    }
    let mean = |(metric, sum): (String, Value)| Figure {
        metric,
        value: sum.as_f64().unwrap_or_default() / users as f64,
        higher_is_better: true,
    };
    let figures = sums
        .into_iter()
        .filter(|(name, _)| is_wanted(name))
        .map(mean);
    Ok(Evaluated {
        users,
        users_missing_from_run: 0,
        users_without_judgements: 0,
        figures: figures.collect(),
    })
}

/// Adds one user's metrics to the sums.
fn add(line: &str, first: bool, sums: &mut Map<String, Value>) -> Result<(), String> {
    let mut row: Map<String, Value> = serde_json::from_str(line)
        .map_err(|error| format!("is not a JSON object of a user's metrics: {error}"))?;
    row.shift_remove("reviewer_id")
        .ok_or("has no `reviewer_id`")?;
    if first {
        sums.extend(row.keys().map(|name| (name.clone(), json!(0.0))));
    }
    if row.len() != sums.len() {
        return Err(format!(
            "has {} metrics, where the first line has {}",
            row.len(),
            sums.len()
        ));
    }
    for (name, sum) in sums.iter_mut() {
        let value = row
            .get(name)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("has no number `{name}`"))?;
        *sum = json!(sum.as_f64().unwrap_or_default() + value);
    }
    Ok(())
}

fn text(evaluated: &Evaluated, look: Look) -> String {
    let mut table = Table::new(["metric", "value"]);
    for figure in &evaluated.figures {
        table.row([figure.metric.as_str().into(), Cell::number(figure.value, 6)]);
    }
    let mut text = table.render(look);
    let count = |number: usize| HumanCount(number as u64);
    let _ = write!(text, "\n\n{} users", count(evaluated.users));
    if evaluated.users_missing_from_run > 0 {
        let missing = count(evaluated.users_missing_from_run);
        let _ = write!(
            text,
            "\n{missing} of them are missing from the run and score 0"
        );
    }
    if evaluated.users_without_judgements > 0 {
        let extra = count(evaluated.users_without_judgements);
        let _ = write!(
            text,
            "\n{extra} users of the run have no judgements and are left out"
        );
    }
    text
}
