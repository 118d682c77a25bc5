//! `gloss evaluate`: metrics of an existing run.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Error, Evaluation, Registry, read_file};
use gloss_engine::trec::{Qrels, Run};
use gloss_engine::{ExperimentConfig, MetricValue};
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::Evaluate;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// The result.
#[derive(Serialize)]
struct Evaluated {
    users: usize,
    users_missing_from_run: usize,
    users_without_judgements: usize,
    metrics: Vec<MetricValue>,
}

pub(crate) fn execute(args: &Evaluate, session: &Session) -> Result<()> {
    let evaluated = match &args.qrels {
        Some(qrels) => evaluate(args, qrels)?,
        None => average(args)?,
    };
    session.output.show(&evaluated, text)
}

/// Evaluates a TREC run against TREC qrels.
fn evaluate(args: &Evaluate, qrels: &Path) -> Result<Evaluated> {
    if args.metric.is_empty() {
        let message = "name the metrics, such as --metric recall@5,ndcg@5,mrr";
        return Err(Error::Usage(message.into()).into());
    }
    let mut config = ExperimentConfig::new();
    let typed = format!("--metric {}", args.metric.join(","));
    config.replace(&typed, "metrics", json!(args.metric));
    let metrics = config.resolve_metrics(&Registry::known()?)?;
    let qrels = Qrels::read(qrels)?;
    let aligned = Run::read(&args.run)?.align(&qrels, args.ties.unwrap_or_default());
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades())?;
    let values = metrics
        .iter()
        .map(|metric| {
            Ok(MetricValue {
                metric: metric.label(),
                value: metric.score(&evaluation)?.value(),
                higher_is_better: metric.invariants().higher_is_better,
                interval: None,
            })
        })
        .collect::<gloss_core::Result<_>>()?;
    Ok(Evaluated {
        users: evaluation.users(),
        users_missing_from_run: aligned.missing.len(),
        users_without_judgements: aligned.ignored,
        metrics: values,
    })
}

/// Averages a file of GLoSS's metrics by user: `{"reviewer_id": …, "recall@5": 0.0, …}` a line.
fn average(args: &Evaluate) -> Result<Evaluated> {
    if args.ties.is_some() {
        let message = "--ties is about a run and its qrels; name the qrels too, or leave it out";
        return Err(Error::Usage(message.into()).into());
    }
    let sums = Sums::read(&args.run)?;
    if let Some(absent) = args
        .metric
        .iter()
        .find(|name| !sums.names().any(|known| known == name.as_str()))
    {
        let known: Vec<_> = sums.names().collect();
        let message = format!("has no metric `{absent}`; it has {}", known.join(", "));
        return Err(Error::input(&args.run, message).into());
    }
    let users = sums.lines.len();
    let is_wanted = |name: &str| args.metric.is_empty() || args.metric.iter().any(|m| m == name);
    let values = sums.metrics.into_iter().filter(|(name, _)| is_wanted(name));
    let values = values.map(|(metric, sum)| MetricValue {
        higher_is_better: higher_is_better(&metric),
        metric,
        value: sum / users as f64,
        interval: None,
    });
    Ok(Evaluated {
        users,
        users_missing_from_run: 0,
        users_without_judgements: 0,
        metrics: values.collect(),
    })
}

/// Returns `true` if a higher value of the metric is better, as far as it is one of ours.
fn higher_is_better(metric: &str) -> bool {
    let mut config = ExperimentConfig::new();
    config.replace(metric, "metrics", json!([metric]));
    let ours = Registry::known().and_then(|registry| config.resolve_metrics(&registry));
    ours.map_or(true, |metrics| {
        metrics
            .iter()
            .all(|metric| metric.invariants().higher_is_better)
    })
}

/// The sums over users of each metric in a file.
#[derive(Default)]
struct Sums {
    /// By metric, in the order of the first line.
    metrics: Vec<(String, f64)>,
    /// By user, the line.
    lines: HashMap<String, u64>,
}

impl Sums {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|(name, _)| name.as_str())
    }

    fn read(path: &Path) -> gloss_core::Result<Self> {
        let content = read_file(path)?;
        let mut sums = Sums::default();
        for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let is_first = sums.lines.is_empty();
            sums.add(line, number).map_err(|message| {
                let hint = match is_first {
                    true => "; for a run in TREC format, name its qrels too",
                    false => "",
                };
                Error::line(path, number, message + hint)
            })?;
        }
        match sums.lines.is_empty() {
            true => Err(Error::input(
                path,
                "is empty; expected a JSON object a line",
            )),
            false => Ok(sums),
        }
    }

    /// Adds one user's metrics.
    fn add(&mut self, line: &[u8], number: u64) -> Result<(), String> {
        let mut row: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| format!("is not a JSON object of a user's metrics: {error}"))?;
        let user = match row.shift_remove("reviewer_id") {
            Some(Value::String(user)) => user,
            _ => return Err("has no text `reviewer_id`".to_string()),
        };
        if self.lines.is_empty() {
            self.metrics
                .extend(row.keys().map(|name| (name.clone(), 0.0)));
        }
        if let Some(first) = self.lines.insert(user.clone(), number) {
            return Err(format!("is about user {user}, as line {first} is already"));
        }
        if row.len() != self.metrics.len() {
            let expected = self.metrics.len();
            return Err(format!(
                "has {} metrics, where the first has {expected}",
                row.len()
            ));
        }
        for (name, sum) in &mut self.metrics {
            let value = row.get(name).and_then(Value::as_f64);
            *sum += value.ok_or_else(|| format!("has no number `{name}`"))?;
        }
        Ok(())
    }
}

fn text(evaluated: &Evaluated, look: Look) -> String {
    let mut table = Table::new(["metric", "value"]);
    for figure in &evaluated.metrics {
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
