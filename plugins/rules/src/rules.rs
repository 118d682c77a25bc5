//! The rules of a dataset.

use gloss_core::Data;
use hashbrown::HashMap;
use rayon::slice::ParallelSliceMut;

/// All rules, in the order of the items that they are from.
pub(crate) struct Rules {
    /// The start of the rules from each item, and the end of the last.
    starts: Vec<usize>,
    /// Items that rules are to, with the rules' weights.
    rules: Vec<(u32, f64)>,
}

impl Rules {
    /// Counts the rules between items that are at most `distance` purchases apart. What a rule is to
    /// weighs `worth` of it.
    pub(crate) fn count(data: &Data, distance: usize, worth: impl Fn(u32) -> f64) -> Self {
        let mut places = places(data, distance);
        // In this order sums do not depend on the order of cases.
        places.par_sort_unstable();
        let mut starts = vec![0; data.catalogue.len() + 1];
        let mut rules: Vec<(u32, f64)> = Vec::new();
        for rule in places.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (from, to, _) = rule[0];
            let weight: f64 = rule
                .iter()
                .map(|&(.., apart)| f64::from(apart).recip())
                .sum();
            rules.push((to, weight * worth(to)));
            starts[from as usize + 1] = rules.len();
        }
        for item in 1..starts.len() {
            starts[item] = starts[item].max(starts[item - 1]);
        }
        Rules { starts, rules }
    }

    /// Returns scores by item for the items of a history, newest first.
    pub(crate) fn scores(&self, newest_first: impl Iterator<Item = u32>) -> HashMap<u32, f64> {
        let mut scores = HashMap::new();
        for (item, position) in newest_first.zip(1_u32..) {
            let item = item as usize;
            for &(to, weight) in &self.rules[self.starts[item]..self.starts[item + 1]] {
                *scores.entry(to).or_default() += weight / f64::from(position);
            }
        }
        scores
    }
}

/// Two items and how many purchases lie from one to the other, for all that are near enough.
fn places(data: &Data, distance: usize) -> Vec<(u32, u32, u32)> {
    let mut places = Vec::new();
    let mut bought: Vec<u32> = Vec::new();
    for &example in &data.splits.train {
        bought.clear();
        bought.extend_from_slice(data.histories.context(example).items);
        bought.extend_from_slice(data.histories.targets(example));
        for (at, &to) in bought.iter().enumerate() {
            let before = bought[at.saturating_sub(distance)..at].iter().rev();
            places.extend((1..).zip(before).map(|(apart, &from)| (from, to, apart)));
        }
    }
    places
}
