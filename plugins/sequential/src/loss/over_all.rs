//! The cross-entropy over all items.

use tch::{Kind, TchError, Tensor};

use super::{Parts, at_once};

/// The cross-entropies of `hidden` [predictions, width] with `targets` [predictions] among `items` [items, width],
/// summed, with their gradients.
///
/// The gradient by the scores is the probability of each item, less 1 for the target: it takes the place of the scores,
/// a part of the predictions at a time.
pub(super) fn parts(hidden: &Tensor, items: &Tensor, targets: &Tensor) -> Result<Parts, TchError> {
    let (hidden, items) = (hidden.f_detach()?, items.f_detach()?);
    let (predictions, _) = hidden.size2()?;
    let (catalogue, _) = items.size2()?;
    let of_targets = items.f_index_select(0, targets)?;
    let product = |a: &Tensor, b: &Tensor| a.f_mul(b)?.f_sum(Kind::Float);
    let mut sum = product(&hidden, &of_targets)?.f_neg()?;
    let mut by_hidden = Vec::new();
    let mut by_items =
        Tensor::f_embedding_dense_backward(&hidden, targets, catalogue, -1, false)?.f_neg_()?;
    let count = at_once(catalogue, hidden.device());
    for start in (0..predictions).step_by(count as usize) {
        let own = hidden.f_narrow(0, start, count.min(predictions - start))?;
        let (total, probabilities) = softmax(own.f_mm(&items.f_tr()?)?)?;
        let _ = sum.f_add_(&total)?;
        by_hidden.push(probabilities.f_mm(&items)?);
        let _ = by_items.f_addmm_(&probabilities.f_tr()?, &own)?;
    }
    Ok(Parts {
        sum,
        by_hidden: Tensor::f_cat(&by_hidden, 0)?.f_sub_(&of_targets)?,
        by_items,
        places: None,
    })
}

/// Turns scores into probabilities, in place; returns the sum of the logarithms of their divisors too.
fn softmax(mut scores: Tensor) -> Result<(Tensor, Tensor), TchError> {
    let highest = scores.f_amax([1].as_slice(), true)?;
    let mut scores = scores.f_sub_(&highest)?.f_exp_()?;
    let total = scores.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    let sum = total.f_log()?.f_add(&highest)?.f_sum(Kind::Float)?;
    Ok((sum, scores.f_div_(&total)?))
}

/// The cross-entropies over all items, summed.
pub(crate) fn sum_over_all(
    hidden: &Tensor,
    items: &Tensor,
    targets: &Tensor,
) -> Result<Tensor, TchError> {
    let scores = hidden.f_mm(&items.f_tr()?)?;
    let picked = scores.f_gather(1, &targets.f_unsqueeze(1)?, false)?;
    scores
        .f_logsumexp(1, true)?
        .f_sub(&picked)?
        .f_sum(Kind::Float)
}
