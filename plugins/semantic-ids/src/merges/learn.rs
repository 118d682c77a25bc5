//! The pairs of a corpus of items' codes, most frequent first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use gloss_core::{Context, Result, Unit};
use rustc_hash::FxHashMap;

use super::{Merges, Pair, pair};

/// A multiple of all numbers of tokens of a node up to [`MOST_TOKENS`], so that weights are whole numbers.
const LEAST_COMMON_MULTIPLE: u128 = 720_720;

/// The most tokens of an item.
pub(crate) const MOST_TOKENS: usize = 16;

/// An item's tokens, or the token between two items that stands for some of both.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    tokens: Vec<u32>,
    is_item: bool,
}

/// The items of a user in their order.
type Sequence = Vec<Node>;

/// Calls `visit` with each pair of tokens that may come to lie side by side and, in parts of
/// 720,720², the expected number of times that they do if the tokens of every item are in random order: 2/n in an item
/// of n tokens, 1/(n·m) in neighbours of n and m tokens.
fn weigh(sequence: &[Node], mut visit: impl FnMut(Pair, u128)) {
    let part = |count: usize| LEAST_COMMON_MULTIPLE / count as u128;
    for (at, node) in sequence.iter().enumerate() {
        let own = part(node.tokens.len());
        for (place, a) in node.tokens.iter().enumerate() {
            for b in &node.tokens[place + 1..] {
                visit(pair(*a, *b), 2 * own * LEAST_COMMON_MULTIPLE);
            }
        }
        let Some(next) = sequence.get(at + 1) else {
            continue;
        };
        let weight = own * part(next.tokens.len());
        for a in &node.tokens {
            for b in &next.tokens {
                visit(pair(*a, *b), weight);
            }
        }
    }
}

/// Puts `token` in the place of every pair, from left to right.
fn replace(sequence: &mut Sequence, (a, b): Pair, token: u32) {
    let mut at = 0;
    while at < sequence.len() {
        let has = |node: &Node, token: u32| node.tokens.contains(&token);
        let node = &sequence[at];
        if a != b && has(node, a) && has(node, b) {
            let node = &mut sequence[at];
            node.tokens.retain(|own| *own != a && *own != b);
            node.tokens.push(token);
            // The new token may be one of another pair with the next node, but not of this one.
        }
        let Some(next) = sequence.get(at + 1) else {
            break;
        };
        let node = &sequence[at];
        let found = [(a, b), (b, a)]
            .into_iter()
            .find(|(left, right)| has(node, *left) && has(next, *right));
        match found {
            Some((left, right)) => at = join(sequence, at, (left, right), token),
            None => at += 1,
        }
    }
}

/// Takes `left` from the node at `at` and `right` from the next one, and puts `token` between items, or in the place of
/// what is between them already. Returns the place to go on from.
fn join(sequence: &mut Sequence, at: usize, (left, right): Pair, token: u32) -> usize {
    sequence[at].tokens.retain(|own| *own != left);
    sequence[at + 1].tokens.retain(|own| *own != right);
    let (is_item, next_is_item) = (sequence[at].is_item, sequence[at + 1].is_item);
    // The token that stands between items, and how many places behind `at` it is.
    let place = match (is_item, next_is_item) {
        (true, true) => {
            let between = Node {
                tokens: vec![token],
                is_item: false,
            };
            sequence.insert(at + 1, between);
            at + 1
        }
        (true, false) => {
            sequence[at + 1].tokens.push(token);
            at + 1
        }
        (false, _) => {
            sequence[at].tokens.push(token);
            at
        }
    };
    let empty_before = sequence[..place]
        .iter()
        .filter(|node| node.tokens.is_empty())
        .count();
    sequence.retain(|node| !node.tokens.is_empty());
    place - empty_before
}

/// The nodes with a token of the pair and those between them, with the neighbours of these on both sides; `None` if there
/// is no such node.
fn changing(sequence: &[Node], (a, b): Pair) -> Option<Range<usize>> {
    let has = |node: &Node| node.tokens.contains(&a) || node.tokens.contains(&b);
    let first = sequence.iter().position(has)?;
    let last = sequence.iter().rposition(has)?;
    Some(first.saturating_sub(1)..sequence.len().min(last + 2))
}

/// The state of learning.
struct Learner {
    sequences: Vec<Sequence>,
    weights: FxHashMap<Pair, u128>,
    /// The sequences in which a pair is or was.
    places: FxHashMap<Pair, Vec<u32>>,
    /// Pairs by weights that are not below those that they have.
    heap: BinaryHeap<(u128, Reverse<Pair>)>,
    /// The weight with which a pair is in the heap.
    pushed: FxHashMap<Pair, u128>,
}

