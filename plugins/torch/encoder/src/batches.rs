//! Texts that are encoded together.

use std::ops::Range;

/// Texts of similar length, laid end to end without padding.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    /// The distinct texts, by the places of all texts that have the same tokens.
    pub(crate) texts: Vec<Vec<usize>>,
    /// Groups of texts of equal length, in order.
    pub(crate) groups: Vec<Group>,
    /// Tokens of all texts together.
    pub(crate) tokens: usize,
}

/// Texts of equal length that follow each other in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// The number of texts.
    pub(crate) texts: usize,
    /// Tokens of each.
    pub(crate) length: usize,
}

impl Batch {
    /// Returns the number of texts, including equal ones.
    pub(crate) fn places(&self) -> usize {
        self.texts.iter().map(Vec::len).sum()
    }

    /// Every group with the range of its tokens.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (Group, Range<usize>)> {
        let mut end = 0;
        self.groups.iter().map(move |&group| {
            let start = end;
            end += group.texts * group.length;
            (group, start..end)
        })
    }

    fn push(&mut self, length: usize, places: Vec<usize>) {
        self.texts.push(places);
        self.tokens += length;
        match self.groups.last_mut() {
            Some(group) if group.length == length => group.texts += 1,
            _ => self.groups.push(Group { texts: 1, length }),
        }
    }
}

/// Batches of at most `budget` tokens (a longer text is one of its own), the longest texts first.
/// Their content depends on the texts alone, not on their order.
pub(crate) fn batches(sequences: &[Vec<u32>], budget: usize) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    let key = |place: usize| (sequences[place].len(), &sequences[place]);
    order.sort_by(|&a, &b| key(b).cmp(&key(a)));
    let mut batches: Vec<Batch> = Vec::new();
    for equal in order.chunk_by(|&a, &b| sequences[a] == sequences[b]) {
        let length = sequences[equal[0]].len();
        match batches.last_mut() {
            Some(batch) if batch.tokens + length <= budget => batch.push(length, equal.to_vec()),
            _ => {
                let mut batch = Batch {
                    texts: Vec::new(),
                    groups: Vec::new(),
                    tokens: 0,
                };
                batch.push(length, equal.to_vec());
                batches.push(batch);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_place_and_none_is_computed_twice(
            sequences in prop::collection::vec(prop::collection::vec(0..3_u32, 1..6), 0..40),
            budget in 1..20_usize,
        ) {
            let batches = batches(&sequences, budget);
            let mut seen = vec![false; sequences.len()];
            let mut distinct = std::collections::HashSet::new();
            for batch in &batches {
                let alone = batch.texts.len() == 1;
                prop_assert!(batch.tokens <= budget || alone);
                let mut texts = batch.texts.iter();
                for (group, range) in batch.ranges() {
                    prop_assert_eq!(range.len(), group.texts * group.length);
                    for places in texts.by_ref().take(group.texts) {
                        prop_assert!(distinct.insert(&sequences[places[0]]));
                        for &place in places {
                            prop_assert!(!std::mem::replace(&mut seen[place], true));
                            prop_assert_eq!(&sequences[place], &sequences[places[0]]);
                            prop_assert_eq!(sequences[place].len(), group.length);
                        }
                    }
                }
                prop_assert!(texts.next().is_none());
                let tokens: usize = batch.groups.iter().map(|g| g.texts * g.length).sum();
                prop_assert_eq!(batch.tokens, tokens);
            }
            prop_assert!(seen.into_iter().all(|seen| seen));
        }

        #[test]
        fn batches_do_not_depend_on_the_order(
            sequences in prop::collection::vec(prop::collection::vec(0..3_u32, 1..6), 0..20),
        ) {
            let reversed: Vec<_> = sequences.iter().rev().cloned().collect();
            let content = |sequences: &[Vec<u32>]| -> Vec<Vec<Vec<u32>>> {
                let batches = batches(sequences, 10);
                let of = |places: &Vec<usize>| sequences[places[0]].clone();
                batches.iter().map(|batch| batch.texts.iter().map(of).collect()).collect()
            };
            prop_assert_eq!(content(&sequences), content(&reversed));
        }
    }
}
