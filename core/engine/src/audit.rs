//! The audit of a dataset: properties that decide what results on it mean.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use gloss_core::{Data, Example, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::split::Split;

/// Properties of a dataset and of the examples that methods are evaluated on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The SHA-256 of items, histories and examples, which is equal for equal data; see
    /// [`fingerprint`].
    pub fingerprint: String,
    /// The users with a history.
    pub users: u64,
    /// The items of the catalogue.
    pub items: u64,
    /// The interactions of all histories.
    pub interactions: u64,
    /// The interactions at the time of the one before of their user.
    pub equal_times: u64,
    /// The examples that methods are evaluated on.
    pub examples: u64,
    /// The examples whose first target has the time of the last interaction of the context, so that
    /// `split.same_day` decides which of them is the target.
    pub targets_at_the_time_before: u64,
    /// The examples with a target that the context has already.
    pub targets_in_context: u64,
    /// The examples with a target that no training example has.
    pub targets_not_in_training: u64,
    /// The examples whose first target is earlier than the latest interaction to train on.
    pub targets_before_training_ends: u64,
    /// The share of the interactions to train on that are later than an example's first target:
    /// the mean over the examples.
    pub later_training_share: f64,
    /// The items whose text another item has too, so that no text query tells them apart.
    pub items_with_equal_text: u64,
    /// The examples with such an item as a target.
    pub targets_with_equal_text: u64,
    /// The items that occur in no training example, but in these.
    pub items_in_evaluation_alone: u64,
    /// The number of users by the length of their history: (length, users), ascending.
    pub history_lengths: Vec<(u64, u64)>,
    /// The share of all interactions that the most popular items have: (share of items, share of
    /// interactions), for each hundredth of the items.
    pub popularity: Vec<(f64, f64)>,
}

/// Audits the examples of `split`.
///
/// # Errors
/// If an identifier cannot be written as JSON.
pub fn audit(data: &Data, split: Split) -> Result<Audit> {
    let examples = split.examples(data);
    let training = Training::of(data);
    let equal_text = equal_texts(data);
    let targets = |example: &&Example| data.histories.targets(**example);
    let with = |is: &dyn Fn(&Example, u32) -> bool| {
        let has = |example: &&Example| targets(example).iter().any(|item| is(example, *item));
        examples.iter().filter(has).count() as u64
    };
    let first_times: Vec<i64> = examples
        .iter()
        .filter_map(|example| time(data, example, example.history))
        .collect();
    let at_the_time_before = |example: &&Example| {
        let before = example.history.checked_sub(1);
        let before = before.and_then(|before| time(data, example, before));
        before.is_some() && before == time(data, example, example.history)
    };
    Ok(Audit {
        fingerprint: fingerprint(data)?,
        users: data.histories.len() as u64,
        items: data.catalogue.len() as u64,
        interactions: data.histories.interactions() as u64,
        equal_times: equal_times(data),
        examples: examples.len() as u64,
        targets_at_the_time_before: examples.iter().filter(at_the_time_before).count() as u64,
        targets_in_context: with(&|example, item| {
            data.histories.context(*example).items.contains(&item)
        }),
        targets_not_in_training: with(&|_, item| training.counts[item as usize] == 0),
        targets_before_training_ends: first_times
            .iter()
            .filter(|time| training.times.last().is_some_and(|last| *time < last))
            .count() as u64,
        later_training_share: training.later_share(&first_times),
        items_with_equal_text: equal_text.iter().filter(|equal| **equal).count() as u64,
        targets_with_equal_text: with(&|_, item| equal_text[item as usize]),
        items_in_evaluation_alone: items_alone(data, examples, &training.counts),
        history_lengths: history_lengths(data),
        popularity: popularity(data),
    })
}

