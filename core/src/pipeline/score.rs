//! The fifth stage: rankings become figures.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::index::Indexed;
use super::retrieve::Retrieved;
use crate::config::folder_name;
use crate::store::create_folder;
use crate::tables;
use crate::{
    Bootstrap, Case, Data, Error, Evaluation, Experiment, Hit, Interval, Lists, Method, Metric,
    Ranking, Remark, Result, Scores, Segment, Split, trec,
};

/// A metric's figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The metric's label, such as `recall@5`.
    pub metric: String,
    /// The mean over users, or the overall value.
    pub value: f64,
    /// Whether a higher value is better.
    pub higher_is_better: bool,
    /// Where the value may be, if intervals were asked for and it is a mean over users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// What came out for one method and a group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentResult {
    /// The group's name.
    pub segment: String,
    /// How many users it has.
    pub users: u64,
    /// A figure for each metric, in the experiment's order.
    pub figures: Vec<Figure>,
}

/// What came out for one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// The method's name.
    pub method: String,
    /// How its rankings were made.
    pub ranking: Ranking,
    /// How many users it was judged on.
    pub users: u64,
    /// How many of them got no ranking; they score 0.
    pub users_without_ranking: u64,
    /// How many got a ranking of fewer items than the deepest metric reads and the catalogue has.
    #[serde(default)]
    pub users_with_short_ranking: u64,
    /// What its index tells of itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<Remark>,
    /// A figure for each metric, in the experiment's order.
    pub figures: Vec<Figure>,
    /// The figures of each group of users, in the experiment's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentResult>,
}

/// A method's rankings, and how they were made.
pub(crate) struct Ranked<'a> {
    pub(crate) method: &'a str,
    pub(crate) ranking: &'a Ranking,
    /// What the index tells of itself.
    pub(crate) remarks: Vec<Remark>,
    /// A ranking for each case, in order.
    pub(crate) rankings: &'a Lists<Hit>,
}

impl<'a> Ranked<'a> {
    pub(crate) fn new(
        method: &'a Method,
        indexed: Option<&Indexed<'_>>,
        retrieved: &'a Retrieved,
    ) -> Self {
        Ranked {
            method: &method.name,
            ranking: &method.ranking,
            remarks: indexed.map_or_else(Vec::new, |indexed| indexed.index.remarks()),
            rankings: &retrieved.rankings,
        }
    }
}

/// A metric's label, and its values.
type Labelled = (String, Scores);

/// A method's scores, user by user.
pub(crate) struct Scored {
    pub(crate) result: MethodResult,
    scores: Vec<Labelled>,
}

/// What all methods of an experiment are judged on.
pub(crate) struct Judge<'a> {
    data: &'a Data,
    cases: &'a [Case],
    relevant: Lists<(u32, f32)>,
    training_counts: Vec<u64>,
    /// The name of each group of users, and its cases' positions.
    segments: Vec<(String, Vec<usize>)>,
    bootstrap: Option<Bootstrap>,
}

impl<'a> Judge<'a> {
    /// The judge of what an experiment runs for.
    pub(crate) fn of(experiment: &Experiment, data: &'a Data) -> Self {
        let mut judge = Judge::new(data, experiment.split);
        judge.bootstrap = experiment.bootstrap.clone();
        let interactions = judge
            .cases
            .iter()
            .map(|case| data.histories.distinct(case.user));
        let interactions: Vec<usize> = interactions.collect();
        let members = |segment: &Segment| {
            let held = |at: &usize| segment.holds(interactions[*at]);
            let members = (0..interactions.len()).filter(held).collect();
            (segment.name.clone(), members)
        };
        judge.segments = experiment.segments.iter().map(members).collect();
        judge
    }

    /// The judge of all users together, without intervals.
    pub(crate) fn new(data: &'a Data, split: Split) -> Self {
        let cases = data.cases(split);
        let mut relevant = Lists::with_capacity(cases.len(), cases.len());
        for case in cases {
            relevant.push(
                data.histories
                    .targets(*case)
                    .iter()
                    .map(|item| (*item, 1.0)),
            );
        }
        Judge {
            data,
            cases,
            relevant,
            training_counts: data.training_counts(),
            segments: Vec::new(),
            bootstrap: None,
        }
    }

