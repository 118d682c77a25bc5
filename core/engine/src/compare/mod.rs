//! Comparison of methods on the same users: paired tests, intervals, effect sizes.
//!
//! - `competitor`: the methods to compare, from finished runs and other tools' files.
//! - `statistics`: the tests.

mod competitor;
pub mod statistics;
#[cfg(test)]
mod tests;

use gloss_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Interval};
use crate::ranking::Seen;
pub use competitor::{Competitor, MethodValues};
pub use statistics::PValues;
use statistics::{deviation, effect_size, half_width, holm, mean};

/// Options of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareOptions {
    /// The name of the method that all others are compared with; the first by default.
    pub baseline: Option<String>,
    /// The metrics to compare; all that every method has by default.
    pub metrics: Vec<String>,
    /// Compares methods that exclude seen items with methods that keep them.
    pub mixed_seen: bool,
    /// Tests every method with every other one, too.
    pub all_pairs: bool,
    /// The bootstrap of the differences, whose number of resamples and seed are those of the
    /// randomisation test, too.
    pub bootstrap: Bootstrap,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            baseline: None,
            metrics: Vec::new(),
            mixed_seen: false,
            all_pairs: false,
            bootstrap: Bootstrap {
                resamples: 10_000,
                ..Bootstrap::default()
            },
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The method that all others are compared with.
    pub baseline: String,
    /// The metrics that every method has.
    pub metrics: Vec<String>,
    /// The metrics that only some have.
    pub other_metrics: Vec<String>,
    /// The metrics that are not means over users and cannot be tested; empty if the options name the
    /// metrics.
    pub overall_metrics: Vec<String>,
    /// The number of users.
    pub users: u64,
    /// The confidence level of intervals.
    pub confidence: f64,
    /// A row for each method.
    pub rows: Vec<Row>,
    /// The same on each user segment: its name, its number of users, its rows.
    pub segments: Vec<(String, u64, Vec<Row>)>,
    /// The differences of all pairs of methods, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
}

/// The difference of two methods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The method whose values are those that the other's are taken from.
    pub first: String,
    /// The other method.
    pub second: String,
    /// The metric.
    pub metric: String,
    /// The first less the second; corrected for all pairs and metrics.
    pub difference: Difference,
}

/// A method in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name.
    pub method: String,
    /// The policy for seen items, if it is known.
    pub seen: Option<Seen>,
    /// The number of runs, each with another seed, of which the values are means.
    pub seeds: u64,
    /// The value of each metric.
    pub values: Vec<Value>,
}

/// The value of a metric in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The metric.
    pub metric: String,
    /// True if a higher value is better.
    pub higher_is_better: bool,
    /// The mean over users and seeds.
    pub mean: f64,
    /// The standard deviation over seeds; 0 of one seed.
    pub deviation: f64,
    /// Half the width of the confidence interval of the mean over seeds, by Student's t; 0 of one
    /// seed.
    pub half_width: f64,
    /// The difference from the baseline; none for the baseline itself.
    pub difference: Option<Difference>,
}

/// A method's difference from the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The mean difference over users.
    pub mean: f64,
    /// Its bootstrap confidence interval.
    pub interval: Interval,
    /// Cohen's d of the paired differences.
    pub effect_size: f64,
    /// The users for whom the method is better.
    pub wins: u64,
    /// The users for whom it is worse.
    pub losses: u64,
    /// The p-values.
    pub p: PValues,
    /// The p-values after Holm's correction for all methods and metrics.
    pub corrected: PValues,
}

