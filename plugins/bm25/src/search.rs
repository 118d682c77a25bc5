//! Queries: term-at-a-time MaxScore over lists that begin with the highest impacts, or all items.
//!
//! The query's terms are walked from the one that can add most to the one that can add least. An
//! item that a list shows for the first time is scored in full from its own list of terms, unless
//! its signature rules it out. A list is left as soon as its next impact
//! cannot bring an item among the best even with all that weaker terms can add. What is passed
//! over this way is out for good, whichever list shows it later: what stronger lists would have
//! added was in the reckoning there. The search ends when the terms left cannot do it together.
//!
//! Adding up all postings in the order of the catalogue is quicker if few of them can be passed over,
//! as among items of frequent words. A walk that has looked at more than a share of the query's
//! postings is given up for that. Both give the same hits, to the last digit.

mod dense;

use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Hit, Index, QueryContent, Request, Result, ScorePart};
use rayon::prelude::*;

use crate::analyser::Analyser;
use crate::best::Best;
use crate::config::Bm25;
use crate::impacts::Impacts;
use crate::postings::{Impact, Inverted};
use crate::signature::SignatureBounds;

/// Queries that a thread takes at a time, at most.
const CHUNK: usize = 256;

/// Postings that are looked at together.
const BLOCK: usize = 32;

/// A posting of a walk costs as much as so many that are added up in order.
const WALK: usize = 8;

/// A posting costs as much as the score of so many items does to be reset and compared.
const RESET: usize = 8;

/// An opened index.
pub(crate) struct Searcher {
    analyser: Analyser,
    impacts: Impacts,
    /// Working memory that no thread is using.
    idle: Mutex<Vec<Scratch>>,
}

/// The working memory of one thread; all vectors by term or by item are zero between queries,
/// except `visited`.
struct Scratch {
    lowered: String,
    /// The query's known tokens, in order, as terms.
    tokens: Vec<u32>,
    terms: Vec<QueryTerm>,
    /// By term: how often it occurs in the query.
    weights: Vec<f32>,
    /// By term: its impact on the current item.
    values: Vec<f32>,
    /// By item: the last query that saw it.
    visited: Vec<u32>,
    query: u32,
    bounds: SignatureBounds,
    /// By token: how many of its postings were added up.
    read: Vec<usize>,
    /// By item of a block.
    scores: Vec<f32>,
    best: Best,
}

/// A term of a query.
#[derive(Clone, Copy)]
struct QueryTerm {
    term: u32,
    weight: f32,
    /// The most that it can change a score.
    bound: f32,
}

impl QueryTerm {
    /// The most that the term adds to a score by `impact`.
    #[inline]
    fn adds(&self, impact: &Impact) -> f32 {
        (impact.value * self.weight).max(0.0)
    }
}

impl Scratch {
    fn new(impacts: &Impacts) -> Self {
        Scratch {
            lowered: String::new(),
            tokens: Vec::new(),
            terms: Vec::new(),
            weights: vec![0.0; impacts.absent.len()],
            values: vec![0.0; impacts.absent.len()],
            visited: vec![0; impacts.items],
            query: 0,
            bounds: SignatureBounds::new(),
            read: Vec::new(),
            scores: Vec::new(),
            best: Best::new(),
        }
    }

    /// Reads the query's tokens and orders its terms by what they can add.
    fn begin(&mut self, analyser: &Analyser, impacts: &Impacts, text: &str) {
        self.query = self.query.wrapping_add(1);
        if self.query == 0 {
            self.visited.fill(0);
            self.query = 1;
        }
        self.tokens.clear();
        analyser.tokens(text, &mut self.lowered, |token| {
            self.tokens.extend(impacts.vocabulary.get(token));
        });
        self.terms.clear();
        for &term in &self.tokens {
            let weight = &mut self.weights[term as usize];
            if *weight == 0.0 {
                self.terms.push(QueryTerm {
                    term,
                    weight: 0.0,
                    bound: 0.0,
                });
            }
            *weight += 1.0;
        }
        for term in &mut self.terms {
            term.weight = self.weights[term.term as usize];
            term.bound = term.weight * impacts.bounds[term.term as usize];
        }
        self.terms
            .sort_unstable_by(|a, b| b.bound.total_cmp(&a.bound));
    }

