//! Figures of a report that are computed from rankings and texts.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Data, Example};
use gloss_engine::{FinishedRun, MethodResult};
use serde_json::Value;

use super::charts::{self, Chart, Line};
use super::users::Shown;

/// All charts.
pub(super) fn charts(
    runs: &[FinishedRun],
    data: &Data,
    examples: &[Example],
    methods: &[Shown],
    cache: &Path,
) -> Result<Vec<Chart>> {
    let mut all = Vec::new();
    all.extend(segments(runs)?);
    all.push(hit_ranks(data, examples, methods)?);
    all.push(popularity(data, methods)?);
    all.extend(calibration(data, examples, methods)?);
    all.extend(losses(runs, cache)?);
    let audit = &runs[0].results.audit;
    all.push(history_lengths(&audit.history_lengths)?);
    let catalogue = Line {
        name: "interactions".to_string(),
        points: audit.popularity.clone(),
    };
    let titles = [
        "share of items, most popular first",
        "share of interactions",
    ];
    all.push(charts::lines(
        "catalogue",
        "Popularity of the catalogue",
        titles,
        &[catalogue],
    )?);
    Ok(all)
}

/// The first metric on each user segment.
fn segments(runs: &[FinishedRun]) -> Result<Option<Chart>> {
    let first = &runs[0].results.methods[0];
    if first.segments.is_empty() {
        return Ok(None);
    }
    let groups: Vec<String> = first
        .segments
        .iter()
        .map(|segment| segment.segment.clone())
        .collect();
    let metric = &first.metrics[0].metric;
    // A run with other segments or metrics has no bars here.
    let values = |method: &MethodResult| -> Option<Vec<f64>> {
        let of = |group: &String| {
            let segment = method
                .segments
                .iter()
                .find(|segment| segment.segment == *group)?;
            let value = segment
                .metrics
                .iter()
                .find(|value| value.metric == *metric)?;
            Some(value.value)
        };
        groups.iter().map(of).collect()
    };
    let methods = runs.iter().flat_map(|run| &run.results.methods);
    let series = methods.filter_map(|method| Some((method.method.clone(), values(method)?)));
    let series: Vec<(String, Vec<f64>)> = series.collect();
    Ok(Some(charts::bars(
        "segments",
        "User segments",
        metric,
        &groups,
        &series,
    )?))
}

/// The share of users whose first target is within each rank.
fn hit_ranks(data: &Data, examples: &[Example], methods: &[Shown]) -> Result<Chart> {
    let depth = |shown: &Shown| shown.method.rankings.iter().map(<[_]>::len).max();
    let depth = methods.iter().filter_map(depth).min().unwrap_or(0);
    let line = |shown: &Shown| {
        let mut hits = vec![0_u32; depth + 1];
        for (ranking, example) in shown.method.rankings.iter().zip(examples) {
            let targets = data.histories.targets(*example);
            if let Some(rank) = ranking
                .iter()
                .take(depth)
                .position(|(item, _)| targets.contains(item))
            {
                hits[rank + 1] += 1;
            }
        }
        let users = examples.len().max(1) as f64;
        let cumulated = hits.iter().scan(0, |sum, count| {
            *sum += count;
            Some(f64::from(*sum) / users)
        });
        Line {
            name: shown.name.clone(),
            points: (0..).map(f64::from).zip(cumulated).collect(),
        }
    };
    let lines: Vec<Line> = methods.iter().map(line).collect();
    charts::lines(
        "hit-ranks",
        "Users with a target within a rank",
        ["rank", "share of users"],
        &lines,
    )
}

/// The share of recommendations that go to each tenth of the items, most popular first.
fn popularity(data: &Data, methods: &[Shown]) -> Result<Chart> {
    let counts = data.training_counts();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|item| std::cmp::Reverse(counts[*item]));
    let mut tenth = vec![0; order.len()];
    for (rank, item) in order.into_iter().enumerate() {
        tenth[item] = rank * 10 / tenth.len();
    }
    let share = |shown: &Shown| {
        let items = shown.method.rankings.values();
        let mut shares = vec![0.0; 10];
        for (item, _) in items {
            shares[tenth[*item as usize]] += 1.0 / items.len() as f64;
        }
        (shown.name.clone(), shares)
    };
    let groups: Vec<String> = (1..=10).map(|at| format!("{} %", at * 10)).collect();
    let series: Vec<_> = methods.iter().map(share).collect();
    let title = "Recommendations by popularity of the item";
    charts::bars(
        "popularity",
        title,
        "share of recommendations",
        &groups,
        &series,
    )
}

/// The number of bins of a calibration.
const BINS: usize = 10;

