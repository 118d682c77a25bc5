//! Runs (rankings) and qrels (relevance judgements) in the format of TREC, as ranx, trec_eval and
//! most tools of information retrieval read and write them.
//!
//! A run has six columns, `user Q0 item rank score tag`, of which the second, the rank and the tag
//! are not looked at: the score decides. Qrels have four, `user 0 item grade`. Columns are separated
//! by white space; a user's rows need not stand together; empty lines are skipped.
//!
//! Files whose names end in `.json` are read as ranx writes them: an object of users, each an object
//! of items with their scores or grades.

mod ids;
mod json;
mod read;
mod write;

use std::cmp::Ordering;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use gloss_core::{Ragged, Result};

pub use ids::Ids;
pub use write::{write_qrels, write_run};

/// The rule for a user's items with equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// By score in double precision, equal ones in the order of the file. So does ranx for users of
    /// up to 15 items; the order in which it ranks equal scores of longer lists is an accident of
    /// its sort.
    #[default]
    File,
    /// By score in single precision, equal ones by item id, last in the alphabet (byte by byte)
    /// first. So does trec_eval up to version 9, and pytrec_eval and ir-measures with it; version 10
    /// compares scores in double precision.
    TrecEval,
}

/// Scored items per user.
#[derive(Debug, Clone)]
pub struct Run {
    users: Ids,
    items: Ids,
    scores: Ragged<(u32, f64)>,
}

/// Graded items per user.
#[derive(Debug, Clone)]
pub struct Qrels {
    users: Ids,
    items: Ids,
    grades: Ragged<(u32, f32)>,
}

/// A run, arranged for its evaluation by qrels.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// For each user of the qrels, in their order, the items of the run, best first. Numbers below
    /// [`Qrels::items`]`().len()` are the qrels' items, others are items that no one judged.
    pub rankings: Ragged<u32>,
    /// The same with scores, in the precision in which the rule for equal scores compares them.
    pub scored: Ragged<(u32, f64)>,
    /// The users of the qrels that the run misses, by their number there. Their rankings are empty,
    /// so that all metrics of agreement are 0 for them, as in ranx with `make_comparable` and in
    /// trec_eval with `-c`.
    pub missing: Vec<u32>,
    /// The number of users of the run that are not in the qrels. They are left out.
    pub ignored: usize,
}

impl Run {
    /// Reads a run.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or not UTF-8, or has a line with another number of columns,
    /// a score that is not a finite number, or an item that the user has on an earlier line.
    pub fn read(path: &Path) -> Result<Self> {
        let table = read::read(path, &read::RUN)?;
        Ok(Run {
            users: table.users,
            items: table.items,
            scores: table.rows,
        })
    }

    /// The users, in order of their first line.
    pub fn users(&self) -> &Ids {
        &self.users
    }

    /// The items, in order of their first line.
    pub fn items(&self) -> &Ids {
        &self.items
    }

    /// Each user's items and scores, in the order of the file.
    pub fn scores(&self) -> &Ragged<(u32, f64)> {
        &self.scores
    }

    /// Each user's items, best first.
    pub fn rankings(&self, ties: Ties) -> Ragged<u32> {
        let mut rankings = Ragged::with_capacity(self.scores.len(), self.scores.values().len());
        let mut scored = Vec::new();
        for list in self.scores.iter() {
            self.rank(list, ties, &mut scored);
            rankings.push(scored.iter().map(|(item, _)| *item));
        }
        rankings
    }

    /// The rankings of the users that `qrels` judge, for
    /// [`Evaluation::new`](gloss_core::Evaluation::new) beside [`Qrels::grades`].
    pub fn align(&self, qrels: &Qrels, ties: Ties) -> Aligned {
        let judged = qrels.items.len() as u32;
        let numbers: Vec<u32> = (judged..)
            .zip(self.items.iter())
            .map(|(unjudged, id)| qrels.items.find(id).unwrap_or(unjudged))
            .collect();
        let mut rankings = Ragged::with_capacity(qrels.users.len(), self.scores.values().len());
        let mut all_scored = Ragged::with_capacity(qrels.users.len(), self.scores.values().len());
        let mut missing = Vec::new();
        let mut scored = Vec::new();
        for (user, id) in (0..).zip(qrels.users.iter()) {
            scored.clear();
            match self.users.find(id) {
                Some(number) => self.rank(self.scores.get(number as usize), ties, &mut scored),
                None => missing.push(user),
            }
            rankings.push(scored.iter().map(|(item, _)| numbers[*item as usize]));
            let rounded = |score: f64| match ties {
                Ties::File => score,
                Ties::TrecEval => f64::from(score as f32),
            };
            all_scored.push(
                scored
                    .iter()
                    .map(|(item, score)| (numbers[*item as usize], rounded(*score))),
            );
        }
        let found = qrels.users.len() - missing.len();
        Aligned {
            rankings,
            scored: all_scored,
            missing,
            ignored: self.users.len() - found,
        }
    }

    /// Fills `ranked` with `list`, best first.
    fn rank(&self, list: &[(u32, f64)], ties: Ties, ranked: &mut Vec<(u32, f64)>) {
        ranked.clear();
        ranked.extend_from_slice(list);
        // Scores are finite, so that they always compare; 0 and -0 are equal.
        let descending = |a: f64, b: f64| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
        match ties {
            Ties::File => ranked.sort_by(|a, b| descending(a.1, b.1)),
            Ties::TrecEval => ranked.sort_unstable_by(|a, b| {
                let single = |score: f64| f64::from(score as f32);
                descending(single(a.1), single(b.1))
                    .then_with(|| self.items.get(b.0).cmp(self.items.get(a.0)))
            }),
        }
    }
}

impl Qrels {
    /// Reads relevance judgements.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or not UTF-8, or has a line with another number of columns,
    /// a grade that is not a whole number, or an item that the user has on an earlier line.
    pub fn read(path: &Path) -> Result<Self> {
        let table = read::read(path, &read::QRELS)?;
        Ok(Qrels {
            users: table.users,
            items: table.items,
            grades: table.rows,
        })
    }

    /// The users, in order of their first line. All of them are evaluated, those without a relevant
    /// item too.
    pub fn users(&self) -> &Ids {
        &self.users
    }

    /// The judged items, in order of their first line.
    pub fn items(&self) -> &Ids {
        &self.items
    }

    /// Each user's items and grades, in the order of the file. An item is relevant if its grade is
    /// above 0.
    pub fn grades(&self) -> &Ragged<(u32, f32)> {
        &self.grades
    }
}

#[cfg(test)]
mod tests;
