//! `gloss evaluate`: metrics of an existing run.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use gloss_core::{Error, Evaluation, Metric, Registry};
use gloss_engine::trec::{Qrels, Run};
use gloss_engine::{ExperimentConfig, Interval, MetricValue, TieOrders, UserValues, tie_range};
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::json;

use crate::args::Evaluate;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};
use crate::ui::ties;

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

/// The metrics that `--metric` names.
pub(super) fn metrics(names: &[String]) -> gloss_core::Result<Vec<Arc<dyn Metric>>> {
    if names.is_empty() {
        let message = "name the metrics, such as --metric recall@5,ndcg@5,mrr";
        return Err(Error::Usage(message.into()));
    }
    let mut config = ExperimentConfig::new();
    let typed = format!("--metric {}", names.join(","));
    config.replace(&typed, "metrics", json!(names));
    config.resolve_metrics(&Registry::known()?)
}

/// Evaluates a run against qrels.
fn evaluate(args: &Evaluate, qrels: &Path) -> Result<Evaluated> {
    let metrics = metrics(&args.metric)?;
    let qrels = Qrels::read(qrels)?;
    let aligned = Run::read(&args.run)?.align(&qrels, args.ties.unwrap_or_default());
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades())?;
    let orders = TieOrders::of(&aligned.scored, qrels.grades());
    let ties = |metric: &dyn Metric| -> gloss_core::Result<Option<Interval>> {
        let Some(orders) = orders
            .as_ref()
            .filter(|_| metric.invariants().measures_relevance)
        else {
            return Ok(None);
        };
        let worst = Evaluation::new(&orders.worst, qrels.grades())?;
        let best = Evaluation::new(&orders.best, qrels.grades())?;
        tie_range(metric.score(&evaluation)?.value(), metric, [&worst, &best])
    };
    let values = metrics
        .iter()
        .map(|metric| {
            Ok(MetricValue {
                metric: metric.label(),
                value: metric.score(&evaluation)?.value(),
                higher_is_better: metric.invariants().higher_is_better,
                interval: None,
                ties: ties(metric.as_ref())?,
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

/// Averages a file of GLoSS's metrics by user.
fn average(args: &Evaluate) -> Result<Evaluated> {
    if args.ties.is_some() {
        let message = "--ties is about a run and its qrels; name the qrels too, or leave it out";
        return Err(Error::Usage(message.into()).into());
    }
    let read = UserValues::from_lines(&args.run)?;
    let known = || read.metrics.iter().map(|(name, _)| name.as_str());
    if let Some(absent) = args
        .metric
        .iter()
        .find(|name| !known().any(|n| n == name.as_str()))
    {
        let known: Vec<_> = known().collect();
        let message = format!("has no metric `{absent}`; it has {}", known.join(", "));
        return Err(Error::input(&args.run, message).into());
    }
    let users = read.users.len();
    let is_wanted = |name: &str| args.metric.is_empty() || args.metric.iter().any(|m| m == name);
    let values = read.metrics.into_iter().filter(|(name, _)| is_wanted(name));
    let values = values.map(|(metric, values)| MetricValue {
        higher_is_better: higher_is_better(&metric),
        metric,
        value: values.iter().sum::<f64>() / users as f64,
        interval: None,
        ties: None,
    });
    Ok(Evaluated {
        users,
        users_missing_from_run: 0,
        users_without_judgements: 0,
        metrics: values.collect(),
    })
}

/// Returns `true` if a higher value of the metric is better, as far as it is one of ours.
pub(super) fn higher_is_better(metric: &str) -> bool {
    let mut config = ExperimentConfig::new();
    config.replace(metric, "metrics", json!([metric]));
    let ours = Registry::known().and_then(|registry| config.resolve_metrics(&registry));
    ours.map_or(true, |metrics| {
        metrics
            .iter()
            .all(|metric| metric.invariants().higher_is_better)
    })
}

fn text(evaluated: &Evaluated, look: Look) -> String {
    let mut table = Table::new(["metric", "value"]);
    for figure in &evaluated.metrics {
        table.row([figure.metric.as_str().into(), Cell::number(figure.value, 6)]);
    }
    let mut text = table.render(look);
    if let Some(line) = ties::line(None, &evaluated.metrics) {
        let _ = write!(text, "\n{line}");
    }
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
