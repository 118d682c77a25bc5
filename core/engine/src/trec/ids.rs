//! Identifiers by number.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct identifiers, numbered from 0 in order of their first appearance.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    /// All identifiers, one after the other.
    text: String,
    /// The end of each in `text`.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Ids {
    /// Returns the number of identifiers.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns `true` if there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The identifier with the number `number`. Panics if there is none, as indexing does.
    pub fn get(&self, number: u32) -> &str {
        get(&self.text, &self.ends, number)
    }

    /// The number of `id`.
    pub fn find(&self, id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.numbers
            .find(hash, |number| self.get(*number) == id)
            .copied()
    }

    /// The identifiers by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|number| self.get(number as u32))
    }

    /// The number of `id`, which is a new one if it has none yet; `None` if there are no more.
    pub(super) fn number(&mut self, id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        let same = |number: &u32| get(&self.text, &self.ends, *number) == id;
        if let Some(number) = self.numbers.find(hash, same) {
            return Some(*number);
        }
        let new = u32::try_from(self.ends.len()).ok()?;
        self.text.push_str(id);
        self.ends.push(self.text.len());
        let rehash = |number: &u32| self.hasher.hash_one(get(&self.text, &self.ends, *number));
        self.numbers.insert_unique(hash, new, rehash);
        Some(new)
    }
}

fn get<'a>(text: &'a str, ends: &[usize], number: u32) -> &'a str {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..ends[number]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_found_again() {
        let mut ids = Ids::default();
        let names: Vec<String> = (0..100).map(|n| (n % 50).to_string()).collect();
        let numbers: Vec<_> = names.iter().map(|name| ids.number(name)).collect();
        assert_eq!(ids.len(), 50);
        assert_eq!(numbers[..50], numbers[50..]);
        assert_eq!((ids.get(49), ids.find("49")), ("49", Some(49)));
        assert_eq!(ids.find("50"), None);
        assert!(ids.iter().eq(names[..50].iter().map(String::as_str)));
    }
}
