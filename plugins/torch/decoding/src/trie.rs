//! The items of a catalogue as a tree of tokens, so that a search writes nothing but items.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use rayon::prelude::*;

/// The trie of the token sequences of all items, such as their texts with the token that ends one, or their codes.
///
/// Nodes are numbered breadth first, the root is 0, and the children of a node are numbered in
/// the order of their tokens. Arrays are ready to become tensors: the children of `node` are at
/// `children_start[node]..children_start[node + 1]` in `child_token` and `child_node`.
#[derive(Debug)]
pub struct Trie {
    /// The start of each node's children, with one more entry than nodes.
    pub children_start: Vec<i64>,
    /// The token of each child, ascending within a node.
    pub child_token: Vec<i64>,
    /// The node of each child.
    pub child_node: Vec<i64>,
    /// The items, sorted by their tokens, then by catalogue order.
    items: Vec<u32>,
    /// The position of each item in `items`.
    places: Vec<u32>,
    /// The range of `items` below each node.
    below: Vec<Range<u32>>,
    /// For each depth, the most children that a node has there.
    most_children: Vec<usize>,
}

impl Trie {
    /// The trie of the token sequences of items, in catalogue order. Items may share one, but none may begin another.
    pub fn new(paths: &[Vec<i64>]) -> Self {
        let mut items: Vec<u32> = (0..paths.len() as u32).collect();
        items.par_sort_by(|a, b| (&paths[*a as usize], a).cmp(&(&paths[*b as usize], b)));
        let mut places = vec![0; items.len()];
        for (place, item) in (0..).zip(&items) {
            places[*item as usize] = place;
        }
        let mut trie = Trie {
            children_start: vec![0],
            child_token: Vec::new(),
            child_node: Vec::new(),
            below: std::iter::once(0..items.len() as u32).collect(),
            most_children: Vec::new(),
            items,
            places,
        };
        let mut open = VecDeque::from([(0, 0)]);
        while let Some((node, depth)) = open.pop_front() {
            let children = trie.add_children(node, depth, paths);
            if !children.is_empty() {
                trie.most_children.resize(depth + 1, 0);
                trie.most_children[depth] = trie.most_children[depth].max(children.len());
            }
            open.extend(children.map(|child| (child, depth + 1)));
        }
        trie
    }

    /// Adds the children of a node: a run of items with the same token at `depth` makes one.
    fn add_children(&mut self, node: usize, depth: usize, paths: &[Vec<i64>]) -> Range<usize> {
        let first_child = self.below.len();
        let mut rest = self.below[node].clone();
        while let Some(start) = rest.next() {
            let token_at = |place: u32| paths[self.items[place as usize] as usize].get(depth);
            let Some(&token) = token_at(start) else {
                continue;
            };
            let same = rest
                .clone()
                .take_while(|&place| token_at(place) == Some(&token));
            let end = start + 1 + same.count() as u32;
            rest.start = end;
            self.child_token.push(token);
            self.child_node.push(self.below.len() as i64);
            self.below.push(start..end);
        }
        self.children_start.push(self.child_token.len() as i64);
        first_child..self.below.len()
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.below.len()
    }

    /// Returns `true` if there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the length in tokens of the longest text, including its EOS.
    pub fn depth(&self) -> usize {
        self.most_children.len()
    }

    /// The most children of a node that is reached by `depth` tokens; 0 for the deepest and beyond.
    pub fn most_children(&self, depth: usize) -> usize {
        self.most_children.get(depth).copied().unwrap_or(0)
    }

    /// The children of a node, as places in `child_token` and `child_node`.
    pub fn children(&self, node: i64) -> Range<usize> {
        let node = node as usize;
        self.children_start[node] as usize..self.children_start[node + 1] as usize
    }

    /// The child of a node by a token.
    pub fn child(&self, node: i64, token: i64) -> Option<i64> {
        let children = self.children(node);
        let place = self.child_token[children.clone()]
            .binary_search(&token)
            .ok()?;
        Some(self.child_node[children.start + place])
    }

    /// Returns `true` if a node ends a text.
    pub fn is_leaf(&self, node: i64) -> bool {
        self.children(node).is_empty()
    }

    /// The items below a node. Those of a leaf have one text, and are in catalogue order.
    pub fn items(&self, node: i64) -> &[u32] {
        let below = &self.below[node as usize];
        &self.items[below.start as usize..below.end as usize]
    }

    /// The nodes that the text of an item leads through, from the root's child to the leaf.
    pub fn path(&self, item: u32) -> Vec<i64> {
        let place = self.places[item as usize];
        let mut path = Vec::new();
        let mut children = self.children(0);
        while !children.is_empty() {
            let nodes = &self.child_node[children];
            let index = nodes.partition_point(|&node| self.below[node as usize].end <= place);
            path.push(nodes[index]);
            children = self.children(nodes[index]);
        }
        path
    }

