//! Candidates for the next token of beams.

use tch::{TchError, Tensor};

/// The best ways to go on, best first; each tensor is [users, kept].
pub(crate) struct Candidates {
    /// The log-probability of the whole text; -∞ where there are fewer ways.
    pub(crate) scores: Tensor,
    /// The beam at work that it continues.
    pub(crate) parents: Tensor,
    /// The token that it adds.
    pub(crate) tokens: Tensor,
    /// The next node in the trie of the catalogue, if there is one.
    pub(crate) nodes: Option<Tensor>,
}

/// The `kept` largest of each row of `values`, largest first, and where they are; if there are
/// fewer, the rest is -∞ at position 0.
pub(crate) fn best(values: &Tensor, kept: i64) -> Result<(Tensor, Tensor), TchError> {
    let there = kept.min(values.size2()?.1);
    let (scores, at) = values.f_topk(there, 1, true, true)?;
    if there == kept {
        return Ok((scores, at));
    }
    let missing = [0, kept - there];
    let scores = scores.f_pad(missing, "constant", f64::NEG_INFINITY)?;
    Ok((scores, at.f_pad(missing, "constant", 0.0)?))
}
