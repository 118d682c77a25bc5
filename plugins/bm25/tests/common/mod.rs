//! What the tests share.

use gloss_bm25::{Bm25, Variant};
use gloss_core::{Catalogue, Context, Hit, Index, QueryContent, Request, Retriever};

/// An index of `catalogue`, written and opened.
pub(crate) fn index<'a>(options: &'a Bm25, catalogue: &'a Catalogue) -> Box<dyn Index + 'a> {
    let folder = tempfile::tempdir().unwrap();
    let context = Context::default();
    options.build(catalogue, folder.path(), &context).unwrap();
    options.open(catalogue, folder.path(), &context).unwrap()
}

/// The best `k` items for each text.
pub(crate) fn search<S: ToString>(index: &dyn Index, texts: &[S], k: usize) -> Vec<Vec<Hit>> {
    let contents: Vec<_> = texts
        .iter()
        .map(|text| QueryContent::Text(text.to_string()))
        .collect();
    let requests: Vec<_> = contents.iter().map(|query| Request { query, k }).collect();
    index.search(&requests).unwrap()
}

/// Returns `true` if a score is bm25s's: within 10⁻⁴ of it, and the same to the last bit for the variants
/// that give nothing for an absent term (numpy adds up what is given for those in another order).
pub(crate) fn agrees(variant: Variant, found: f32, expected: f32) -> bool {
    match variant {
        Variant::Lucene | Variant::Robertson | Variant::Atire => found == expected,
        Variant::Bm25l | Variant::Bm25Plus => (found - expected).abs() <= 1e-4 * expected,
    }
}