    /// The topmost nodes below which all items are in `seen`, ascending: a search that never
    /// enters them writes no seen item, and misses no other. The root alone if all items are seen.
    pub fn blocked(&self, seen: &[u32]) -> Vec<i64> {
        let mut seen = seen.to_vec();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() == self.items.len() {
            return vec![0];
        }
        let paths: Vec<Vec<i64>> = seen.iter().map(|&item| self.path(item)).collect();
        let mut seen_below: HashMap<i64, usize> = HashMap::new();
        for &node in paths.iter().flatten() {
            *seen_below.entry(node).or_default() += 1;
        }
        let topmost = |path: &Vec<i64>| {
            let full = |node: &&i64| seen_below[*node] == self.items(**node).len();
            path.iter().find(full).copied()
        };
        let mut blocked: Vec<i64> = paths.iter().filter_map(topmost).collect();
        blocked.sort_unstable();
        blocked.dedup();
        blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const EOS: i64 = 9;

    /// All nodes with the tokens that lead there, by going through the arrays.
    fn walk(trie: &Trie) -> BTreeMap<Vec<i64>, i64> {
        let mut nodes = BTreeMap::from([(Vec::new(), 0)]);
        let mut open = vec![(Vec::new(), 0)];
        while let Some((tokens, node)) = open.pop() {
            for place in trie.children(node) {
                let tokens = [&tokens[..], &[trie.child_token[place]]].concat();
                let child = trie.child_node[place];
                assert_eq!(trie.child(node, trie.child_token[place]), Some(child));
                assert!(nodes.insert(tokens.clone(), child).is_none());
                open.push((tokens, child));
            }
        }
        nodes
    }

    /// Paths that often begin alike, or occur twice.
    fn paths() -> impl Strategy<Value = Vec<Vec<i64>>> {
        let ended = |mut path: Vec<i64>| {
            path.push(EOS);
            path
        };
        prop::collection::vec(prop::collection::vec(0..3_i64, 0..4).prop_map(ended), 1..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_the_tree_of_all_beginnings(paths in paths()) {
            let trie = Trie::new(&paths);
            let mut below: BTreeMap<Vec<i64>, Vec<u32>> = BTreeMap::new();
            for (item, path) in (0..).zip(&paths) {
                for length in 0..=path.len() {
                    below.entry(path[..length].to_vec()).or_default().push(item);
                }
            }
            let nodes = walk(&trie);
            prop_assert_eq!(nodes.len(), trie.len());
            prop_assert!(nodes.keys().eq(below.keys()));
            for (tokens, items) in &below {
                let mut found = trie.items(nodes[tokens]).to_vec();
                let ends = tokens.last() == Some(&EOS);
                prop_assert_eq!(trie.is_leaf(nodes[tokens]), ends);
                if !ends {
                    found.sort_unstable();
                }
                prop_assert_eq!(&found, items);
            }
            for (item, path) in (0..).zip(&paths) {
                let expected: Vec<i64> = (1..=path.len()).map(|n| nodes[&path[..n]]).collect();
                prop_assert_eq!(trie.path(item), expected);
            }
            prop_assert_eq!(trie.depth(), paths.iter().map(Vec::len).max().unwrap());
            for depth in 0..=trie.depth() {
                let at_depth = nodes.iter().filter(|(tokens, _)| tokens.len() == depth);
                let most = at_depth.map(|(_, node)| trie.children(*node).len()).max();
                prop_assert_eq!(trie.most_children(depth), most.unwrap_or(0));
            }
        }

        #[test]
        fn children_are_sorted_and_numbered_breadth_first(paths in paths()) {
            let trie = Trie::new(&paths);
            prop_assert_eq!(trie.children_start.len(), trie.len() + 1);
            let numbers: Vec<i64> = (1..trie.len() as i64).collect();
            prop_assert_eq!(&trie.child_node, &numbers);
            for node in 0..trie.len() as i64 {
                prop_assert!(trie.child_token[trie.children(node)].is_sorted_by(|a, b| a < b));
            }
        }

        #[test]
        fn what_is_blocked_holds_seen_items_alone_and_all_of_them_that_can_be(
            paths in paths(),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let trie = Trie::new(&paths);
            let seen: Vec<u32> = picks.iter().map(|i| i.index(paths.len()) as u32).collect();
            let full = |node: i64| trie.items(node).iter().all(|item| seen.contains(item));
            let nodes = walk(&trie);
            let topmost = nodes.iter().filter(|(tokens, node)| {
                let above_full = (0..tokens.len()).any(|length| full(nodes[&tokens[..length]]));
                full(**node) && !above_full
            });
            let mut expected: Vec<i64> = topmost.map(|(_, node)| *node).collect();
            expected.sort_unstable();
            prop_assert_eq!(trie.blocked(&seen), expected);
        }
    }

    #[test]
    fn an_empty_catalogue_is_a_root() {
        let trie = Trie::new(&[]);
        assert!(trie.is_empty());
        assert_eq!((trie.len(), trie.depth(), trie.most_children(0)), (1, 0, 0));
        assert_eq!(trie.blocked(&[]), [0]);
    }
}