impl Learner {
    fn new(sequences: Vec<Sequence>) -> Self {
        let mut learner = Learner {
            weights: FxHashMap::default(),
            places: FxHashMap::default(),
            heap: BinaryHeap::new(),
            pushed: FxHashMap::default(),
            sequences: Vec::new(),
        };
        for (number, sequence) in (0..).zip(&sequences) {
            weigh(sequence, |pair, weight| {
                *learner.weights.entry(pair).or_default() += weight;
                let places = learner.places.entry(pair).or_default();
                if places.last() != Some(&number) {
                    places.push(number);
                }
            });
        }
        learner.sequences = sequences;
        let pairs: Vec<Pair> = learner.weights.keys().copied().collect();
        for pair in pairs {
            learner.push(pair);
        }
        learner
    }

    fn push(&mut self, pair: Pair) {
        let weight = self.weights.get(&pair).copied().unwrap_or(0);
        let pushed = self.pushed.entry(pair).or_default();
        if weight > *pushed {
            *pushed = weight;
            self.heap.push((weight, Reverse(pair)));
        }
    }

    /// The pair of the greatest weight, the lowest of equal ones; `None` if there is no pair.
    fn best(&mut self) -> Option<Pair> {
        while let Some((weight, Reverse(pair))) = self.heap.pop() {
            if self.pushed.get(&pair) != Some(&weight) {
                continue;
            }
            let now = self.weights.get(&pair).copied().unwrap_or(0);
            self.pushed.remove(&pair);
            match now {
                0 => {}
                now if now == weight => return Some(pair),
                _ => self.push(pair),
            }
        }
        None
    }

    /// Puts `token` in the place of `merged` everywhere.
    fn replace(&mut self, merged: Pair, token: u32) {
        let mut grown: Vec<Pair> = Vec::new();
        for number in self.places.remove(&merged).unwrap_or_default() {
            let sequence = &mut self.sequences[number as usize];
            let Some(changing) = changing(sequence, merged) else {
                continue;
            };
            let weights = &mut self.weights;
            weigh(&sequence[changing.clone()], |pair, weight| {
                if let Some(all) = weights.get_mut(&pair) {
                    *all -= weight;
                }
            });
            let behind = sequence.len() - changing.end;
            replace(sequence, merged, token);
            let places = &mut self.places;
            let changed = changing.start..sequence.len() - behind;
            weigh(&sequence[changed], |pair, weight| {
                *weights.entry(pair).or_default() += weight;
                grown.push(pair);
                let places = places.entry(pair).or_default();
                if let Err(at) = places.binary_search(&number) {
                    places.insert(at, number);
                }
            });
        }
        self.weights.remove(&merged);
        self.pushed.remove(&merged);
        grown.sort_unstable();
        grown.dedup();
        for pair in grown {
            self.push(pair);
        }
    }
}

impl Merges {
    /// Learns at most `count` pairs of users' items, each with its tokens, all of which are below `first`: always the
    /// pair that is expected most often side by side if the tokens of every item are in random order.
    ///
    /// # Errors
    /// If the work is interrupted.
    pub(crate) fn learn(
        users: impl Iterator<Item = Vec<Vec<u32>>>,
        first: u32,
        count: usize,
        context: &Context,
    ) -> Result<Self> {
        let node = |tokens: Vec<u32>| Node {
            tokens,
            is_item: true,
        };
        let sequence = |items: Vec<Vec<u32>>| items.into_iter().map(node).collect();
        let mut learner = Learner::new(users.map(sequence).collect());
        let task = context.task("Learning tokens", Some(count as u64), Unit::Count);
        let mut pairs = Vec::new();
        while pairs.len() < count {
            let Some(best) = learner.best() else {
                break;
            };
            learner.replace(best, first + pairs.len() as u32);
            pairs.push(best);
            task.advance(1)?;
        }
        Ok(Merges::new(pairs, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        users: Vec<Vec<Vec<u32>>>,
        first: u32,
        count: usize,
        pairs: Vec<Pair>,
    }

    #[test]
    fn pairs_are_those_of_the_definition() {
        let text = include_bytes!("../../tests/golden/action_piece.json");
        let golden: Golden = serde_json::from_slice(text).unwrap();
        let users = golden.users.into_iter();
        let context = Context::default();
        let merges = Merges::learn(users, golden.first, golden.count, &context).unwrap();
        assert_eq!(merges.pairs, golden.pairs);
    }
}
