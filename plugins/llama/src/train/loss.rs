//! The loss and its gradient, a part of the tokens at a time.

use gloss_training::Parameter;
use tch::{Device, Kind, TchError, Tensor};

use super::rows::Rows;
use crate::model::Model;

/// The most logits that are in memory at once.
const LOGITS_AT_ONCE: i64 = 1 << 26;

/// The gradient by the output's weight, or by some of its rows.
pub(crate) struct HeadGradient {
    /// [rows, hidden]
    pub(crate) sum: Tensor,
    /// The tokens of the rows; `None` for all.
    tokens: Option<Tensor>,
}

impl HeadGradient {
    pub(crate) fn new(
        of: &Parameter,
        rows: Option<&Rows>,
        device: Device,
    ) -> Result<Self, TchError> {
        Ok(HeadGradient {
            sum: Tensor::f_zeros(&*of.shape, (Kind::Float, device))?,
            tokens: rows.map(|rows| rows.tokens().shallow_clone()),
        })
    }

    fn add(&self, by_logits: &Tensor, hidden: &Tensor) -> Result<(), TchError> {
        let product = match &self.tokens {
            None => by_logits.f_tr()?.f_mm(hidden)?,
            Some(tokens) => by_logits.f_index_select(1, tokens)?.f_tr()?.f_mm(hidden)?,
        };
        self.sum.shallow_clone().f_add_(&product).map(drop)
    }
}

/// The sum of the cross-entropies of `targets` [n] after `hidden` [n, hidden], as a 32-bit number;
/// its gradient by `hidden`; and its gradient by the output's weight, which is added to
/// `head_gradient` if there is one. `head` is that weight.
pub(crate) fn cross_entropy(
    model: &Model,
    head: &Tensor,
    hidden: &Tensor,
    targets: &Tensor,
    head_gradient: Option<&HeadGradient>,
) -> Result<(Tensor, Tensor), TchError> {
    let (count, _) = hidden.size2()?;
    let at_once = (LOGITS_AT_ONCE / model.architecture.vocabulary).max(1);
    let total = Tensor::f_zeros([], (Kind::Float, hidden.device()))?;
    let mut gradients = Vec::new();
    for start in (0..count).step_by(at_once as usize) {
        let length = at_once.min(count - start);
        let hidden = hidden.f_narrow(0, start, length)?;
        let targets = targets.f_narrow(0, start, length)?.f_unsqueeze(1)?;
        let (sum, probabilities) = of_rows(model, head, &hidden, &targets)?;
        let _ = total.shallow_clone().f_add_(&sum)?;
        // The gradient by the logits: the probabilities, less 1 at the targets.
        let ones = targets.f_ones_like()?.f_to_kind(Kind::Float)?.f_neg()?;
        let by_logits = probabilities
            .f_scatter_add(1, &targets, &ones)?
            .f_to_kind(hidden.f_kind()?)?;
        gradients.push(by_logits.f_mm(head)?);
        if let Some(sum) = head_gradient {
            sum.add(&by_logits, &hidden)?;
        }
    }
    match gradients.is_empty() {
        true => Ok((total, hidden.f_zeros_like()?)),
        false => Ok((total, Tensor::f_cat(&gradients, 0)?)),
    }
}

/// The sum alone, for validation.
pub(crate) fn sum(
    model: &Model,
    head: &Tensor,
    hidden: &Tensor,
    targets: &Tensor,
) -> Result<Tensor, TchError> {
    let (count, _) = hidden.size2()?;
    let at_once = (LOGITS_AT_ONCE / model.architecture.vocabulary).max(1);
    let total = Tensor::f_zeros([], (Kind::Float, hidden.device()))?;
    for start in (0..count).step_by(at_once as usize) {
        let length = at_once.min(count - start);
        let hidden = hidden.f_narrow(0, start, length)?;
        let targets = targets.f_narrow(0, start, length)?.f_unsqueeze(1)?;
        let _ = total
            .shallow_clone()
            .f_add_(&of_rows(model, head, &hidden, &targets)?.0)?;
    }
    Ok(total)
}

/// The sum of the cross-entropies, and the probabilities of all tokens, [n, vocabulary].
fn of_rows(
    model: &Model,
    head: &Tensor,
    hidden: &Tensor,
    targets: &Tensor,
) -> Result<(Tensor, Tensor), TchError> {
    let mut logits = model.logits_with(hidden, head)?;
    let normaliser = logits.f_logsumexp(1, true)?;
    let picked = logits.f_gather(1, targets, false)?;
    let sum = normaliser.f_sub(&picked)?.f_sum(Kind::Float)?;
    let probabilities = logits.f_sub_(&normaliser)?.f_exp_()?;
    Ok((sum, probabilities))
}
