//! Rankings and judgements of users, from dictionaries and arrays.
//!
//! Items have numbers of their own for each user: metrics of agreement look at nothing else of them.

use std::cmp::Ordering;

use gloss_core::Error;
use gloss_core::{Ragged, Result};

/// Up to here, single precision holds whole numbers exactly.
const HIGHEST_GRADE: f64 = (1 << 24) as f64;

/// The rankings of users, and their judged items.
pub(crate) struct Judged {
    pub(crate) rankings: Ragged<u32>,
    pub(crate) grades: Ragged<(u32, f32)>,
    /// For one user at a time: scores with the places of their items.
    scored: Vec<(f64, u32)>,
    relevant: Vec<(u32, f32)>,
}

impl Judged {
    pub(crate) fn with_capacity(users: usize, ranked: usize, judged: usize) -> Self {
        Judged {
            rankings: Ragged::with_capacity(users, ranked),
            grades: Ragged::with_capacity(users, judged),
            scored: Vec::new(),
            relevant: Vec::new(),
        }
    }

    /// The scores of the next user's items, to be filled in any order.
    pub(crate) fn scores(&mut self) -> &mut Vec<(f64, u32)> {
        self.scored.clear();
        &mut self.scored
    }

    /// The judgements of the next user's items, by the same numbers.
    pub(crate) fn judgements(&mut self) -> &mut Vec<(u32, f32)> {
        self.relevant.clear();
        &mut self.relevant
    }

    /// Ends a user: ranks the scores, the highest first, equal ones in their order.
    pub(crate) fn push(&mut self) {
        let falls =
            |a: &(f64, u32), b: &(f64, u32)| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal);
        if !self.scored.is_sorted_by(|a, b| a.0 >= b.0) {
            self.scored.sort_by(falls);
        }
        self.rankings
            .push(self.scored.iter().map(|(_, item)| *item));
        self.grades.push(self.relevant.iter().copied());
    }

    /// The judgements with those below `level` as irrelevant.
    pub(crate) fn at_level(&self, level: f32) -> Ragged<(u32, f32)> {
        let mut grades = Ragged::with_capacity(self.grades.len(), self.grades.values().len());
        for judged in self.grades.iter() {
            let cut = |(item, grade): &(u32, f32)| {
                (
                    *item,
                    if *grade < level {
                        grade.min(0.0)
                    } else {
                        *grade
                    },
                )
            };
            grades.push(judged.iter().map(cut));
        }
        grades
    }
}

/// A grade as metrics take it.
pub(crate) fn grade(value: f64, user: impl FnOnce() -> String) -> Result<f32> {
    match value.fract() == 0.0 && value.abs() <= HIGHEST_GRADE {
        true => Ok(value as f32),
        false => Err(Error::Usage(format!(
            "a grade is a whole number of at most 2^24, relevant if above 0; found {value} of {}",
            user()
        ))),
    }
}

/// A score that ranks.
pub(crate) fn score(value: f64, user: impl FnOnce() -> String) -> Result<f64> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::Usage(format!(
            "a score is a finite number; found {value} of {}",
            user()
        ))),
    }
}