    fn end(&mut self) {
        for term in &self.terms {
            self.weights[term.term as usize] = 0.0;
        }
    }

    /// The sum of the query's impacts on `item`, roughly: in an order that a processor likes.
    fn estimate(&self, impacts: &Impacts, item: u32) -> f32 {
        let weighted = |impact: &Impact| impact.value * self.weights[impact.of as usize];
        let (blocks, rest) = impacts.by_item.get(item).as_chunks::<4>();
        let mut sums = [0.0; 4];
        for block in blocks {
            for (sum, impact) in sums.iter_mut().zip(block) {
                *sum += weighted(impact);
            }
        }
        let rest: f32 = rest.iter().map(weighted).sum();
        (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
    }

    /// The sum of the query's impacts on `item`, added up token by token, which decides its last
    /// digit.
    fn exact(&mut self, impacts: &Impacts, item: u32) -> f32 {
        let list = impacts.by_item.get(item);
        for impact in list {
            self.values[impact.of as usize] = impact.value;
        }
        let score = self
            .tokens
            .iter()
            .fold(0.0, |sum, &token| sum + self.values[token as usize]);
        for impact in list {
            self.values[impact.of as usize] = 0.0;
        }
        score
    }
}

impl Searcher {
    /// Searches `inverted` as `options` say.
    pub(crate) fn new(options: &Bm25, analyser: Analyser, inverted: Inverted) -> Self {
        Searcher {
            analyser,
            impacts: Impacts::new(options, inverted),
            idle: Mutex::default(),
        }
    }

    fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut scratch = taken.unwrap_or_else(|| Scratch::new(&self.impacts));
        let result = work(&mut scratch);
        idle().push(scratch);
        result
    }

    fn answer(&self, text: &str, k: usize, scratch: &mut Scratch) -> Vec<Hit> {
        let k = k.min(self.impacts.items);
        if k == 0 {
            return Vec::new();
        }
        scratch.begin(&self.analyser, &self.impacts, text);
        let postings = |&token: &u32| self.impacts.by_term.get(token).len();
        let all = scratch.tokens.iter().map(postings).sum::<usize>() + self.impacts.items / RESET;
        self.best_within(all / WALK, k, scratch);
        scratch.end();
        scratch.best.take()
    }

    /// Finds the best `k` of the query that was begun: by a walk over so many postings, or else
    /// among the scores of all items.
    fn best_within(&self, postings: usize, k: usize, scratch: &mut Scratch) {
        let absent = &self.impacts.absent;
        let base = scratch
            .tokens
            .iter()
            .fold(0.0, |sum, &token| sum + absent[token as usize]);
        scratch.best.begin(k);
        if !self.walk(postings, base, scratch) {
            scratch.best.begin(k);
            self.score_all(base, scratch);
        } else if base > 0.0 {
            self.fill(base, scratch);
        }
    }

    /// Offers all items with one of the query's terms, save those that cannot be among the best.
    /// `base` is what an item without any gets. Returns `false` if that took more than `left`
    /// postings.
    fn walk(&self, mut left: usize, base: f32, scratch: &mut Scratch) -> bool {
        let mut rest: f32 = scratch.terms.iter().map(|term| term.bound).sum();
        // More than single precision may lose in adding up the query's impacts in any two orders.
        let margin = rest * scratch.tokens.len() as f32 * 4.0 * f32::EPSILON;
        let signatures = &self.impacts.signatures;
        let terms = scratch.terms.iter().map(|term| (term.term, term.bound));
        scratch.bounds.begin(signatures, terms);
        for index in 0..scratch.terms.len() {
            if !scratch.best.admits(rest + margin + base) {
                return true;
            }
            let term = scratch.terms[index];
            rest -= term.bound;
            scratch.bounds.done(signatures, term.term);
            for block in self.impacts.by_term.get(term.term).chunks(BLOCK) {
                let most = term.adds(&block[0]) + rest;
                if !scratch.best.admits(most + margin + base) {
                    break;
                }
                let Some(less) = left.checked_sub(block.len()) else {
                    return false;
                };
                left = less;
                self.offer(block, term, margin, base, scratch);
            }
        }
        true
    }

