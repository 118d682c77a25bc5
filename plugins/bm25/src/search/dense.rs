//! Scoring every item, for queries of which few postings can be passed over.

use gloss_core::Hit;

use super::{Scratch, Searcher};

/// Items that are scored at a time: their scores stay in the cache.
const ITEMS: usize = 1 << 15;

/// Scores that are compared with the worst of the best together.
const SCORES: usize = 64;

impl Searcher {
    /// Offers all items, scored term at a time. Token by token, in the query's order, as
    /// [`Scratch::exact`] does, so that the scores have the same last digit.
    pub(super) fn score_all(&self, base: f32, scratch: &mut Scratch) {
        let Scratch {
            tokens,
            read,
            scores,
            best,
            ..
        } = scratch;
        let lists = &self.impacts.by_term_and_item;
        read.clear();
        read.resize(tokens.len(), 0);
        for start in (0..self.impacts.items).step_by(ITEMS) {
            let end = self.impacts.items.min(start + ITEMS);
            scores.clear();
            scores.resize(end - start, 0.0);
            for (&token, read) in tokens.iter().zip(&mut *read) {
                let rest = &lists.get(token)[*read..];
                let here = rest.partition_point(|impact| (impact.of as usize) < end);
                for impact in &rest[..here] {
                    scores[impact.of as usize - start] += impact.value;
                }
                *read += here;
            }
            for (block, scores) in scores.chunks(SCORES).enumerate() {
                let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if !best.admits_later(most + base) {
                    continue;
                }
                for (item, score) in (start + block * SCORES..).zip(scores) {
                    let (item, score) = (item as u32, score + base);
                    if best.admits_later(score) {
                        best.offer(Hit { item, score });
                    }
                }
            }
        }
    }
}
