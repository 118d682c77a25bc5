//! The texts of a catalogue as a tree of tokens, so that a search writes nothing but items.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use gloss_core::{Catalogue, Error, Result};
use rayon::prelude::*;

use crate::prompt::Prompts;

/// The token trie of all item texts, each of which ends with EOS.
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
    /// The trie of the items' texts as they follow a prompt, ended by the token `eos`.
    ///
    /// # Errors
    /// If an item's text is empty, holds `eos`, or is not what the tokenizer makes of its tokens.
    pub fn new(prompts: &Prompts<'_>, catalogue: &Catalogue, eos: i64) -> Result<Self> {
        let paths: Vec<Vec<i64>> = (0..catalogue.len() as u32)
            .into_par_iter()
            .map(|item| path_of(prompts, catalogue, item, eos))
            .collect::<Result<_>>()?;
        Ok(Trie::of_paths(&paths))
    }

    /// The trie of the token sequences of items, none of which may begin another.
    fn of_paths(paths: &[Vec<i64>]) -> Self {
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

    /// The first item of a leaf, in catalogue order, that is not in `seen`.
    pub fn first_unseen(&self, leaf: i64, seen: &[u32]) -> Option<u32> {
        let items = self.items(leaf).iter();
        items.copied().find(|item| !seen.contains(item))
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

/// The tokens of an item's text, and EOS.
fn path_of(prompts: &Prompts<'_>, catalogue: &Catalogue, item: u32, eos: i64) -> Result<Vec<i64>> {
    let item = catalogue.item(item);
    let refused = |reason: String| {
        Err(Error::Usage(format!(
            "item {} cannot be written token by token: {reason}",
            item.id
        )))
    };
    let mut tokens = match prompts.continuation(&item.text) {
        Ok(tokens) => tokens,
        Err(error) => return refused(error.to_string()),
    };
    if tokens.is_empty() {
        return refused("its text is empty".to_string());
    }
    if tokens.contains(&eos) {
        return refused(format!(
            "its text `{}` holds the token that ends a text",
            item.text
        ));
    }
    let text = prompts.tokenizer().decode(&tokens)?;
    if text != item.text {
        return refused(format!(
            "its text `{}` comes back from the tokenizer as `{text}`",
            item.text
        ));
    }
    tokens.push(eos);
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Truncation;
    use crate::tokenizer::Tokenizer;
    use gloss_core::Item;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    const EOS: i64 = 2;

    fn tokenizer() -> Tokenizer {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer");
        Tokenizer::open(&folder, 768).unwrap()
    }

    fn trie(texts: &[String]) -> Result<(Trie, Vec<Vec<i64>>)> {
        let item = |(index, text): (usize, &String)| Item {
            id: format!("id{index}"),
            text: text.clone(),
            fields: Vec::new(),
        };
        let items = texts.iter().enumerate().map(item).collect();
        let catalogue = Catalogue::new(items, Vec::new())?;
        let prompts = Prompts::new(&tokenizer(), &catalogue, Truncation::Left, 974)?;
        let with_end = |text: &String| Ok([prompts.continuation(text)?, vec![EOS]].concat());
        let trie = Trie::new(&prompts, &catalogue, EOS)?;
        Ok((trie, texts.iter().map(with_end).collect::<Result<_>>()?))
    }

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

    /// Texts that often begin alike, are the beginning of another, or occur twice.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("Title: (Rose |Lily |é|香){0,3}(Soap|So|a)", 1..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_the_tree_of_all_beginnings(texts in texts()) {
            let (trie, paths) = trie(&texts).unwrap();
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
        fn children_are_sorted_and_numbered_breadth_first(texts in texts()) {
            let (trie, _) = trie(&texts).unwrap();
            prop_assert_eq!(trie.children_start.len(), trie.len() + 1);
            let numbers: Vec<i64> = (1..trie.len() as i64).collect();
            prop_assert_eq!(&trie.child_node, &numbers);
            for node in 0..trie.len() as i64 {
                prop_assert!(trie.child_token[trie.children(node)].is_sorted_by(|a, b| a < b));
            }
        }

        #[test]
        fn what_is_blocked_holds_seen_items_alone_and_all_of_them_that_can_be(
            texts in texts(),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let (trie, paths) = trie(&texts).unwrap();
            let seen: Vec<u32> = picks.iter().map(|i| i.index(texts.len()) as u32).collect();
            let full = |node: i64| trie.items(node).iter().all(|item| seen.contains(item));
            let nodes = walk(&trie);
            let topmost = nodes.iter().filter(|(tokens, node)| {
                let above_full = (0..tokens.len()).any(|length| full(nodes[&tokens[..length]]));
                full(**node) && !above_full
            });
            let mut expected: Vec<i64> = topmost.map(|(_, node)| *node).collect();
            expected.sort_unstable();
            prop_assert_eq!(trie.blocked(&seen), expected);
            for path in &paths {
                let leaf = nodes[path];
                let unseen = trie.items(leaf).iter().copied().find(|item| !seen.contains(item));
                prop_assert_eq!(trie.first_unseen(leaf, &seen), unseen);
            }
        }
    }

    #[test]
    fn an_item_that_cannot_be_written_is_named() {
        let told = |text: &str| {
            let texts = ["Title: a".to_string(), text.to_string()];
            trie(&texts).unwrap_err().to_string()
        };
        let named = "item id1 cannot be written token by token: ";
        assert_eq!(told(""), format!("{named}its text is empty"));
        assert_eq!(
            told("Title: <end>"),
            format!("{named}its text `Title: <end>` holds the token that ends a text")
        );
        assert_eq!(
            told("Title: <begin>b"),
            format!(
                "{named}its text `Title: <begin>b` comes back from the tokenizer as `Title: b`"
            )
        );
        assert!(told("\nTitle: a").starts_with(named));
    }

    #[test]
    fn an_empty_catalogue_is_a_root() {
        let (trie, _) = trie(&[]).unwrap();
        assert!(trie.is_empty());
        assert_eq!((trie.len(), trie.depth(), trie.most_children(0)), (1, 0, 0));
        assert_eq!(trie.blocked(&[]), [0]);
    }
}
