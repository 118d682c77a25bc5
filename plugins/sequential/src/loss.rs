//! Losses over a catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The most scores that are in memory at once.
const SCORES_AT_ONCE: i64 = 1 << 25;

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
    /// [items, width]
    pub(crate) by_items: Tensor,
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
        let (predictions, width) = hidden.size2()?;
        let (catalogue, _) = items.size2()?;
        let per_prediction = match &self.negatives {
            Negatives::All => catalogue,
            Negatives::Shared(negatives) => negatives.numel() as i64,
            Negatives::Own(negatives) => negatives.size2()?.1 * width,
        };
        let at_once = (SCORES_AT_ONCE / per_prediction.max(1)).max(1);
        let leaf = |tensor: &Tensor| tensor.f_detach()?.f_set_requires_grad(true);
        let items = leaf(items)?;
        let mut sum = Tensor::f_zeros([], (Kind::Float, hidden.device()))?;
        let mut by_items = items.f_zeros_like()?;
        let mut by_hidden = Vec::new();
        for start in (0..predictions).step_by(at_once as usize) {
            let count = at_once.min(predictions - start);
            let part = |tensor: &Tensor| tensor.f_narrow(0, start, count);
            let own = leaf(&part(hidden)?)?;
            let negatives = match &self.negatives {
                Negatives::Own(all) => Negatives::Own(part(all)?),
                Negatives::Shared(all) => Negatives::Shared(all.shallow_clone()),
                Negatives::All => Negatives::All,
            };
            let loss = self.sum(&own, &items, &part(targets)?, &negatives)?;
            let gradients = Tensor::f_run_backward(&[&loss], &[&own, &items], false, false)?;
            let [of_hidden, of_items] = gradients.as_slice() else {
                return Err(TchError::Shape("two gradients were asked for".to_string()));
            };
            by_hidden.push(of_hidden.shallow_clone());
            let _ = by_items.f_add_(of_items)?;
            let _ = sum.f_add_(&loss.f_detach()?)?;
        }
        Ok(Parts {
            sum,
            by_hidden: Tensor::f_cat(&by_hidden, 0)?,
            by_items,
        })
    }

    fn sum(
        &self,
        hidden: &Tensor,
        items: &Tensor,
        targets: &Tensor,
        negatives: &Negatives,
    ) -> Result<Tensor, TchError> {
        if let Negatives::All = negatives {
            return sum_over_all(hidden, items, targets);
        }
        let positive = hidden
            .f_mul(&items.f_index_select(0, targets)?)?
            .f_sum_dim_intlist([-1].as_slice(), true, Kind::Float)?;
        let log_q = |negatives: &Tensor| match &self.log_q {
            Some(log_q) => log_q
                .f_index_select(0, &negatives.f_reshape([-1])?)?
                .f_view(&*negatives.size()),
            None => Tensor::f_zeros([1], (Kind::Float, hidden.device())),
        };
        let (scores, same) = match negatives {
            Negatives::Shared(negatives) => (
                hidden
                    .f_mm(&items.f_index_select(0, negatives)?.f_tr()?)?
                    .f_sub(&log_q(negatives)?)?,
                targets
                    .f_unsqueeze(1)?
                    .f_eq_tensor(&negatives.f_unsqueeze(0)?)?,
            ),
            Negatives::Own(negatives) => {
                let (rows, columns) = negatives.size2()?;
                let vectors = items.f_index_select(0, &negatives.f_reshape([-1])?)?;
                let vectors = vectors.f_view([rows, columns, -1])?;
                (
                    vectors
                        .f_matmul(&hidden.f_unsqueeze(2)?)?
                        .f_squeeze_dim(2)?
                        .f_sub(&log_q(negatives)?)?,
                    targets.f_unsqueeze(1)?.f_eq_tensor(negatives)?,
                )
            }
            Negatives::All => return sum_over_all(hidden, items, targets),
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

/// The power of gBCE for `negatives` of `items`, with the calibration `t` between 0 (that of the
/// binary cross-entropy) and 1.
pub(crate) fn gbce_power(negatives: usize, items: usize, t: f64) -> f64 {
    let rate = negatives as f64 / (items.saturating_sub(1).max(1)) as f64;
    rate * (t * (1.0 - 1.0 / rate) + 1.0 / rate)
}
