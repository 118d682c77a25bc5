//! Tokens that stand for several codes: the vocabulary of ActionPiece (Hou et al., arXiv 2502.13581).

mod learn;

pub(crate) use learn::MOST_TOKENS;

use std::path::Path;

use gloss_core::{Error, Result};
use rustc_hash::FxHashMap;
use serde_json::json;

/// Two tokens in either order, the lower one first.
type Pair = (u32, u32);

fn pair(a: u32, b: u32) -> Pair {
    (a.min(b), a.max(b))
}

/// Pairs of tokens, each of which becomes a token of its own; those that were learned first go first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Merges {
    pairs: Vec<Pair>,
    ranks: FxHashMap<Pair, u32>,
    /// The token of the first pair.
    first: u32,
}

impl Merges {
    fn new(pairs: Vec<Pair>, first: u32) -> Self {
        Merges {
            ranks: pairs.iter().copied().zip(0..).collect(),
            pairs,
            first,
        }
    }

    /// The number of pairs.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Merges neighbours, of all that are a pair always the one that was learned first, the leftmost of equal ones.
    pub(crate) fn merge(&self, mut tokens: Vec<u32>) -> Vec<u32> {
        const NONE: u32 = u32::MAX;
        let rank = |a: u32, b: u32| self.ranks.get(&pair(a, b)).copied().unwrap_or(NONE);
        let mut ranks: Vec<u32> = tokens.windows(2).map(|two| rank(two[0], two[1])).collect();
        while let Some((at, best)) = ranks
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(at, rank)| (*rank, *at))
            .filter(|(_, rank)| *rank != NONE)
        {
            tokens[at] = self.first + best;
            tokens.remove(at + 1);
            ranks.remove(at);
            if at > 0 {
                ranks[at - 1] = rank(tokens[at - 1], tokens[at]);
            }
            if at < ranks.len() {
                ranks[at] = rank(tokens[at], tokens[at + 1]);
            }
        }
        tokens
    }

    /// Writes the pairs as JSON, in their order.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        gloss_training::write_json(path, &json!({ "first": self.first, "pairs": self.pairs }))
    }

    /// Reads pairs that [`write`](Self::write) wrote, on top of `first` tokens.
    ///
    /// # Errors
    /// If the file cannot be read, or a pair has tokens that come after it.
    pub(crate) fn read(path: &Path, first: u32) -> Result<Self> {
        #[derive(serde::Deserialize)]
        struct Written {
            first: u32,
            pairs: Vec<Pair>,
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let written: Written = serde_json::from_slice(&bytes).map_err(|error| {
            Error::input(path, format!("these are no pairs of tokens: {error}"))
        })?;
        let known =
            |(at, (a, b)): (usize, &Pair)| u64::from(*a.max(b)) < u64::from(first) + at as u64;
        if written.first != first || !written.pairs.iter().enumerate().all(known) {
            let message = format!("these pairs are not on top of {first} tokens");
            return Err(Error::input(path, message));
        }
        Ok(Merges::new(written.pairs, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_were_learned_first_are_merged_first() {
        let merges = Merges::new(vec![(2, 3), (1, 2), (1, 5)], 5);
        // 2 and 3 in either order are 5, which with 1 is 7.
        assert_eq!(merges.merge(vec![1, 2, 3, 4]), [7, 4]);
        assert_eq!(merges.merge(vec![3, 2, 1]), [7]);
        assert_eq!(merges.merge(vec![2, 1, 3]), [6, 3]);
        assert_eq!(merges.merge(vec![4]), [4]);
        assert_eq!(merges.merge(Vec::new()), [0; 0]);
    }

    #[test]
    fn damaged_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("merges.json");
        let merges = Merges::new(vec![(1, 2), (1, 3)], 3);
        merges.write(&path).unwrap();
        assert_eq!(Merges::read(&path, 3).unwrap(), merges);
        let refused = |first| Merges::read(&path, first).unwrap_err().to_string();
        assert!(refused(4).contains("these pairs are not on top of 4 tokens"));
        std::fs::write(&path, "{\"first\": 3, \"pairs\": [[1, 3]]}").unwrap();
        assert!(refused(3).contains("not on top of 3 tokens"));
        std::fs::write(&path, "[").unwrap();
        assert!(refused(3).contains("these are no pairs of tokens"));
    }
}
