//! The items that are compared with each other where negatives are drawn.

use tch::{Kind, TchError, Tensor};

/// The vectors of items that are compared with each other, and where those of targets and negatives are among them.
pub(super) struct Compared {
    pub(super) vectors: Tensor,
    pub(super) places: Option<Tensor>,
    /// [predictions]
    pub(super) targets: Tensor,
    /// As the negatives of an objective.
    pub(super) negatives: Tensor,
}

impl Compared {
    /// Those of targets and negatives alone, unless they are more than all items.
    pub(super) fn new(
        items: &Tensor,
        targets: &Tensor,
        negatives: &Tensor,
    ) -> Result<Self, TchError> {
        let leaf = |tensor: Tensor| tensor.f_detach()?.f_set_requires_grad(true);
        let (catalogue, _) = items.size2()?;
        let (own, others) = (targets.numel() as i64, negatives.numel() as i64);
        if own + others >= catalogue {
            return Ok(Compared {
                vectors: leaf(items.shallow_clone())?,
                places: None,
                targets: targets.shallow_clone(),
                negatives: negatives.shallow_clone(),
            });
        }
        let places = Tensor::f_cat(&[targets, &negatives.f_reshape([-1])?], 0)?;
        let numbers =
            |start, end| Tensor::f_arange_start(start, end, (Kind::Int64, items.device()));
        Ok(Compared {
            vectors: leaf(items.f_detach()?.f_index_select(0, &places)?)?,
            places: Some(places),
            targets: numbers(0, own)?,
            negatives: numbers(own, own + others)?.f_view(&*negatives.size())?,
        })
    }
}

/// The scores of predictions.
pub(super) struct Scores {
    /// Those of the targets, [predictions, 1].
    pub(super) positive: Tensor,
    /// [predictions, negatives]
    pub(super) negatives: Tensor,
    /// True where a negative is the target, [predictions, negatives].
    pub(super) same: Tensor,
}

impl Scores {
    /// The scores of `hidden` with `vectors`. Targets and negatives are given as items, and as places among the vectors.
    pub(super) fn new(
        (hidden, vectors): (&Tensor, &Tensor),
        (targets, target_places): (&Tensor, &Tensor),
        (negatives, negative_places): (&Tensor, &Tensor),
        is_shared: bool,
    ) -> Result<Self, TchError> {
        let look_up = |places: &Tensor| Tensor::f_embedding(vectors, places, -1, false, false);
        let positive = hidden.f_mul(&look_up(target_places)?)?;
        let positive = positive.f_sum_dim_intlist([-1].as_slice(), true, Kind::Float)?;
        let others = look_up(negative_places)?;
        let (scores, negatives) = match is_shared {
            true => (hidden.f_mm(&others.f_tr()?)?, negatives.f_unsqueeze(0)?),
            false => {
                let scores = others.f_matmul(&hidden.f_unsqueeze(2)?)?;
                (scores.f_squeeze_dim(2)?, negatives.shallow_clone())
            }
        };
        Ok(Scores {
            positive,
            negatives: scores,
            same: targets.f_unsqueeze(1)?.f_eq_tensor(&negatives)?,
        })
    }
}
