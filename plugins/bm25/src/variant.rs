//! The formulas of BM25's variants.
//!
//! Source: Chris Kamphuis, Arjen P. de Vries, Leonid Boytsov and Jimmy Lin, *Which BM25 Do You
//! Mean? A Large-Scale Reproducibility Study of Scoring Variants*, ECIR 2020. With *N* items of
//! mean length *L*, and a term that occurs in *n* items and *f* times in an item of length *l*:
//!
//! - `robertson`: log max(1, (N − n + ½) / (n + ½)) · f / (k1 · (1 − b + b · l / L) + f)
//! - `lucene`: log(1 + (N − n + ½) / (n + ½)) · f / (k1 · (1 − b + b · l / L) + f)
//! - `atire`: log(N / n) · (k1 + 1) · f / (k1 · (1 − b + b · l / L) + f)
//! - `bm25l`: log((N + 1) / (n + ½)) · (k1 + 1) · (c + δ) / (k1 + c + δ), c = f / (1 − b + b · l / L)
//! - `bm25+`: log((N + 1) / n) · (δ + (k1 + 1) · f / (k1 · (1 − b + b · l / L) + f))
//!
//! The last two give a term that an item lacks (f = 0) a score too. Precision is that of bm25s, so
//! that equal scores here are equal scores there: inverse document frequencies and products of
//! f are single, all else is double until the result.

use crate::config::{Bm25, Variant};

/// A variant with its parameters, on a collection.
pub(crate) struct Formula {
    variant: Variant,
    k1: f64,
    b: f64,
    delta: f64,
    items: f64,
    mean_length: f64,
}

/// A term's scores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TermScore {
    /// The inverse document frequency.
    inverse_document_frequency: f32,
    /// Returns the contribution of a term to an item without it.
    pub(crate) absent: f32,
}

impl Formula {
    /// The formula of `options` for `items` items of mean length `mean_length`.
    pub(crate) fn new(options: &Bm25, items: usize, mean_length: f64) -> Self {
        Formula {
            variant: options.variant,
            k1: options.k1,
            b: options.b,
            delta: options.delta,
            items: items as f64,
            mean_length,
        }
    }

    /// The scores of a term that occurs in `document_frequency` items.
    pub(crate) fn term(&self, document_frequency: usize) -> TermScore {
        let inverse = self.inverse_document_frequency(document_frequency as f64);
        TermScore {
            inverse_document_frequency: inverse as f32,
            absent: (inverse * self.absent_component()) as f32,
        }
    }

    /// Returns the additional contribution to an item of `length` tokens, `frequency` of which are the term
    /// than an item without it.
    pub(crate) fn impact(&self, term: TermScore, frequency: u32, length: u64) -> f32 {
        let component = self.component(frequency as f32, length as f64);
        let score = f64::from(term.inverse_document_frequency) * component;
        (score - f64::from(term.absent)) as f32
    }

    fn inverse_document_frequency(&self, n: f64) -> f64 {
        let items = self.items;
        match self.variant {
            Variant::Lucene => (1.0 + (items - n + 0.5) / (n + 0.5)).ln(),
            Variant::Robertson => ((items - n + 0.5) / (n + 0.5)).max(1.0).ln(),
            Variant::Atire => (items / n).ln(),
            Variant::Bm25l => ((items + 1.0) / (n + 0.5)).ln(),
            Variant::Bm25Plus => ((items + 1.0) / n).ln(),
        }
    }

    fn component(&self, frequency: f32, length: f64) -> f64 {
        let (k1, delta) = (self.k1, self.delta);
        let normaliser = 1.0 - self.b + self.b * length / self.mean_length;
        let occurrences = f64::from(frequency);
        let saturating =
            || f64::from(frequency * (k1 + 1.0) as f32) / (occurrences + k1 * normaliser);
        match self.variant {
            Variant::Lucene | Variant::Robertson => occurrences / (k1 * normaliser + occurrences),
            Variant::Atire => saturating(),
            Variant::Bm25l => self.shifted(occurrences / normaliser),
            Variant::Bm25Plus => saturating() + delta,
        }
    }

    fn absent_component(&self) -> f64 {
        match self.variant {
            Variant::Lucene | Variant::Robertson | Variant::Atire => 0.0,
            Variant::Bm25l if self.k1 + self.delta == 0.0 => 0.0,
            Variant::Bm25l => self.shifted(0.0),
            Variant::Bm25Plus => self.delta,
        }
    }

    /// BM25L's component for a normalised frequency.
    fn shifted(&self, normalised: f64) -> f64 {
        let shifted = normalised + self.delta;
        ((self.k1 + 1.0) * shifted) / (self.k1 + normalised + self.delta)
    }
}