/// Compares methods on the users that all of them have.
///
/// # Errors
/// [`Error::Usage`] if they are not comparable, saying what differs.
pub fn compare(competitors: &[Competitor], options: &CompareOptions) -> Result<Comparison> {
    competitor::check(competitors, options.mixed_seen)?;
    let baseline = find_baseline(competitors, options)?;
    let overall_metrics = competitor::overall_metrics(competitors);
    let wanted = |metric: &&String| options.metrics.contains(metric);
    if let Some(metric) = overall_metrics.iter().find(wanted) {
        let message = format!("`{metric}` is not a mean over users and cannot be tested");
        return Err(Error::Usage(message));
    }
    let (metrics, other_metrics) = metrics(competitors, options)?;
    let aligned: Vec<Aligned> = competitors
        .iter()
        .map(|competitor| Aligned::new(competitor, &competitors[baseline], &metrics))
        .collect();
    let users = competitors[baseline].users();
    let all: Vec<usize> = (0..users.len()).collect();
    let segments = competitors[baseline].segments();
    let segments = segments.into_iter().map(|(name, members)| {
        let rows = rows(&aligned, baseline, &members, options);
        (name, members.len() as u64, rows)
    });
    Ok(Comparison {
        baseline: competitors[baseline].name.clone(),
        users: users.len() as u64,
        confidence: options.bootstrap.confidence,
        rows: rows(&aligned, baseline, &all, options),
        segments: segments.collect(),
        pairs: match options.all_pairs {
            true => pairs(&aligned, &options.bootstrap),
            false => Vec::new(),
        },
        metrics,
        other_metrics,
        overall_metrics: match options.metrics.is_empty() {
            true => overall_metrics,
            false => Vec::new(),
        },
    })
}

fn find_baseline(competitors: &[Competitor], options: &CompareOptions) -> Result<usize> {
    let Some(name) = &options.baseline else {
        return Ok(0);
    };
    let found = competitors.iter().position(|other| other.name == *name);
    found.ok_or_else(|| {
        let names = competitors.iter().map(|other| format!("`{}`", other.name));
        let names: Vec<String> = names.collect();
        Error::Usage(format!(
            "no method is named `{name}`; the methods are {}",
            names.join(", ")
        ))
    })
}

/// The metrics to compare, and those that are left out since only some have them.
fn metrics(
    competitors: &[Competitor],
    options: &CompareOptions,
) -> Result<(Vec<String>, Vec<String>)> {
    let mut names: Vec<&str> = Vec::new();
    for name in competitors.iter().flat_map(Competitor::metrics) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let everywhere = |name: &&str| {
        competitors
            .iter()
            .all(|other| other.metrics().any(|n| n == *name))
    };
    let (common, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| everywhere(name));
    let wanted =
        |name: &str| options.metrics.is_empty() || options.metrics.iter().any(|m| m == name);
    if let Some(absent) = options
        .metrics
        .iter()
        .find(|name| !common.contains(&name.as_str()))
    {
        let message = format!(
            "not every method has the metric `{absent}`; all have {}",
            common.join(", ")
        );
        return Err(Error::Usage(message));
    }
    if common.is_empty() {
        let message = format!(
            "no metric is in all methods; there are {}",
            names.join(", ")
        );
        return Err(Error::Usage(message));
    }
    let owned = |names: Vec<&str>| {
        names
            .into_iter()
            .filter(|name| wanted(name))
            .map(str::to_string)
            .collect()
    };
    Ok((owned(common), owned(others)))
}

/// A competitor's values in the order of the baseline's users.
struct Aligned<'a> {
    competitor: &'a Competitor,
    metrics: Vec<AlignedMetric>,
}

struct AlignedMetric {
    name: String,
    higher_is_better: bool,
    /// For each seed, a value for each user.
    by_seed: Vec<Vec<f64>>,
    /// For each user, the mean over seeds.
    mean: Vec<f64>,
}

impl<'a> Aligned<'a> {
    fn new(competitor: &'a Competitor, baseline: &Competitor, metrics: &[String]) -> Self {
        let aligned = |name: &String| {
            let by_seed = competitor.values(name, baseline.users());
            let seeds = by_seed.len() as f64;
            let users = 0..baseline.users().len();
            let mean = users.map(|user| by_seed.iter().map(|of| of[user]).sum::<f64>() / seeds);
            AlignedMetric {
                name: name.clone(),
                higher_is_better: competitor.higher_is_better(name),
                mean: mean.collect(),
                by_seed,
            }
        };
        Aligned {
            competitor,
            metrics: metrics.iter().map(aligned).collect(),
        }
    }
}

