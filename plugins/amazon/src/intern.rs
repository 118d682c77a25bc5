//! From identifiers to small numbers.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Distinct texts, numbered in the order of their first occurrence.
#[derive(Default)]
pub(crate) struct Interner {
    texts: Vec<String>,
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `text`, a new one if it is new; `None` if there are too many texts.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        let Interner {
            texts,
            positions,
            hasher,
        } = self;
        let hash = hasher.hash_one(text);
        if let Some(&position) = positions.find(hash, |&p| texts[p as usize] == text) {
            return Some(position);
        }
        let position = u32::try_from(texts.len()).ok()?;
        texts.push(text.to_string());
        positions.insert_unique(hash, position, |&p| {
            hasher.hash_one(texts[p as usize].as_str())
        });
        Some(position)
    }

    /// The number of `text`, if it has one.
    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        let same = |&position: &u32| self.texts[position as usize] == text;
        self.positions.find(hash, same).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The texts, by their numbers.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_stand_for_texts(texts in prop::collection::vec("[ab]{0,4}", 0..60)) {
            let mut interner = Interner::default();
            let numbers: Vec<_> = texts.iter().map(|t| interner.intern(t).unwrap()).collect();
            for (text, number) in texts.iter().zip(&numbers) {
                prop_assert_eq!(interner.get(text), Some(*number));
            }
            prop_assert_eq!(interner.get("c"), None);
            let all = interner.into_texts();
            for (text, number) in texts.iter().zip(numbers) {
                prop_assert_eq!(&all[number as usize], text);
            }
        }
    }
}