    /// Scores one method by all metrics.
    pub(crate) fn score(&self, ranked: &Ranked<'_>, metrics: &[Arc<dyn Metric>]) -> Result<Scored> {
        let rankings = items(ranked.rankings);
        let deepest = metrics.iter().filter_map(|metric| metric.cutoff()).max();
        let whole = deepest.unwrap_or(0).min(self.data.catalogue.len());
        let with_fewer = |than: usize| rankings.iter().filter(|r| r.len() < than).count() as u64;
        let without = with_fewer(1);
        let (figures, scores) = self.figures(metrics, &rankings, &self.relevant)?;
        let segments = self.segments.iter().map(|(name, members)| {
            let relevant = selected(&self.relevant, members);
            let (figures, _) = self.figures(metrics, &selected(&rankings, members), &relevant)?;
            Ok(SegmentResult {
                segment: name.clone(),
                users: members.len() as u64,
                figures,
            })
        });
        Ok(Scored {
            result: MethodResult {
                method: ranked.method.to_string(),
                ranking: ranked.ranking.clone(),
                users: self.cases.len() as u64,
                users_without_ranking: without,
                users_with_short_ranking: with_fewer(whole.max(1)) - without,
                index: ranked.remarks.clone(),
                figures,
                segments: segments.collect::<Result<_>>()?,
            },
            scores,
        })
    }

    /// What the metrics say of these rankings, and of each by itself.
    fn figures(
        &self,
        metrics: &[Arc<dyn Metric>],
        rankings: &Lists<u32>,
        relevant: &Lists<(u32, f32)>,
    ) -> Result<(Vec<Figure>, Vec<Labelled>)> {
        let evaluation = Evaluation::new(rankings, relevant)?
            .with_catalogue(&self.data.catalogue, &self.training_counts);
        let mut scores = Vec::new();
        for metric in metrics {
            let values = metric.score(&evaluation)?;
            check(metric.as_ref(), &values, rankings.len())?;
            scores.push((metric.label(), values));
        }
        let told = metrics.iter().zip(&scores).zip(self.intervals(&scores));
        let figures = told.map(|((metric, (label, values)), interval)| Figure {
            metric: label.clone(),
            value: values.value(),
            higher_is_better: metric.laws().higher_is_better,
            interval,
        });
        Ok((figures.collect(), scores))
    }

    /// The interval of each metric that is a mean over users.
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

    /// Scores one method, writes its files into `folder`, and gives its figures.
    pub(crate) fn judge(
        &self,
        ranked: &Ranked<'_>,
        metrics: &[Arc<dyn Metric>],
        folder: &Path,
    ) -> Result<MethodResult> {
        let scored = self.score(ranked, metrics)?;
        self.write_method(&scored, ranked.rankings, folder)?;
        Ok(scored.result)
    }

    /// The identifier of each case's user, in order.
    fn users(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.cases
            .iter()
            .map(|case| self.data.histories.seen(*case).user)
    }

    /// Writes the relevant items of all users.
    pub(crate) fn write_qrels(&self, path: &Path) -> Result<()> {
        let rows = self
            .users()
            .zip(self.relevant.iter())
            .flat_map(|(user, relevant)| {
                relevant
                    .iter()
                    .map(move |(item, _)| (user, self.id(*item), 1))
            });
        trec::write_qrels(path, rows)
    }

