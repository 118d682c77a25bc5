//! Evaluation: metrics of rankings, user segments and confidence intervals.
//!
//! - `files`: the files of a run in which rankings and values by user are written.
//! - `generated`: generated queries in the layout of GLoSS.

mod files;
mod generated;

use std::sync::Arc;

use gloss_core::{
    Data, Error, Evaluation, Example, Hit, IndexStatistic, Metric, Ragged, Result, Scores, Segment,
};

use crate::bootstrap::{Bootstrap, Interval};
use crate::config::{Experiment, Method};
use crate::ranking::RankingOptions;
use crate::results::{MethodResult, MetricValue, SegmentResult};
use crate::split::Split;
use crate::stages::retrieve::Retrieved;
use crate::ties::TieOrders;

pub(crate) use generated::write as write_generated;

/// A method's rankings, and how they were made.
pub(crate) struct Ranked<'a> {
    pub(crate) method: &'a str,
    pub(crate) ranking: &'a RankingOptions,
    /// Statistics of the index.
    pub(crate) statistics: &'a [IndexStatistic],
    /// A ranking for each example, in order.
    pub(crate) rankings: &'a Ragged<Hit>,
}

impl<'a> Ranked<'a> {
    pub(crate) fn new(method: &'a Method, retrieved: &'a Retrieved) -> Self {
        Ranked {
            method: &method.name,
            ranking: &method.ranking,
            statistics: &retrieved.statistics,
            rankings: &retrieved.rankings,
        }
    }
}

/// A metric's label and its values.
type Labelled = (String, Scores);

/// A method's results, and the values of each metric.
pub(crate) struct Evaluated {
    pub(crate) result: MethodResult,
    pub(super) scores: Vec<Labelled>,
}

/// Evaluates methods on the examples of a split.
pub(crate) struct Evaluator<'a> {
    pub(super) data: &'a Data,
    pub(super) examples: &'a [Example],
    pub(super) relevant: Ragged<(u32, f32)>,
    training_counts: Vec<u64>,
    /// The name of each group of users, and its cases' positions.
    segments: Vec<(String, Vec<usize>)>,
    bootstrap: Option<Bootstrap>,
}

impl<'a> Evaluator<'a> {
    /// The evaluator of an experiment, with its segments and confidence intervals.
    pub(crate) fn of(experiment: &Experiment, data: &'a Data) -> Self {
        let mut evaluator = Evaluator::new(data, experiment.split);
        evaluator.bootstrap = experiment.bootstrap.clone();
        let interactions: Vec<usize> = evaluator.interactions().collect();
        let members = |segment: &Segment| {
            let belongs = |at: &usize| segment.contains(interactions[*at]);
            let members = (0..interactions.len()).filter(belongs).collect();
            (segment.name.clone(), members)
        };
        evaluator.segments = experiment.segments.iter().map(members).collect();
        evaluator
    }

    /// The evaluator of all users together, without confidence intervals.
    pub(crate) fn new(data: &'a Data, split: Split) -> Self {
        let examples = split.examples(data);
        let mut relevant = Ragged::with_capacity(examples.len(), examples.len());
        for example in examples {
            relevant.push(
                data.histories
                    .targets(*example)
                    .iter()
                    .map(|item| (*item, 1.0)),
            );
        }
        Evaluator {
            data,
            examples,
            relevant,
            training_counts: data.training_counts(),
            segments: Vec::new(),
            bootstrap: None,
        }
    }

    /// Evaluates one method by all metrics.
    pub(crate) fn evaluate(
        &self,
        ranked: &Ranked<'_>,
        metrics: &[Arc<dyn Metric>],
    ) -> Result<Evaluated> {
        let rankings = items(ranked.rankings);
        let deepest = metrics.iter().filter_map(|metric| metric.cutoff()).max();
        let whole = deepest.unwrap_or(0).min(self.data.catalogue.len());
        let with_fewer = |than: usize| rankings.iter().filter(|r| r.len() < than).count() as u64;
        let without = with_fewer(1);
        let (mut values, scores) =
            self.values(metrics, &rankings, &self.relevant, |at| self.user(at))?;
        self.add_ties(&mut values, metrics, ranked.rankings)?;
        let segments = self.segments.iter().map(|(name, members)| {
            let relevant = selected(&self.relevant, members);
            let user = |at: usize| self.user(members[at]);
            let rankings = selected(&rankings, members);
            let (values, _) = self.values(metrics, &rankings, &relevant, user)?;
            Ok(SegmentResult {
                segment: name.clone(),
                users: members.len() as u64,
                metrics: values,
            })
        });
        Ok(Evaluated {
            result: MethodResult {
                method: ranked.method.to_string(),
                ranking: ranked.ranking.clone(),
                users: self.examples.len() as u64,
                users_without_ranking: without,
                users_with_short_ranking: with_fewer(whole.max(1)) - without,
                index: ranked.statistics.to_vec(),
                metrics: values,
                segments: segments.collect::<Result<_>>()?,
            },
            scores,
        })
    }

    /// The number of interactions of each example's user, equal ones counted as one.
    pub(super) fn interactions(&self) -> impl Iterator<Item = usize> {
        let users = self.examples.iter().map(|example| example.user);
        users.map(|user| self.data.histories.distinct_interactions(user))
    }

