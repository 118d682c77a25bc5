//! Projections: a matrix in 16 or 32 bits or in NF4, with a low-rank adapter or without.

use gloss_torch::{LowRank, Nf4};
use tch::{Kind, TchError, Tensor};

/// A projection, or several with the same input side by side.
pub(crate) struct Linear {
    pub(crate) weight: Weight,
    /// [out]
    pub(crate) bias: Option<Tensor>,
    pub(crate) adapter: Option<Adaptation>,
}

/// The matrix of a projection, [out, in].
pub(crate) enum Weight {
    Dense(Tensor),
    Nf4(Nf4),
}

/// A low-rank addition to a matrix: `up` · `down`.
pub(crate) struct Adaptation {
    /// [ranks, in]
    pub(crate) down: Tensor,
    /// [out, ranks], scaled.
    pub(crate) up: Tensor,
}

impl Linear {
    /// Keeps the matrix as numbers of a kind instead of in 4 bits; the numbers are the same.
    pub(crate) fn dequantize(&mut self, kind: Kind) -> Result<(), TchError> {
        if let Weight::Nf4(weight) = &self.weight {
            self.weight = Weight::Dense(weight.dequantize(kind)?);
        }
        Ok(())
    }

    /// From [..., in] to [..., out].
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let bias = self.bias.as_ref();
        let output = match &self.weight {
            Weight::Dense(weight) => input.f_linear(weight, bias)?,
            Weight::Nf4(weight) => input.f_linear(&weight.dequantize(input.kind())?, bias)?,
        };
        match &self.adapter {
            None => Ok(output),
            Some(Adaptation { down, up }) => {
                let none = None::<&Tensor>;
                output.f_add(&input.f_linear(down, none)?.f_linear(up, none)?)
            }
        }
    }
}

impl Adaptation {
    /// Puts the adapters of projections that lie side by side into one: those of `parts`, each with
    /// its projection's outputs, in order.
    pub(crate) fn side_by_side(parts: &[(i64, Option<LowRank>)]) -> Result<Option<Self>, TchError> {
        let mut downs = Vec::new();
        let mut ups = Vec::new();
        let ranks: i64 = parts.iter().flat_map(|(_, part)| part).map(rank).sum();
        let mut before = 0;
        for (outputs, part) in parts {
            match part {
                None => ups.push((*outputs, None)),
                Some(part) => {
                    downs.push(part.a.shallow_clone());
                    let scaled = part.b.f_mul_scalar(part.scale)?;
                    let after = ranks - before - rank(part);
                    ups.push((*outputs, Some(scaled.f_constant_pad_nd([before, after])?)));
                    before += rank(part);
                }
            }
        }
        let Some(options) = downs.first().map(|down| (down.kind(), down.device())) else {
            return Ok(None);
        };
        let rows = ups.into_iter().map(|(outputs, up)| match up {
            Some(up) => Ok(up),
            None => Tensor::f_zeros([outputs, ranks], options),
        });
        Ok(Some(Adaptation {
            down: Tensor::f_cat(&downs, 0)?,
            up: Tensor::f_cat(&rows.collect::<Result<Vec<_>, _>>()?, 0)?,
        }))
    }

    /// `weight` with the adapter added, in the weight's kind; computed in f32.
    pub(crate) fn merged(&self, weight: &Tensor) -> Result<Tensor, TchError> {
        let wide = |tensor: &Tensor| tensor.f_to_kind(Kind::Float);
        wide(weight)?
            .f_add(&wide(&self.up)?.f_matmul(&wide(&self.down)?)?)?
            .f_to_kind(weight.kind())
    }
}

fn rank(part: &LowRank) -> i64 {
    part.a.size().first().copied().unwrap_or(0)
}