/// The rows of all methods on the users at these positions, their p-values corrected as one family.
fn rows(
    all: &[Aligned<'_>],
    baseline: usize,
    members: &[usize],
    options: &CompareOptions,
) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..all.len())
        .map(|at| Row {
            method: all[at].competitor.name.clone(),
            seen: all[at].competitor.seen(),
            seeds: all[at].competitor.seeds(),
            values: values(
                &all[at],
                (at != baseline).then_some(&all[baseline]),
                members,
                options,
            ),
        })
        .collect();
    let differences = || {
        rows.iter()
            .flat_map(|row| &row.values)
            .filter_map(|value| value.difference.as_ref())
    };
    let corrected = holm(
        &differences()
            .map(|difference| difference.p)
            .collect::<Vec<_>>(),
    );
    let differences = rows.iter_mut().flat_map(|row| &mut row.values);
    let differences = differences.filter_map(|value| value.difference.as_mut());
    for (difference, corrected) in differences.zip(corrected) {
        difference.corrected = corrected;
    }
    rows
}

/// The differences of all pairs, their p-values corrected as one family.
fn pairs(all: &[Aligned<'_>], bootstrap: &Bootstrap) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (at, first) in all.iter().enumerate() {
        for second in &all[at + 1..] {
            for (own, other) in first.metrics.iter().zip(&second.metrics) {
                let values = own.mean.iter().zip(&other.mean);
                let differences: Vec<f64> = values.map(|(own, other)| own - other).collect();
                pairs.push(Pair {
                    first: first.competitor.name.clone(),
                    second: second.competitor.name.clone(),
                    metric: own.name.clone(),
                    difference: difference(&differences, own.higher_is_better, bootstrap),
                });
            }
        }
    }
    let family: Vec<PValues> = pairs.iter().map(|pair| pair.difference.p).collect();
    for (pair, corrected) in pairs.iter_mut().zip(holm(&family)) {
        pair.difference.corrected = corrected;
    }
    pairs
}

fn values(
    own: &Aligned<'_>,
    baseline: Option<&Aligned<'_>>,
    members: &[usize],
    options: &CompareOptions,
) -> Vec<Value> {
    let of_members = |values: &[f64]| {
        members
            .iter()
            .map(|user| values[*user])
            .collect::<Vec<f64>>()
    };
    let value = |at: usize| {
        let metric = &own.metrics[at];
        let seeds = metric.by_seed.iter();
        let seeds: Vec<f64> = seeds.map(|values| mean(&of_members(values))).collect();
        let difference = baseline.map(|baseline| {
            let pairs = of_members(&metric.mean)
                .into_iter()
                .zip(of_members(&baseline.metrics[at].mean));
            let differences: Vec<f64> = pairs.map(|(own, other)| own - other).collect();
            difference(&differences, metric.higher_is_better, &options.bootstrap)
        });
        Value {
            metric: metric.name.clone(),
            higher_is_better: metric.higher_is_better,
            mean: mean(&seeds),
            deviation: deviation(&seeds),
            half_width: half_width(&seeds, options.bootstrap.confidence),
            difference,
        }
    };
    (0..own.metrics.len()).map(value).collect()
}

fn difference(differences: &[f64], higher_is_better: bool, bootstrap: &Bootstrap) -> Difference {
    let count = |better: bool| {
        let wanted = |d: &&f64| (**d > 0.0) == (better == higher_is_better) && **d != 0.0;
        differences.iter().filter(wanted).count() as u64
    };
    let Bootstrap {
        resamples,
        confidence,
        seed,
    } = *bootstrap;
    let (low, high) = statistics::bootstrap(differences, resamples, confidence, seed);
    let p = PValues::of(differences, resamples, seed);
    Difference {
        mean: mean(differences),
        interval: Interval { low, high },
        effect_size: effect_size(differences),
        wins: count(true),
        losses: count(false),
        p,
        corrected: p,
    }
}
