//! The records that components exchange: catalogue, histories, splits.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// An item that can be recommended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// The item's identifier in the dataset, such as an ASIN. Unique in a catalogue.
    pub id: String,
    /// The text that generators write and retrievers index, such as `Title: Lip balm`.
    pub text: String,
    /// Further fields, in the order of [`Catalogue::field_names`]; `None` where absent.
    pub fields: Vec<Option<String>>,
}

/// All items that can be recommended, in catalogue order. An item's position in that order (a
/// `u32`) identifies the item everywhere; ties are broken by it.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    items: Vec<Item>,
    field_names: Vec<String>,
    // Of the standard library: it is read by plugin libraries too, and keeps its seed in itself.
    positions: HashMap<String, u32>,
}

impl Catalogue {
    /// A catalogue of `items`, whose `fields` are named by `field_names`.
    ///
    /// # Errors
    /// [`Error::Usage`] if an identifier occurs twice, if an item has another number of fields
    /// than there are names, or if there are 2³² items or more.
    pub fn new(items: Vec<Item>, field_names: Vec<String>) -> Result<Self> {
        let mut positions = HashMap::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let position = u32::try_from(position)
                .map_err(|_| Error::Usage("a catalogue holds fewer than 2^32 items".into()))?;
            if item.fields.len() != field_names.len() {
                return Err(Error::Usage(format!(
                    "item {} has {} fields where the catalogue has {}",
                    item.id,
                    item.fields.len(),
                    field_names.len()
                )));
            }
            if positions.insert(item.id.clone(), position).is_some() {
                return Err(Error::Usage(format!(
                    "item {} is in the catalogue twice",
                    item.id
                )));
            }
        }
        Ok(Catalogue {
            items,
            field_names,
            positions,
        })
    }

    /// The items in catalogue order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if it has no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item at `position`.
    ///
    /// # Panics
    /// If there is none, as indexing does.
    pub fn item(&self, position: u32) -> &Item {
        &self.items[position as usize]
    }

    /// The position of the item `id`.
    pub fn position(&self, id: &str) -> Option<u32> {
        self.positions.get(id).copied()
    }

    /// The names of the items' further fields.
    pub fn field_names(&self) -> &[String] {
        &self.field_names
    }
}

/// One user's interactions up to some moment, oldest first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History<'a> {
    /// The user's identifier.
    pub user: &'a str,
    /// The items, as catalogue positions. May be empty; an item may occur more than once.
    pub items: &'a [u32],
    /// The time of each, in milliseconds since 1970. As long as `items`.
    pub times: &'a [i64],
    /// The rating given with each, NaN where there is none. As long as `items`.
    pub ratings: &'a [f32],
}

impl History<'_> {
    /// The distinct items, sorted.
    pub fn distinct_items(&self) -> Vec<u32> {
        let mut items = self.items.to_vec();
        items.sort_unstable();
        items.dedup();
        items
    }
}

/// All users' interactions, oldest first, in one allocation a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histories {
    users: Vec<String>,
    offsets: Vec<usize>,
    items: Vec<u32>,
    times: Vec<i64>,
    ratings: Vec<f32>,
}

impl Histories {
    /// No users yet.
    pub fn new() -> Self {
        Histories {
            offsets: vec![0],
            ..Histories::default()
        }
    }

    /// Appends one user with their interactions (item, time in milliseconds, rating or NaN),
    /// oldest first.
    pub fn push(&mut self, user: String, events: impl IntoIterator<Item = (u32, i64, f32)>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        for (item, time, rating) in events {
            self.items.push(item);
            self.times.push(time);
            self.ratings.push(rating);
        }
        self.users.push(user);
        self.offsets.push(self.items.len());
    }

    /// The users' identifiers, in order.
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// The number of users.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Returns `true` if it has no user.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The number of interactions of all users.
    pub fn interactions(&self) -> usize {
        self.items.len()
    }

    /// All interactions of the user at `user`.
    pub fn history(&self, user: u32) -> History<'_> {
        let all = self.offsets[user as usize + 1] - self.offsets[user as usize];
        self.slice(user, 0..all)
    }

    fn slice(&self, user: u32, range: Range<usize>) -> History<'_> {
        let start = self.offsets[user as usize];
        let range = start + range.start..start + range.end;
        History {
            user: &self.users[user as usize],
            items: &self.items[range.clone()],
            times: &self.times[range.clone()],
            ratings: &self.ratings[range],
        }
    }

    /// The interactions that a method sees of `example`.
    pub fn context(&self, example: Example) -> History<'_> {
        self.slice(example.user, 0..example.history as usize)
    }

    /// The items that a method has to predict for `example`.
    pub fn targets(&self, example: Example) -> &[u32] {
        let end = example.history as usize + example.targets as usize;
        self.slice(example.user, example.history as usize..end)
            .items
    }
}

impl Histories {
    /// The number of a user's interactions, those with equal item, time and rating counted as one,
    /// as in the evaluation of GLoSS.
    pub fn distinct_interactions(&self, user: u32) -> usize {
        let history = self.history(user);
        let event = |at: usize| {
            (
                history.items[at],
                history.times[at],
                history.ratings[at].to_bits(),
            )
        };
        let mut events: Vec<_> = (0..history.items.len()).map(event).collect();
        events.sort_unstable();
        events.dedup();
        events.len()
    }
}

