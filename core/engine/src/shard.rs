//! Shards: parts of the users, each worked on by a process of its own.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One of several parts of the users of a split: `2/4` is the second quarter. `0/4` has no users: it
/// is what all four share, the data, the trainings and the indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: usize,
    count: usize,
}

/// The most shards.
const MOST: usize = 100_000;

impl Shard {
    /// All shards of `count`, without that of no users.
    pub fn all(count: usize) -> impl Iterator<Item = Shard> {
        (1..=count).map(move |index| Shard { index, count })
    }

    /// Returns `true` if it has no users.
    pub fn is_shared(self) -> bool {
        self.index == 0
    }

    /// The number of the shard, from 1; 0 for that of no users.
    pub fn index(self) -> usize {
        self.index
    }

    /// The number of shards.
    pub fn count(self) -> usize {
        self.count
    }

    /// The positions of its users among `users`. All shards together have each user once, and their
    /// sizes differ by one at most.
    pub(crate) fn range(self, users: usize) -> Range<usize> {
        let until = |shards: usize| (users as u128 * shards as u128 / self.count as u128) as usize;
        until(self.index.saturating_sub(1))..until(self.index)
    }

    /// The part of the provenance that tells the result of a shard from that of all users.
    pub(crate) fn provenance(self) -> Value {
        json!(self)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if index <= count && (1..=MOST).contains(&count) => {
                Ok(Shard { index, count })
            }
            _ => Err(format!(
                "expected INDEX/COUNT with an INDEX from 0 to COUNT, such as 2/4, and at most {MOST} shards"
            )),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shards_are_written_as_two_numbers() {
        assert_eq!("2/4".parse::<Shard>().unwrap().to_string(), "2/4");
        assert!("0/4".parse::<Shard>().unwrap().is_shared());
        for wrong in ["", "4", "5/4", "0/0", "-1/4", "1/100001", "1/4/2", "a/b"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn shards_have_each_user_once_and_are_alike(users in 0..5000_usize, count in 1..200_usize) {
            let ranges: Vec<_> = Shard::all(count).map(|shard| shard.range(users)).collect();
            let all: Vec<usize> = ranges.iter().cloned().flatten().collect();
            prop_assert!(all.into_iter().eq(0..users));
            let sizes = || ranges.iter().map(Range::len);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }
}