/// The share of texts that are a target's, by the probability of the text, in ten equal groups.
fn calibration(data: &Data, examples: &[Example], methods: &[Shown]) -> Result<Option<Chart>> {
    let mut lines = Vec::new();
    for shown in methods {
        let mut scored: Vec<(f64, bool)> = Vec::new();
        let texts = shown
            .method
            .texts
            .iter()
            .zip(&shown.method.log_probabilities);
        for ((texts, probabilities), example) in texts.zip(examples) {
            let targets = data.histories.targets(*example).iter();
            let targets: Vec<&str> = targets
                .map(|item| data.catalogue.item(*item).text.as_str())
                .collect();
            let both = texts.iter().zip(probabilities);
            scored.extend(
                both.map(|(text, p)| (f64::from(*p).exp(), targets.contains(&text.as_str()))),
            );
        }
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        let are_probabilities = scored.iter().all(|(p, _)| *p <= 1.0);
        let is_constant = scored.first().map(|of| of.0) == scored.last().map(|of| of.0);
        if scored.len() < BINS || is_constant || !are_probabilities {
            continue;
        }
        let bin = |bin: &[(f64, bool)]| {
            let size = bin.len() as f64;
            let hits = bin.iter().filter(|(_, hit)| *hit).count() as f64;
            (bin.iter().map(|(p, _)| p).sum::<f64>() / size, hits / size)
        };
        lines.push(Line {
            name: shown.name.clone(),
            points: scored
                .chunks(scored.len().div_ceil(BINS))
                .map(bin)
                .collect(),
        });
    }
    let titles = ["probability of the text", "share that is the target"];
    match lines.is_empty() {
        true => Ok(None),
        false => Ok(Some(charts::lines(
            "calibration",
            "Calibration of generated texts",
            titles,
            &lines,
        )?)),
    }
}

/// The losses of trainings that the cache still has.
fn losses(runs: &[FinishedRun], cache: &Path) -> Result<Option<Chart>> {
    let mut lines = Vec::new();
    for stage in runs
        .iter()
        .flat_map(|run| &run.manifest.stages)
        .filter(|stage| stage.stage == "train")
    {
        let path = cache
            .join("train")
            .join(&stage.artefact)
            .join("metrics.jsonl");
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let rows: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let method = stage.method.clone().unwrap_or_default();
        for (key, name) in [("loss", "training"), ("validation_loss", "validation")] {
            let points = rows
                .iter()
                .filter_map(|row| Some((row["step"].as_f64()?, row[key].as_f64()?)));
            let points: Vec<(f64, f64)> = points.collect();
            if !points.is_empty() {
                lines.push(Line {
                    name: format!("{method}: {name}"),
                    points,
                });
            }
        }
    }
    match lines.is_empty() {
        true => Ok(None),
        false => Ok(Some(charts::lines(
            "loss",
            "Training",
            ["step", "loss"],
            &lines,
        )?)),
    }
}

/// The longest history that has a bar of its own.
const LONGEST: u64 = 30;

fn history_lengths(lengths: &[(u64, u64)]) -> Result<Chart> {
    let shortest = lengths
        .first()
        .map_or(1, |(length, _)| *length)
        .min(LONGEST);
    let mut counts = vec![0.0; (LONGEST - shortest + 1) as usize];
    for (length, users) in lengths {
        counts[((*length).min(LONGEST) - shortest) as usize] += *users as f64;
    }
    let label = |length: u64| {
        if length == LONGEST {
            format!("{length}+")
        } else {
            length.to_string()
        }
    };
    let groups: Vec<String> = (shortest..=LONGEST).map(label).collect();
    charts::bars(
        "histories",
        "Length of histories",
        "users",
        &groups,
        &[("users".to_string(), counts)],
    )
}

/// Figures on the texts of a method.
pub(super) struct TextFigures {
    /// The share of texts that are an item's to the letter.
    pub(super) items: f64,
    /// The mean number of texts of a user.
    pub(super) texts: f64,
    /// The mean number of different ones.
    pub(super) different: f64,
    /// The mean number of different items in a ranking.
    pub(super) ranked: f64,
}

/// The figures on the texts of a method; none if it has no texts.
pub(super) fn text_figures(data: &Data, shown: &Shown) -> Option<TextFigures> {
    let texts = &shown.method.texts;
    let all = texts.iter().map(Vec::len).sum::<usize>();
    if all == 0 {
        return None;
    }
    let known: HashSet<&str> = data
        .catalogue
        .items()
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    let items = texts
        .iter()
        .flatten()
        .filter(|text| known.contains(text.as_str()))
        .count();
    let different = texts
        .iter()
        .map(|texts| texts.iter().collect::<HashSet<_>>().len())
        .sum::<usize>();
    let users = texts.len() as f64;
    Some(TextFigures {
        items: items as f64 / all as f64,
        texts: all as f64 / users,
        different: different as f64 / users,
        ranked: shown.method.rankings.values().len() as f64 / users,
    })
}