/// The SHA-256 of the JSON lines `["item",id,text]` of all items in order, `["user",id,items,times]`
/// of all users in order, with the identifiers of their items and times in milliseconds since 1970,
/// and `["train",user,history,targets]` (`validation` and `test` likewise) of all examples, with the
/// numbers of interactions in the context and of targets. Lines have no spaces, text is UTF-8 and not
/// escaped, and each ends with a line feed.
///
/// # Errors
/// If a line cannot be written as JSON.
pub fn fingerprint(data: &Data) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut line = |value: serde_json::Value| hasher.update(format!("{value}\n"));
    for item in data.catalogue.items() {
        line(json!(["item", item.id, item.text]));
    }
    for user in 0..data.histories.len() as u32 {
        let history = data.histories.history(user);
        let items = history.items.iter();
        let items: Vec<&str> = items
            .map(|item| data.catalogue.item(*item).id.as_str())
            .collect();
        line(json!(["user", history.user, items, history.times]));
    }
    let splits = &data.splits;
    let named = [
        ("train", &splits.train),
        ("validation", &splits.validation),
        ("test", &splits.test),
    ];
    for (name, examples) in named {
        for example in examples {
            let user = &data.histories.users()[example.user as usize];
            line(json!([name, user, example.history, example.targets]));
        }
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The interactions to train on.
struct Training {
    /// Their times, ascending.
    times: Vec<i64>,
    /// The number of them by item.
    counts: Vec<u64>,
}

impl Training {
    fn of(data: &Data) -> Self {
        let mut times = Vec::new();
        for example in &data.splits.train {
            let history = data.histories.history(example.user);
            let end = (example.history + example.targets) as usize;
            times.extend(history.times.iter().take(end));
        }
        times.sort_unstable();
        Training {
            times,
            counts: data.training_counts(),
        }
    }

    /// The mean share of interactions that are later than each of `times`.
    fn later_share(&self, times: &[i64]) -> f64 {
        if times.is_empty() || self.times.is_empty() {
            return 0.0;
        }
        let later = |time: &i64| self.times.len() - self.times.partition_point(|t| t <= time);
        let later: u64 = times.iter().map(|time| later(time) as u64).sum();
        later as f64 / self.times.len() as f64 / times.len() as f64
    }
}

/// The time of the interaction at `position` of an example's user.
fn time(data: &Data, example: &Example, position: u32) -> Option<i64> {
    let times = data.histories.history(example.user).times;
    times.get(position as usize).copied()
}

fn equal_times(data: &Data) -> u64 {
    let of = |user| {
        let pairs = data.histories.history(user).times.windows(2);
        pairs.filter(|pair| pair[0] == pair[1]).count() as u64
    };
    (0..data.histories.len() as u32).map(of).sum()
}

/// Returns for each item whether another has its text.
fn equal_texts(data: &Data) -> Vec<bool> {
    let items = data.catalogue.items();
    let mut equal = vec![false; items.len()];
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        match first.entry(&item.text) {
            Entry::Vacant(entry) => drop(entry.insert(position)),
            Entry::Occupied(entry) => {
                equal[*entry.get()] = true;
                equal[position] = true;
            }
        }
    }
    equal
}

/// The number of items that occur in `examples`, but in no training example.
fn items_alone(data: &Data, examples: &[Example], training: &[u64]) -> u64 {
    let mut alone = vec![false; training.len()];
    for example in examples {
        let context = data.histories.context(*example).items;
        for item in context.iter().chain(data.histories.targets(*example)) {
            alone[*item as usize] |= training[*item as usize] == 0;
        }
    }
    alone.iter().filter(|alone| **alone).count() as u64
}

fn history_lengths(data: &Data) -> Vec<(u64, u64)> {
    let mut lengths: Vec<usize> = (0..data.histories.len() as u32)
        .map(|user| data.histories.history(user).items.len())
        .collect();
    lengths.sort_unstable();
    let groups = lengths.chunk_by(|a, b| a == b);
    groups
        .map(|group| (group[0] as u64, group.len() as u64))
        .collect()
}

fn popularity(data: &Data) -> Vec<(f64, f64)> {
    let mut counts = vec![0_u64; data.catalogue.len()];
    for user in 0..data.histories.len() as u32 {
        for item in data.histories.history(user).items {
            counts[*item as usize] += 1;
        }
    }
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = counts.iter().sum();
    let share = |percent: usize| {
        let items = counts.len() * percent / 100;
        let of_these: u64 = counts[..items].iter().sum();
        (percent as f64 / 100.0, of_these as f64 / all.max(1) as f64)
    };
    (0..=100).map(share).collect()
}

#[cfg(test)]
mod tests;
