//! From users' histories to what a network reads and predicts.

use gloss_core::{Data, Example};
use rand::Rng;

use crate::batch::Sequence;

/// The items that a network reads to predict what follows `items`: the last of them, and where it
/// predicts masked items the mask in place of what follows.
pub(crate) fn input(items: &[u32], mask: Option<(u32, f64)>, max_length: usize) -> Vec<u32> {
    let room = max_length - usize::from(mask.is_some());
    let start = items.len().saturating_sub(room);
    let mask = mask.map(|(mask, _)| mask);
    items[start..].iter().copied().chain(mask).collect()
}

/// The times of the last `length` items; that of the last one again for a mask.
pub(crate) fn input_times(times: &[i64], length: usize) -> Vec<i64> {
    let last = times.last().copied().unwrap_or(0);
    let padded = length.saturating_sub(times.len());
    let start = (times.len() + padded).saturating_sub(length);
    let own = times[start..].iter().copied();
    own.chain(std::iter::repeat_n(last, padded)).collect()
}

/// The places of a sequence that are predicted.
pub(crate) struct Prediction<'a> {
    items: Vec<u32>,
    times: &'a [i64],
    /// Places, and the item that is predicted at each.
    pub(crate) predicted: Vec<(usize, u32)>,
    pub(crate) seen: &'a [u32],
}

impl<'a> Prediction<'a> {
    /// Every next item; or masked items, each masked with the given probability, and one at least.
    pub(crate) fn new(
        sequence: Sequence<'a>,
        seen: &'a [u32],
        mask: Option<(u32, f64)>,
        random: &mut impl Rng,
    ) -> Self {
        let Some((mask, probability)) = mask else {
            let (input, next) = sequence.shifted();
            return Prediction {
                items: input.items.to_vec(),
                times: input.times,
                predicted: next.iter().copied().enumerate().collect(),
                seen,
            };
        };
        let mut items = sequence.items.to_vec();
        let mut predicted: Vec<(usize, u32)> = Vec::new();
        for (place, item) in items.iter_mut().enumerate() {
            if random.random_bool(probability) {
                predicted.push((place, std::mem::replace(item, mask)));
            }
        }
        if let (true, Some(last)) = (predicted.is_empty(), items.last_mut()) {
            let item = std::mem::replace(last, mask);
            predicted.push((items.len() - 1, item));
        }
        Prediction {
            items,
            times: sequence.times,
            predicted,
            seen,
        }
    }

    pub(crate) fn input(&self) -> Sequence<'_> {
        Sequence {
            items: &self.items,
            times: self.times,
        }
    }
}

/// The items of each training example with its targets, the last `longest` of them; users with a
/// single item, after which nothing can be predicted, are left out.
pub(crate) fn training_sequences(data: &Data, longest: usize) -> Vec<(Sequence<'_>, Vec<u32>)> {
    let sequence = |example: &Example| {
        let history = data.histories.history(example.user);
        let end = (example.history + example.targets) as usize;
        let all = Sequence {
            items: &history.items[..end],
            times: &history.times[..end],
        };
        let mut seen = all.items.to_vec();
        seen.sort_unstable();
        seen.dedup();
        (end > 1).then(|| (all.last(longest), seen))
    };
    data.splits.train.iter().filter_map(sequence).collect()
}

/// The history of a validation user, and the item that follows; none without either.
pub(crate) fn validation_sequence(data: &Data, example: Example) -> Option<(Sequence<'_>, u32)> {
    let history = data.histories.context(example);
    let sequence = Sequence {
        items: history.items,
        times: history.times,
    };
    let target = data.histories.targets(example).first()?;
    (sequence.len() > 0).then_some((sequence, *target))
}
