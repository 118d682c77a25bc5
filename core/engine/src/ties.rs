//! The orders of items with equal scores that are best and worst for a ranking.

use std::cmp::Ordering;

use gloss_core::Ragged;
use hashbrown::HashMap;

/// The rankings with equal scores ordered in the worst and in the best way.
pub struct TieOrders {
    /// Relevant items behind others of their score.
    pub worst: Ragged<u32>,
    /// Relevant items before others of their score.
    pub best: Ragged<u32>,
}

impl TieOrders {
    /// The two orders of `rankings`, which are sorted by score, for the graded items `relevant` of
    /// each user. Items beyond the end of a ranking are not considered, whatever their scores are.
    /// `None` if no order of equal scores matters.
    pub fn of<S: Copy + PartialEq>(
        rankings: &Ragged<(u32, S)>,
        relevant: &Ragged<(u32, f32)>,
    ) -> Option<Self> {
        let mut orders = TieOrders {
            worst: Ragged::with_capacity(rankings.len(), rankings.values().len()),
            best: Ragged::with_capacity(rankings.len(), rankings.values().len()),
        };
        let mut matters = false;
        for (ranking, relevant) in rankings.iter().zip(relevant.iter()) {
            let grades: HashMap<u32, f32> = relevant.iter().copied().collect();
            let grade = |item: &u32| grades.get(item).copied().unwrap_or(0.0).max(0.0);
            let (mut worst, mut best) = (Vec::new(), Vec::new());
            for group in ranking.chunk_by(|a, b| a.1 == b.1) {
                let start = worst.len();
                worst.extend(group.iter().map(|(item, _)| *item));
                best.extend(group.iter().map(|(item, _)| *item));
                let order =
                    |a: &u32, b: &u32| grade(a).partial_cmp(&grade(b)).unwrap_or(Ordering::Equal);
                worst[start..].sort_by(order);
                best[start..].sort_by(|a, b| order(b, a));
                matters |= group
                    .iter()
                    .any(|(item, _)| grade(item) != grade(&group[0].0));
            }
            orders.worst.push(worst);
            orders.best.push(best);
        }
        matters.then_some(orders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ragged<T: Copy>(lists: &[&[T]]) -> Ragged<T> {
        lists.iter().map(|list| list.to_vec()).collect()
    }

    #[test]
    fn relevant_items_move_within_their_score_alone() {
        let rankings: &[&[(u32, f32)]] = &[
            &[(1, 2.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 0.5)],
            &[(9, 1.0)],
        ];
        let relevant: &[&[(u32, f32)]] = &[&[(3, 1.0), (5, 1.0), (4, 2.0)], &[]];
        let orders = TieOrders::of(&ragged(rankings), &ragged(relevant)).unwrap();
        assert_eq!(orders.worst.get(0), [1, 2, 3, 4, 5]);
        assert_eq!(orders.best.get(0), [1, 4, 3, 2, 5]);
        assert_eq!(orders.best.get(1), [9]);
    }

    #[test]
    fn ties_of_equal_relevance_do_not_matter() {
        let rankings: &[&[(u32, f32)]] = &[&[(1, 2.0), (2, 1.0), (3, 1.0)]];
        for relevant in [&[][..], &[(1, 1.0)], &[(2, 1.0), (3, 1.0)]] {
            assert!(TieOrders::of(&ragged(rankings), &ragged(&[relevant])).is_none());
        }
    }
}
