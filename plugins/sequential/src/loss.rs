//! Losses over a catalogue.

mod drawn;
mod over_all;
mod scattered;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use drawn::{Compared, Scores};
pub(crate) use over_all::sum_over_all;

/// Losses of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The cross-entropy over all items.
    CrossEntropy,
    /// The cross-entropy over the target and negatives; see `log_q_correction`.
    SampledSoftmax,
    /// The binary cross-entropy of the target and of negatives.
    BinaryCrossEntropy,
    /// gBCE: the binary cross-entropy with a target's probability raised to a power that undoes the
    /// overconfidence of few negatives (Petrov and Macdonald, 2023, arXiv 2308.07192).
    Gbce,
}

/// The items that a loss compares with the target.
pub(crate) enum Negatives {
    /// All items.
    All,
    /// The same for all predictions: [negatives].
    Shared(Tensor),
    /// For each prediction its own: [predictions, negatives].
    Own(Tensor),
}

/// A loss with what it needs.
pub(crate) struct Objective {
    pub(crate) loss: Loss,
    pub(crate) negatives: Negatives,
    /// The power of gBCE.
    pub(crate) power: f64,
    /// The logarithm of how often each item is expected among the negatives, [items], which is
    /// taken from the scores of negatives; `None` without that correction.
    pub(crate) log_q: Option<Tensor>,
}

/// The sum of the losses of predictions, and its gradients by both of them.
pub(crate) struct Parts {
    /// A 32-bit number.
    pub(crate) sum: Tensor,
    /// [predictions, width]
    pub(crate) by_hidden: Tensor,
    /// [items, width], or [places, width].
    pub(crate) by_items: Tensor,
    /// The items whose gradients those are, of which one may be there more than once; `None` for all items in order.
    pub(crate) places: Option<Tensor>,
}

/// The most scores that are computed at once: on a CPU as many as stay in its cache.
fn at_once(per_prediction: i64, device: Device) -> i64 {
    let scores: i64 = if device == Device::Cpu {
        1 << 20
    } else {
        1 << 25
    };
    (scores / per_prediction.max(1)).max(1)
}

impl Objective {
    /// The sum of losses of `hidden` [predictions, width] with `targets` [predictions] among `items`
    /// [items, width], a part of the predictions at a time.
    pub(crate) fn parts(
        &self,
        hidden: &Tensor,
        items: &Tensor,
        targets: &Tensor,
    ) -> Result<Parts, TchError> {
        let (negatives, is_shared) = match &self.negatives {
            Negatives::All => return over_all::parts(hidden, items, targets),
            Negatives::Shared(negatives) => (negatives, true),
            Negatives::Own(negatives) if scattered::is_faster(items, negatives)? => {
                return scattered::parts(self, (hidden, items), targets, negatives);
            }
            Negatives::Own(negatives) => (negatives, false),
        };
        let (predictions, width) = hidden.size2()?;
        let compared = Compared::new(items, targets, negatives)?;
        let per_prediction = match is_shared {
            true => negatives.numel() as i64,
            false => negatives.size2()?.1 * width,
        };
        let at_once = at_once(per_prediction, hidden.device());
        let mut sum = Tensor::f_zeros([], (Kind::Float, hidden.device()))?;
        let mut by_items = compared.vectors.f_zeros_like()?;
        let mut by_hidden = Vec::new();
        for start in (0..predictions).step_by(at_once as usize) {
            let part = |tensor: &Tensor| {
                let count = at_once.min(predictions - start);
                tensor.f_narrow(0, start, count)
            };
            let of_own = |tensor: &Tensor| match is_shared {
                true => Ok(tensor.shallow_clone()),
                false => part(tensor),
            };
            let own = part(hidden)?.f_detach()?.f_set_requires_grad(true)?;
            let ids = of_own(negatives)?;
            let scores = Scores::new(
                (&own, &compared.vectors),
                (&part(targets)?, &part(&compared.targets)?),
                (&ids, &of_own(&compared.negatives)?),
                is_shared,
            )?;
            let (loss, [of_hidden, of_items]) =
                self.gradients(scores, &ids, [&own, &compared.vectors])?;
            by_hidden.push(of_hidden);
            let _ = by_items.f_add_(&of_items)?;
            let _ = sum.f_add_(&loss)?;
        }
        Ok(Parts {
            sum,
            by_hidden: Tensor::f_cat(&by_hidden, 0)?,
            by_items,
            places: compared.places,
        })
    }

    /// The losses of some predictions, summed, and the gradients of the sum by `inputs`.
    fn gradients(
        &self,
        scores: Scores,
        negatives: &Tensor,
        inputs: [&Tensor; 2],
    ) -> Result<(Tensor, [Tensor; 2]), TchError> {
        let loss = self.sum(scores, negatives)?;
        let gradients = Tensor::f_run_backward(&[&loss], &inputs, false, false)?;
        let missing = |_| TchError::Shape("two gradients were asked for".to_string());
        let gradients = <[Tensor; 2]>::try_from(gradients).map_err(missing)?;
        Ok((loss.f_detach()?, gradients))
    }

    /// The losses of some predictions, summed; `negatives` are the items of the scores.
    fn sum(&self, all: Scores, negatives: &Tensor) -> Result<Tensor, TchError> {
        let (positive, same) = (all.positive, all.same);
        let scores = match &self.log_q {
            None => all.negatives,
            Some(log_q) => {
                let expected = log_q.f_index_select(0, &negatives.f_reshape([-1])?)?;
                all.negatives.f_sub(&expected.f_view(&*negatives.size())?)?
            }
        };
        match self.loss {
            Loss::CrossEntropy | Loss::SampledSoftmax => {
                let scores = scores.f_masked_fill(&same, f64::NEG_INFINITY)?;
                let all = Tensor::f_cat(&[&positive, &scores], 1)?;
                all.f_logsumexp(1, true)?
                    .f_sub(&positive)?
                    .f_sum(Kind::Float)
            }
            Loss::BinaryCrossEntropy | Loss::Gbce => {
                // −log(1 − σ(x)) = softplus(x), and −log σ(x) = softplus(−x).
                let softplus = |x: &Tensor| x.f_softplus();
                let of_negatives = softplus(&scores)?.f_masked_fill(&same, 0.0)?;
                let of_positive = softplus(&positive.f_neg()?)?.f_mul_scalar(self.power)?;
                let columns = scores.size2()?.1 as f64;
                let sum = of_negatives.f_sum(Kind::Float)?;
                let share = match self.loss {
                    Loss::Gbce => 1.0 / (columns + 1.0),
                    _ => 1.0,
                };
                of_positive
                    .f_sum(Kind::Float)?
                    .f_add(&sum)?
                    .f_mul_scalar(share)
            }
        }
    }
}

/// The power of gBCE for `negatives` of `items`, with the calibration `t` between 0 (that of the
/// binary cross-entropy) and 1.
pub(crate) fn gbce_power(negatives: usize, items: usize, t: f64) -> f64 {
    let rate = negatives as f64 / (items.saturating_sub(1).max(1)) as f64;
    rate * (t * (1.0 - 1.0 / rate) + 1.0 / rate)
}
