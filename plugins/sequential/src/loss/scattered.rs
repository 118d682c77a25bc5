//! Losses with negatives of each prediction's own, by the scores of all items.

use tch::{Device, TchError, Tensor};

use super::drawn::Scores;
use super::{Objective, Parts, at_once};

/// The items, for each negative of a prediction, up to which the scores of all of them cost less on a CPU than the
/// vectors of the negatives, which are read one by one.
const ITEMS_PER_NEGATIVE: i64 = 128;

/// Returns `true` if the scores of all items cost less than those of `negatives` [predictions, negatives] alone.
pub(super) fn is_faster(items: &Tensor, negatives: &Tensor) -> Result<bool, TchError> {
    let (catalogue, _) = items.size2()?;
    let (_, count) = negatives.size2()?;
    Ok(items.device() == Device::Cpu && catalogue <= ITEMS_PER_NEGATIVE * count)
}

/// [`Objective::parts`] with negatives of each prediction's own.
pub(super) fn parts(
    objective: &Objective,
    (hidden, items): (&Tensor, &Tensor),
    targets: &Tensor,
    negatives: &Tensor,
) -> Result<Parts, TchError> {
    let (hidden, items) = (hidden.f_detach()?, items.f_detach()?);
    let (predictions, _) = hidden.size2()?;
    let count = at_once(items.size2()?.0, hidden.device());
    let mut sum = Tensor::f_zeros([], (hidden.kind(), hidden.device()))?;
    let (mut by_hidden, mut by_items) = (Vec::new(), items.f_zeros_like()?);
    for start in (0..predictions).step_by(count as usize) {
        let part = |tensor: &Tensor| tensor.f_narrow(0, start, count.min(predictions - start));
        let (own, negatives) = (part(&hidden)?, part(negatives)?);
        let targets = part(targets)?.f_unsqueeze(1)?;
        let mut scores = own.f_mm(&items.f_tr()?)?;
        let leaf = |places: &Tensor| scores.f_gather(1, places, false)?.f_set_requires_grad(true);
        let (positive, others) = (leaf(&targets)?, leaf(&negatives)?);
        let drawn = Scores {
            positive: positive.shallow_clone(),
            negatives: others.shallow_clone(),
            same: targets.f_eq_tensor(&negatives)?,
        };
        let (loss, gradients) = objective.gradients(drawn, &negatives, [&positive, &others])?;
        // The gradient by the scores of all items takes the place of these.
        let mut by_scores = scores.f_zero_()?;
        for (places, gradient) in [&targets, &negatives].into_iter().zip(&gradients) {
            let _ = by_scores.f_scatter_add_(1, places, gradient)?;
        }
        by_hidden.push(by_scores.f_mm(&items)?);
        let _ = by_items.f_addmm_(&by_scores.f_tr()?, &own)?;
        let _ = sum.f_add_(&loss)?;
    }
    Ok(Parts {
        sum,
        by_hidden: Tensor::f_cat(&by_hidden, 0)?,
        by_items,
        places: None,
    })
}
