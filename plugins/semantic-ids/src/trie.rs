//! The catalogue as a tree of codes, so that a search writes nothing but items.

use std::ops::Range;

use crate::codes::Codes;

/// The items sorted by their codes: a node of the tree is a range of them, that of the items whose codes
/// begin alike.
pub(crate) struct Trie {
    codes: Codes,
    /// The items by their codes, equal ones in catalogue order.
    items: Vec<u32>,
}

/// A node: its items, as a range of the sorted ones.
pub(crate) type Node = Range<usize>;

impl Trie {
    pub(crate) fn new(codes: Codes) -> Self {
        let mut items: Vec<u32> = (0..codes.len() as u32).collect();
        items.sort_by(|a, b| (codes.of(*a), a).cmp(&(codes.of(*b), b)));
        Trie { codes, items }
    }

    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// The node of all items.
    pub(crate) fn root(&self) -> Node {
        0..self.items.len()
    }

    /// The items of a node; those of one below all levels have the same codes, and are in catalogue order.
    pub(crate) fn items(&self, node: &Node) -> &[u32] {
        &self.items[node.clone()]
    }

    /// The children of a node at `level`, each with its code, in the order of codes.
    pub(crate) fn children(&self, node: &Node, level: usize) -> Vec<(u16, Node)> {
        let mut children = Vec::new();
        let mut start = node.start;
        while start < node.end {
            let code = self.codes.of(self.items[start])[level];
            let same = |item: &u32| self.codes.of(*item)[level] == code;
            let end = start + self.items[start..node.end].partition_point(same);
            children.push((code, start..end));
            start = end;
        }
        children
    }

    /// The places of items among the sorted ones, ascending.
    pub(crate) fn places(&self, items: &[u32]) -> Vec<usize> {
        let place = |item: &u32| {
            let before =
                |other: &u32| (self.codes.of(*other), other) < (self.codes.of(*item), item);
            self.items.partition_point(before)
        };
        let mut places: Vec<usize> = items.iter().map(place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// Returns `true` if a node has no item beside those at `places`, which ascend.
pub(crate) fn is_exhausted(node: &Node, places: &[usize]) -> bool {
    let first = places.partition_point(|place| *place < node.start);
    let end = places.partition_point(|place| *place < node.end);
    end - first == node.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nodes_are_the_items_whose_codes_begin_alike(
            rows in prop::collection::vec((0u16..3, 0u16..4, 0u16..2), 1..40),
            seen in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let level = |at: usize| rows.iter().map(|row| [row.0, row.1, row.2][at]).collect();
            let codes = Codes::of_levels(&[(level(0), 3), (level(1), 4), (level(2), 2)]);
            let trie = Trie::new(codes.clone());
            let seen: Vec<u32> = seen.iter().map(|at| at.index(rows.len()) as u32).collect();
            let places = trie.places(&seen);
            let mut open = vec![(trie.root(), Vec::new())];
            while let Some((node, prefix)) = open.pop() {
                let depth = prefix.len();
                let below = |item: &u32| codes.of(*item)[..depth] == prefix[..];
                let expected: Vec<u32> = (0..rows.len() as u32).filter(below).collect();
                let mut found = trie.items(&node).to_vec();
                let all_seen = found.iter().all(|item| seen.contains(item));
                prop_assert_eq!(is_exhausted(&node, &places), all_seen);
                if depth < 3 {
                    found.sort_unstable();
                    for (code, child) in trie.children(&node, depth) {
                        open.push((child, [&prefix[..], &[code]].concat()));
                    }
                }
                prop_assert_eq!(found, expected);
            }
        }
    }
}