/// An example: a user's first `history` interactions are the context, and the `targets` that follow
/// are to be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The user's position in [`Histories::users`].
    pub user: u32,
    /// The number of interactions in the context.
    pub history: u32,
    /// The number of interactions after them that are to be predicted.
    pub targets: u32,
}

/// The examples for training, validation and test. Each in user order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits {
    /// Examples to train on.
    pub train: Vec<Example>,
    /// Examples to choose settings on.
    pub validation: Vec<Example>,
    /// Examples to report results on.
    pub test: Vec<Example>,
}

/// Counts of what a loader read, kept and dropped, in the order in which they arose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// A description and a count.
    pub counts: Vec<(String, u64)>,
    /// The counts of what was dropped, which every table of results states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}

/// Rows, users or interactions that a loader dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// A description with the reason, such as `"interactions of items that are not in the items
    /// file"`.
    pub what: String,
    /// The number of them; at least 1.
    pub count: u64,
    /// The number that there were in all, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// One of them, such as an id that did not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// `17 of 50 interactions of unknown items, such as 3.0`
impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some(of) => write!(formatter, "{} of {of} {}", self.count, self.what)?,
            None => write!(formatter, "{} {}", self.count, self.what)?,
        }
        match &self.example {
            Some(example) => write!(formatter, ", such as {example}"),
            None => Ok(()),
        }
    }
}

impl Report {
    /// Appends a count, such as `("reviews of items without a title", 12)`.
    pub fn count(&mut self, what: impl Into<String>, how_many: usize) {
        self.counts.push((what.into(), how_many as u64));
    }

    /// Appends a count of what was dropped, of so many in all, with an example.
    pub fn drop(
        &mut self,
        what: impl Into<String>,
        how_many: usize,
        of: impl Into<Option<usize>>,
        example: Option<String>,
    ) {
        let what = what.into();
        self.count(what.clone(), how_many);
        if how_many > 0 {
            self.dropped.push(Dropped {
                what,
                count: how_many as u64,
                of: of.into().map(|of| of as u64),
                example,
            });
        }
    }

    /// The count named `what`.
    pub fn get(&self, what: &str) -> Option<u64> {
        self.counts.iter().find(|(w, _)| w == what).map(|(_, n)| *n)
    }
}

/// A loaded dataset.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// The items.
    pub catalogue: Catalogue,
    /// The users.
    pub histories: Histories,
    /// The examples of each split.
    pub splits: Splits,
    /// Counts of what was read, kept and dropped.
    pub report: Report,
}

impl Data {
    /// A dataset of `items` items without texts (`id0` and so on) and of users (`u0` and so on) with
    /// these histories, each of them a training example; for tests of components that read
    /// histories alone.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are 2³² items or more.
    pub fn of_histories(items: usize, histories: &[Vec<u32>]) -> Result<Self> {
        let item = |position| Item {
            id: format!("id{position}"),
            ..Item::default()
        };
        let mut data = Data {
            catalogue: Catalogue::new((0..items).map(item).collect(), Vec::new())?,
            ..Data::default()
        };
        for (user, history) in (0..).zip(histories) {
            let events = history.iter().map(|&item| (item, 0, f32::NAN));
            data.histories.push(format!("u{user}"), events);
            data.splits.train.push(Example {
                user,
                history: history.len() as u32,
                targets: 0,
            });
        }
        Ok(data)
    }

    /// The number of occurrences of each item, by catalogue position, in the training examples
    /// (context and targets): popularity without a look at test targets.
    pub fn training_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.catalogue.len()];
        for &example in &self.splits.train {
            let seen = self.histories.context(example).items;
            for &item in seen.iter().chain(self.histories.targets(example)) {
                counts[item as usize] += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str) -> Item {
        Item {
            id: id.into(),
            ..Item::default()
        }
    }

    #[test]
    fn a_catalogue_refuses_an_item_twice() {
        let error = Catalogue::new(vec![item("a"), item("a")], vec![]).unwrap_err();
        assert_eq!(error.to_string(), "item a is in the catalogue twice");
    }

    #[test]
    fn a_case_splits_a_history() {
        let mut histories = Histories::new();
        histories.push("u".into(), []);
        histories.push("v".into(), [(4, 10, 5.0), (2, 20, 5.0), (9, 30, 1.0)]);
        let example = Example {
            user: 1,
            history: 2,
            targets: 1,
        };
        assert_eq!(histories.context(example).items, [4, 2]);
        assert_eq!(histories.context(example).times, [10, 20]);
        assert_eq!(histories.targets(example), [9]);
        assert_eq!(histories.history(0).items, [] as [u32; 0]);
    }

    #[test]
    fn equal_interactions_count_once() {
        let mut histories = Histories::new();
        let events = [
            (1, 10, 5.0),
            (1, 10, 5.0),
            (1, 10, 4.0),
            (2, 10, f32::NAN),
            (2, 10, f32::NAN),
            (1, 20, 5.0),
        ];
        histories.push("user".into(), events);
        assert_eq!(histories.distinct_interactions(0), 4);
    }
}
