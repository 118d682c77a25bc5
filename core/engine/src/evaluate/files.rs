//! The files of a run in which relevant items, rankings and values by user are written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use gloss_core::{Error, Hit, Metric, Ragged, Result, Scores};
use serde_json::{Map, Value};

use super::{Evaluated, Evaluator, Ranked};
use crate::files::create_folder;
use crate::results::MethodResult;
use crate::run_files::{RANKINGS, VALUES_LINES, VALUES_TABLE, folder_name};
use crate::{tables, trec};

impl<'a> Evaluator<'a> {
    /// Evaluates one method, writes its files into `folder`, and returns its results.
    pub(crate) fn evaluate_into(
        &self,
        ranked: &Ranked<'_>,
        metrics: &[Arc<dyn Metric>],
        folder: &Path,
    ) -> Result<MethodResult> {
        let evaluated = self.evaluate(ranked, metrics)?;
        self.write_method(&evaluated, ranked.rankings, folder)?;
        Ok(evaluated.result)
    }

    /// The identifier of each case's user, in order.
    fn users(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.examples
            .iter()
            .map(|example| self.data.histories.context(*example).user)
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

    /// Writes a method's rankings (`run.trec`) and its values by user (`per-user.parquet`, with
    /// the number of their interactions, and `per-user.jsonl` in the layout of GLoSS) into `folder`.
    fn write_method(
        &self,
        evaluated: &Evaluated,
        rankings: &Ragged<Hit>,
        folder: &Path,
    ) -> Result<()> {
        create_folder(folder)?;
        let rows = self.users().zip(rankings.iter()).flat_map(|(user, hits)| {
            hits.iter()
                .zip(falling(hits))
                .map(move |(hit, score)| (user, self.id(hit.item), score))
        });
        let tag = folder_name(&evaluated.result.method);
        trec::write_run(&folder.join(RANKINGS), &tag, rows)?;
        let per_user = || {
            evaluated
                .scores
                .iter()
                .filter_map(|(label, scores)| match scores {
                    Scores::PerUser(values) => Some((label, values)),
                    Scores::Overall(_) => None,
                })
        };
        let mut columns = vec![("user".to_string(), tables::text(self.users().map(Some)))];
        let interactions = self.interactions().map(|count| count as u32);
        columns.push(("interactions".to_string(), tables::uint32(interactions)));
        columns.extend(
            per_user()
                .map(|(label, values)| (label.clone(), tables::float64(values.iter().copied()))),
        );
        tables::write(&folder.join(VALUES_TABLE), columns)?;
        self.write_lines(&per_user().collect::<Vec<_>>(), &folder.join(VALUES_LINES))
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

/// Returns the scores of hits, equal ones decreased by the smallest amount possible, so that every tool
/// that reads them ranks as gloss does.
fn falling(hits: &[Hit]) -> impl Iterator<Item = f32> {
    hits.iter().scan(f32::INFINITY, |last, hit| {
        *last = hit.score.min(last.next_down());
        Some(*last)
    })
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
