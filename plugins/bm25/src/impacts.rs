//! The index in memory: every term's and every item's impacts.

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::config::Bm25;
use crate::postings::{Impact, Inverted, TermImpacts};
use crate::signature::Signatures;
use crate::variant::Formula;

/// Lists of impacts, one after the other.
#[derive(Default)]
pub(crate) struct Ragged {
    starts: Vec<usize>,
    impacts: Vec<Impact>,
}

impl Ragged {
    /// The list at `index`.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &[Impact] {
        let index = index as usize;
        &self.impacts[self.starts[index]..self.starts[index + 1]]
    }
}

/// All impacts, by term and by item.
pub(crate) struct Impacts {
    /// The number of items.
    pub(crate) items: usize,
    /// The number of each term.
    pub(crate) vocabulary: HashMap<Box<str>, u32>,
    /// By term: what an item without it gets.
    pub(crate) absent: Vec<f32>,
    /// By term: the most that it can change a score.
    pub(crate) bounds: Vec<f32>,
    /// By term: items, highest impact first, equal impacts in catalogue order.
    pub(crate) by_term: Ragged,
    /// By term: items, in catalogue order.
    pub(crate) by_term_and_item: Ragged,
    /// By item: terms.
    pub(crate) by_item: Ragged,
    /// A summary of `by_item`.
    pub(crate) signatures: Signatures,
}

impl Impacts {
    /// Scores all postings.
    pub(crate) fn new(options: &Bm25, inverted: Inverted) -> Self {
        let lengths = inverted.lengths();
        let mean_length = lengths.iter().sum::<u64>() as f64 / inverted.items as f64;
        let formula = Formula::new(options, inverted.items, mean_length);
        let lists = (0..inverted.terms.len())
            .into_par_iter()
            .map(|term| score_term(&formula, inverted.term(term), &lengths))
            .collect();
        Impacts::from_lists(inverted.items, inverted.terms, lists)
    }

    /// Arranges the impacts of `terms` on `items` items.
    pub(crate) fn from_lists(
        items: usize,
        terms: Vec<Box<str>>,
        mut lists: Vec<TermImpacts>,
    ) -> Self {
        let by_term_and_item = concatenate(&lists);
        lists.par_iter_mut().for_each(|list| {
            list.impacts
                .sort_unstable_by(|a, b| b.value.total_cmp(&a.value).then(a.of.cmp(&b.of)));
        });
        Impacts {
            items,
            vocabulary: terms.into_iter().zip(0..).collect(),
            absent: lists.iter().map(|list| list.absent).collect(),
            bounds: lists.iter().map(|list| largest(&list.impacts)).collect(),
            by_term: concatenate(&lists),
            by_term_and_item,
            by_item: transpose(&lists, items),
            signatures: Signatures::new(&lists, items),
        }
    }
}

fn score_term(formula: &Formula, postings: &[(u32, u32)], lengths: &[u64]) -> TermImpacts {
    let term = formula.term(postings.len());
    let impact = |&(item, frequency): &(u32, u32)| Impact {
        of: item,
        value: formula.impact(term, frequency, lengths[item as usize]),
    };
    TermImpacts {
        impacts: postings.iter().map(impact).collect(),
        absent: term.absent,
    }
}

fn largest(list: &[Impact]) -> f32 {
    list.iter()
        .fold(0.0, |most, impact| most.max(impact.value.abs()))
}

fn concatenate(lists: &[TermImpacts]) -> Ragged {
    let ends = lists.iter().scan(0, |end, list| {
        *end += list.impacts.len();
        Some(*end)
    });
    Ragged {
        starts: std::iter::once(0).chain(ends).collect(),
        impacts: lists
            .iter()
            .flat_map(|list| &list.impacts)
            .copied()
            .collect(),
    }
}

/// From items by term to terms by item.
fn transpose(lists: &[TermImpacts], items: usize) -> Ragged {
    let mut starts = vec![0; items + 1];
    for impact in lists.iter().flat_map(|list| &list.impacts) {
        starts[impact.of as usize + 1] += 1;
    }
    for item in 0..items {
        starts[item + 1] += starts[item];
    }
    let mut next = starts.clone();
    let mut impacts = vec![Impact::default(); starts[items]];
    for (list, term) in lists.iter().zip(0..) {
        for impact in &list.impacts {
            let place = &mut next[impact.of as usize];
            impacts[*place] = Impact {
                of: term,
                value: impact.value,
            };
            *place += 1;
        }
    }
    Ragged { starts, impacts }
}