    /// Offers the items of a block of a term's postings, save those that cannot be among the best.
    fn offer(
        &self,
        block: &[Impact],
        term: QueryTerm,
        margin: f32,
        base: f32,
        scratch: &mut Scratch,
    ) {
        let mut items = [0; BLOCK];
        let mut count = 0;
        for impact in block {
            let rest = scratch.bounds.of(&self.impacts.signatures, impact.of);
            let most = term.adds(impact) + rest;
            items[count] = impact.of;
            count += usize::from(scratch.best.admits(most + margin + base));
        }
        for &item in &items[..count] {
            let visited = &mut scratch.visited[item as usize];
            if *visited == scratch.query {
                continue;
            }
            *visited = scratch.query;
            let estimate = scratch.estimate(&self.impacts, item);
            if scratch.best.admits(estimate + margin + base) {
                let score = scratch.exact(&self.impacts, item) + base;
                scratch.best.offer(Hit { item, score });
            }
        }
    }

    /// Offers the items without any of the query's terms. Where one of them can be among the best,
    /// no list was left early, so that the unvisited items are these.
    fn fill(&self, base: f32, scratch: &mut Scratch) {
        if !scratch.best.admits(base) {
            return;
        }
        for (item, &visited) in (0..).zip(&scratch.visited) {
            if visited != scratch.query && !scratch.best.offer(Hit { item, score: base }) {
                return;
            }
        }
    }
}

impl Index for Searcher {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let mut answers = vec![Vec::new(); requests.len()];
        let threads = rayon::current_num_threads();
        let chunk = requests.len().div_ceil(4 * threads).clamp(1, CHUNK);
        answers
            .par_chunks_mut(chunk)
            .zip(requests.par_chunks(chunk))
            .try_for_each(|(answers, requests)| {
                self.with_scratch(|scratch| {
                    for (answer, request) in answers.iter_mut().zip(requests) {
                        *answer = self.answer(text_of(request)?, request.k, scratch);
                    }
                    Ok(())
                })
            })?;
        Ok(answers)
    }

    /// Returns a part for each different term of the query that the catalogue has.
    fn explain(&self, query: &QueryContent, item: u32) -> Result<Vec<ScorePart>> {
        let text = text_of(&Request { query, k: 1 })?;
        let mut parts: Vec<ScorePart> = Vec::new();
        self.analyser.tokens(text, &mut String::new(), |token| {
            let Some(&term) = self.impacts.vocabulary.get(token) else {
                return;
            };
            let impacts = self.impacts.by_item.get(item).iter();
            let impact: f32 = impacts
                .filter(|impact| impact.of == term)
                .map(|impact| impact.value)
                .sum();
            let score = impact + self.impacts.absent[term as usize];
            match parts.iter_mut().find(|part| part.of == token) {
                Some(part) => part.score += score,
                None => parts.push(ScorePart {
                    of: token.to_string(),
                    score,
                }),
            }
        });
        Ok(parts)
    }
}

fn text_of<'a>(request: &Request<'a>) -> Result<&'a str> {
    match request.query {
        QueryContent::Text(text) => Ok(text),
        other => Err(Error::Usage(format!(
            "the retriever bm25 answers text queries, and was asked with one of kind {}",
            other.kind()
        ))),
    }
}

#[cfg(test)]
mod tests;