    /// Writes a method's rankings (`run.trec`) and its scores user by user (`per-user.parquet`,
    /// and `per-user.jsonl` in the layout of GLoSS) into `folder`.
    fn write_method(&self, scored: &Scored, rankings: &Lists<Hit>, folder: &Path) -> Result<()> {
        create_folder(folder)?;
        let rows = self.users().zip(rankings.iter()).flat_map(|(user, hits)| {
            hits.iter()
                .zip(falling(hits))
                .map(move |(hit, score)| (user, self.id(hit.item), score))
        });
        let tag = folder_name(&scored.result.method);
        trec::write_run(&folder.join("run.trec"), &tag, rows)?;
        let per_user = || {
            scored
                .scores
                .iter()
                .filter_map(|(label, scores)| match scores {
                    Scores::PerUser(values) => Some((label, values)),
                    Scores::Overall(_) => None,
                })
        };
        let mut columns = vec![("user".to_string(), tables::text(self.users().map(Some)))];
        columns.extend(
            per_user()
                .map(|(label, values)| (label.clone(), tables::float64(values.iter().copied()))),
        );
        tables::write(&folder.join("per-user.parquet"), columns)?;
        self.write_lines(
            &per_user().collect::<Vec<_>>(),
            &folder.join("per-user.jsonl"),
        )
    }

    fn write_lines(&self, scores: &[(&String, &Vec<f64>)], path: &Path) -> Result<()> {
        let failed = |error| Error::io("write", path)(error);
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        for (index, user) in self.users().enumerate() {
            let mut line = Map::new();
            line.insert("reviewer_id".into(), user.into());
            for (label, values) in scores {
                line.insert((*label).clone(), values[index].into());
            }
            writeln!(file, "{}", Value::Object(line)).map_err(failed)?;
        }
        file.flush().map_err(failed)
    }

    fn id(&self, item: u32) -> &'a str {
        &self.data.catalogue.item(item).id
    }
}

/// The lists at these positions.
fn selected<T: Copy>(lists: &Lists<T>, positions: &[usize]) -> Lists<T> {
    let mut few = Lists::with_capacity(positions.len(), 0);
    for position in positions {
        few.push(lists.get(*position).iter().copied());
    }
    few
}

fn items(rankings: &Lists<Hit>) -> Lists<u32> {
    let mut items = Lists::with_capacity(rankings.len(), rankings.values().len());
    for hits in rankings.iter() {
        items.push(hits.iter().map(|hit| hit.item));
    }
    items
}

/// The hits' scores, equal ones set apart by the least amount there is, so that every tool that
/// reads them ranks as gloss does.
fn falling(hits: &[Hit]) -> impl Iterator<Item = f32> {
    hits.iter().scan(f32::INFINITY, |last, hit| {
        *last = hit.score.min(last.next_down());
        Some(*last)
    })
}

/// Holds a metric's values against its laws.
fn check(metric: &dyn Metric, scores: &Scores, users: usize) -> Result<()> {
    let broken = |message: String| {
        Err(Error::component(
            format!("metric {}", metric.label()),
            message,
        ))
    };
    let values = match scores {
        Scores::PerUser(values) if values.len() != users => {
            return broken(format!("gave {} values for {users} users", values.len()));
        }
        Scores::PerUser(values) => values.as_slice(),
        Scores::Overall(value) => std::slice::from_ref(value),
    };
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => broken(format!("gave {value}")),
        None => Ok(()),
    }
}

impl Experiment {
    /// The folder, below the run's, of a method's own files: the run's itself if there is but one.
    pub(crate) fn method_folder(&self, run: &Path, method: &str) -> std::path::PathBuf {
        match self.methods.len() + self.fusions.len() {
            1 => run.to_path_buf(),
            _ => run.join(folder_name(method)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_scores_fall_strictly_and_hardly_move() {
        let hits: Vec<Hit> = [2.5, 2.5, 2.5, 1.0, 0.0, 0.0, -1.0]
            .iter()
            .map(|score| Hit {
                item: 0,
                score: *score,
            })
            .collect();
        let written: Vec<f32> = falling(&hits).collect();
        assert!(
            written.windows(2).all(|pair| pair[0] > pair[1]),
            "{written:?}"
        );
        assert!(
            written
                .iter()
                .zip(&hits)
                .all(|(w, hit)| (w - hit.score).abs() < 1e-6)
        );
    }
}