    /// The identifier of the user of an example.
    fn user(&self, position: usize) -> &'a str {
        self.data.histories.context(self.examples[position]).user
    }

    /// The values of the metrics over these rankings, and of each ranking by itself.
    fn values(
        &self,
        metrics: &[Arc<dyn Metric>],
        rankings: &Ragged<u32>,
        relevant: &Ragged<(u32, f32)>,
        user: impl Fn(usize) -> &'a str + Copy,
    ) -> Result<(Vec<MetricValue>, Vec<Labelled>)> {
        let evaluation = Evaluation::new(rankings, relevant)?
            .with_catalogue(&self.data.catalogue, &self.training_counts);
        let mut scores = Vec::new();
        for metric in metrics {
            let values = metric.score(&evaluation)?;
            check(metric.as_ref(), &values, rankings.len(), user)?;
            scores.push((metric.label(), values));
        }
        let all = metrics.iter().zip(&scores).zip(self.intervals(&scores));
        let values = all.map(|((metric, (label, values)), interval)| MetricValue {
            metric: label.clone(),
            value: values.value(),
            higher_is_better: metric.invariants().higher_is_better,
            interval,
            ties: None,
        });
        Ok((values.collect(), scores))
    }

    /// Adds the lowest and the highest value over the orders of equal scores.
    fn add_ties(
        &self,
        values: &mut [MetricValue],
        metrics: &[Arc<dyn Metric>],
        rankings: &Ragged<Hit>,
    ) -> Result<()> {
        let mut scored = Ragged::with_capacity(rankings.len(), rankings.values().len());
        for hits in rankings.iter() {
            scored.push(hits.iter().map(|hit| (hit.item, hit.score)));
        }
        let Some(orders) = TieOrders::of(&scored, &self.relevant) else {
            return Ok(());
        };
        let evaluations = [&orders.worst, &orders.best].map(|order| {
            let evaluation = Evaluation::new(order, &self.relevant)?;
            Ok::<_, Error>(evaluation.with_catalogue(&self.data.catalogue, &self.training_counts))
        });
        let [worst, best] = evaluations;
        let (worst, best) = (worst?, best?);
        for (value, metric) in values.iter_mut().zip(metrics) {
            if metric.invariants().measures_relevance {
                value.ties = tie_range(value.value, metric.as_ref(), [&worst, &best])?;
            }
        }
        Ok(())
    }

    /// The confidence interval of each metric that is a mean over users.
    fn intervals(&self, scores: &[Labelled]) -> Vec<Option<Interval>> {
        let Some(bootstrap) = &self.bootstrap else {
            return vec![None; scores.len()];
        };
        let means = scores.iter().filter_map(|(_, scores)| match scores {
            Scores::PerUser(values) => Some(values.as_slice()),
            Scores::Overall(_) => None,
        });
        let mut intervals = bootstrap.intervals(&means.collect::<Vec<_>>()).into_iter();
        let of_each = scores.iter().map(|(_, scores)| match scores {
            Scores::PerUser(_) => intervals.next().flatten(),
            Scores::Overall(_) => None,
        });
        of_each.collect()
    }
}

/// The range of a metric over its value and those of two more orders; none if they are equal.
pub fn tie_range(
    value: f64,
    metric: &dyn Metric,
    orders: [&Evaluation<'_>; 2],
) -> Result<Option<Interval>> {
    let mut range = Interval {
        low: value,
        high: value,
    };
    for order in orders {
        let value = metric.score(order)?.value();
        range.low = range.low.min(value);
        range.high = range.high.max(value);
    }
    Ok((range.low < range.high).then_some(range))
}

/// Returns the lists at these positions.
fn selected<T: Copy>(lists: &Ragged<T>, positions: &[usize]) -> Ragged<T> {
    let mut few = Ragged::with_capacity(positions.len(), 0);
    for position in positions {
        few.push(lists.get(*position).iter().copied());
    }
    few
}

fn items(rankings: &Ragged<Hit>) -> Ragged<u32> {
    let mut items = Ragged::with_capacity(rankings.len(), rankings.values().len());
    for hits in rankings.iter() {
        items.push(hits.iter().map(|hit| hit.item));
    }
    items
}

/// The rounding by which a value may be out of its metric's range.
const ROUNDING: f64 = 1e-9;

/// Checks that a metric's values are as many as there are users, finite, and within its range;
/// `name` gives the identifiers of users.
fn check<'a>(
    metric: &dyn Metric,
    scores: &Scores,
    users: usize,
    name: impl Fn(usize) -> &'a str,
) -> Result<()> {
    let violated = |message: String| {
        Err(Error::component(
            format!("metric {}", metric.label()),
            message,
        ))
    };
    let values = match scores {
        Scores::PerUser(values) if values.len() != users => {
            return violated(format!(
                "returned {} values for {users} users",
                values.len()
            ));
        }
        Scores::PerUser(values) => values.as_slice(),
        Scores::Overall(value) => std::slice::from_ref(value),
    };
    let range = metric.invariants().range;
    let (low, high) = (range.start() - ROUNDING, range.end() + ROUNDING);
    let is_wrong = |value: &f64| !value.is_finite() || !(low..=high).contains(value);
    let Some(position) = values.iter().position(is_wrong) else {
        return Ok(());
    };
    let user = match scores {
        Scores::PerUser(_) => format!(" for user {}", name(position)),
        Scores::Overall(_) => String::new(),
    };
    violated(format!(
        "returned {}{user}; expected a number from {} to {}",
        values[position],
        range.start(),
        range.end()
    ))
}
