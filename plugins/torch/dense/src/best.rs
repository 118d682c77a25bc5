//! The best of many scores, kept while they are computed.

use gloss_core::{Hit, rank};

/// Scores that are looked at together before one by one.
const CHUNK: usize = 32;

/// The items with the `k` best scores so far, and those that come within `margin` of them.
pub struct Best {
    k: usize,
    margin: f32,
    /// The lowest score that is kept.
    floor: f32,
    hits: Vec<Hit>,
    /// The number of hits to keep before the worst are dropped.
    room: usize,
}

impl Best {
    /// Nothing yet; `k` must not be 0.
    pub fn new(k: usize, margin: f32) -> Self {
        Best {
            k,
            margin,
            floor: f32::NEG_INFINITY,
            hits: Vec::new(),
            room: 2 * k + 64,
        }
    }

    /// Looks at the scores of the items from `first` on.
    pub fn offer(&mut self, first: u32, scores: &[f32]) {
        for (chunk, at) in scores.chunks(CHUNK).zip((first..).step_by(CHUNK)) {
            let highest = chunk.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
            if highest >= self.floor {
                self.keep(at, chunk);
            }
        }
    }

    fn keep(&mut self, first: u32, scores: &[f32]) {
        for (item, &score) in (first..).zip(scores) {
            if score >= self.floor {
                self.hits.push(Hit { item, score });
            }
        }
        if self.hits.len() > self.room {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.hits.len() > self.k {
            let order = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score);
            let (_, last, _) = self.hits.select_nth_unstable_by(self.k - 1, order);
            let floor = last.score - self.margin;
            self.floor = floor;
            self.hits.retain(|hit| hit.score >= floor);
            self.room = self.room.max(2 * self.hits.len());
        }
    }

    /// The hits whose scores may be among the best `k`, in no order.
    pub fn into_candidates(mut self) -> Vec<Hit> {
        self.shrink();
        self.hits
    }

    /// The best `k` hits, best first.
    pub fn into_ranking(self) -> Vec<Hit> {
        let k = self.k;
        let mut hits = self.into_candidates();
        rank(&mut hits, k);
        hits
    }
}
