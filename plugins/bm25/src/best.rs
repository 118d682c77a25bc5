//! The best hits so far.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use gloss_core::{Hit, rank};

/// A hit, of which worse ones are greater: lower scores, and later items among equal scores.
struct Worse(Hit);

impl Ord for Worse {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = other.0.score.total_cmp(&self.0.score);
        by_score.then(self.0.item.cmp(&other.0.item))
    }
}

impl PartialOrd for Worse {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worse {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worse {}

/// Keeps the best `k` hits of those that are offered, and no score that is not positive.
pub(crate) struct Best {
    k: usize,
    hits: BinaryHeap<Worse>,
    /// The lowest score that may still enter.
    threshold: f32,
}

/// The least positive score.
const LEAST: f32 = f32::from_bits(1);

impl Best {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Best {
            k: 0,
            hits: BinaryHeap::new(),
            threshold: LEAST,
        }
    }

    /// Starts again, for the best `k`, at least one.
    pub(crate) fn begin(&mut self, k: usize) {
        self.k = k;
        self.hits.clear();
        self.threshold = LEAST;
    }

    /// Returns `true` if some hit with this score would still enter. Once false it stays false.
    #[inline]
    pub(crate) fn admits(&self, score: f32) -> bool {
        score >= self.threshold
    }

    /// As [`admits`](Self::admits), for a hit whose item comes after all that were offered: among
    /// equal scores it would be the last.
    #[inline]
    pub(crate) fn admits_later(&self, score: f32) -> bool {
        score >= self.threshold && (score > self.threshold || self.hits.len() < self.k)
    }

    /// Offers a hit; says whether it entered.
    pub(crate) fn offer(&mut self, hit: Hit) -> bool {
        if !self.admits(hit.score) {
            return false;
        }
        if self.hits.len() < self.k {
            self.hits.push(Worse(hit));
        } else {
            match self.hits.peek_mut() {
                Some(mut worst) if Worse(hit) < *worst => *worst = Worse(hit),
                _ => return false,
            }
        }
        if self.hits.len() == self.k
            && let Some(worst) = self.hits.peek()
        {
            self.threshold = worst.0.score;
        }
        true
    }

    /// Takes the hits, best first.
    pub(crate) fn take(&mut self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self.hits.drain().map(|worse| worse.0).collect();
        rank(&mut hits, self.k);
        hits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_keeps_what_sorting_everything_would(
            scores in prop::collection::vec(-1i8..5, 0..30),
            k in 1usize..8,
        ) {
            let hits = scores.iter().zip(0..).map(|(&score, item)| Hit { item, score: score.into() });
            let mut best = Best::new();
            best.begin(k);
            for hit in hits.clone() {
                let admitted = best.admits(hit.score);
                prop_assert!(admitted || !best.admits_later(hit.score));
                // Items are offered in order.
                prop_assert_eq!(best.admits_later(hit.score), best.offer(hit));
            }
            let mut expected: Vec<Hit> = hits.filter(|hit| hit.score > 0.0).collect();
            rank(&mut expected, k);
            prop_assert_eq!(best.take(), expected);
        }
    }
}
