//! The network in training.

mod backward;

use std::ops::Range;

use gloss_training::{Parameter, Parameters};
use tch::{TchError, Tensor};

use super::batch::{Batch, Layout};
use super::leaves::LayerLeaves;
use super::loss;
use super::plan::{Plan, Trained};
use super::rows::Rows;
use crate::architecture::Architecture;
use crate::layer::{LayerForward, Norm, Projection};
use crate::model::{Layer, Model, normalise};

/// A Llama in training.
pub(crate) struct Network {
    pub(crate) model: Model,
    pub(crate) plan: Plan,
    /// The leaves of the plan's layers.
    pub(crate) leaves: LayerLeaves,
    /// True if the inside of layers is computed twice instead of being kept.
    pub(crate) checkpointing: bool,
    /// True if gradients on a GPU are added in one order.
    pub(crate) deterministic: bool,
    /// The scale of low-rank products.
    pub(crate) scale: f64,
    /// The share of low-rank matrices' inputs that is dropped.
    pub(crate) dropout: f64,
    /// The rows that are trained of the tables, if these are not trained themselves.
    pub(crate) rows: Option<Rows>,
    /// Cosines and sines of all positions, [positions, head_size] each; the sines of the first half
    /// of a head are negative.
    pub(crate) rope: (Tensor, Tensor),
}

/// The leaves of all layers, in the kind of the computation; good until the parameters change.
pub(crate) struct Leaves {
    embedding: Option<Tensor>,
    layers: Vec<Vec<Tensor>>,
    norm: Option<Tensor>,
    head: Option<Tensor>,
}

/// The context that all layers share.
struct ForwardContext<'a> {
    /// [rows, all heads, head_size]; values are turned by nothing.
    cosines: Tensor,
    sines: Tensor,
    layout: &'a Layout,
    /// The seed of dropout; `None` without dropout.
    seed: Option<i64>,
}

impl Network {
    /// The leaves of the parameters.
    pub(crate) fn leaves(&self, parameters: &Parameters) -> Result<Leaves, TchError> {
        let values = match self.factor() {
            1.0 => parameters.values.f_to_kind(self.model.kind)?,
            factor => parameters
                .values
                .f_mul_scalar(factor)?
                .f_to_kind(self.model.kind)?,
        };
        if let Some(rows) = &self.rows {
            rows.put(&self.plan, parameters, &self.model)?;
        }
        let one = |of: &Option<Parameter>| of.as_ref().map(|of| of.leaf(&values)).transpose();
        Ok(Leaves {
            embedding: one(&self.plan.embedding)?,
            layers: self.leaves.tensors(&values)?,
            norm: one(&self.plan.norm)?,
            head: one(&self.plan.head)?,
        })
    }

    /// Returns the factor of the leaves: both factors of a low-rank product get the root of its scale.
    /// The gradient by the leaves is that by the parameters but for this factor.
    pub(crate) fn factor(&self) -> f64 {
        self.scale.sqrt()
    }

    /// The sum of a batch's losses, as a 32-bit number on the device.
    pub(crate) fn judge(&self, batch: &Batch, leaves: &Leaves) -> Result<Tensor, TchError> {
        tch::no_grad(|| {
            let place = self.place(batch, None)?;
            let hidden = self.embed(batch, leaves)?;
            let all = 0..self.model.layers.len();
            let hidden = self.layers(all, &hidden, leaves, &place)?;
            let hidden = self.end(&hidden, batch, leaves)?;
            loss::sum(&self.model, self.head(leaves), &hidden, &batch.targets)
        })
    }

    fn place<'a>(
        &self,
        batch: &'a Batch,
        seed: Option<i64>,
    ) -> Result<ForwardContext<'a>, TchError> {
        let shape = &self.model.architecture;
        let (rotated, others) = (shape.heads + shape.key_value_heads, shape.key_value_heads);
        let (rows, size) = (batch.positions.size1()?, shape.head_size);
        let at = |table: &Tensor, other: f64| {
            let rotated = table
                .f_index_select(0, &batch.positions)?
                .f_unsqueeze(1)?
                .f_expand([rows, rotated, size], false)?;
            let other = Tensor::f_full([1, 1, 1], other, (table.f_kind()?, table.device()))?;
            Tensor::f_cat(&[rotated, other.f_expand([rows, others, size], false)?], 1)
        };
        Ok(ForwardContext {
            cosines: at(&self.rope.0, 1.0)?,
            sines: at(&self.rope.1, 0.0)?,
            layout: &batch.layout,
            seed,
        })
    }

    fn embed(&self, batch: &Batch, leaves: &Leaves) -> Result<Tensor, TchError> {
        let table = leaves.embedding.as_ref().unwrap_or(&self.model.embedding);
        table.f_index_select(0, &batch.tokens)
    }

    fn head<'a>(&'a self, leaves: &'a Leaves) -> &'a Tensor {
        let tied = leaves
            .embedding
            .as_ref()
            .filter(|_| self.plan.head.is_none());
        leaves.head.as_ref().or(tied).unwrap_or(&self.model.head)
    }

    /// The features after the last norm of the rows that predict a token.
    fn end(&self, hidden: &Tensor, batch: &Batch, leaves: &Leaves) -> Result<Tensor, TchError> {
        let weight = leaves.norm.as_ref().unwrap_or(&self.model.norm);
        let rows = hidden.f_index_select(0, &batch.rows)?;
        normalise(&rows, weight, &self.model.architecture)
    }

    fn layers(
        &self,
        layers: Range<usize>,
        input: &Tensor,
        leaves: &Leaves,
        place: &ForwardContext<'_>,
    ) -> Result<Tensor, TchError> {
        let mut hidden = input.shallow_clone();
        for index in layers {
            hidden = self.layer(index, &hidden, leaves, place)?;
        }
        Ok(hidden)
    }

    fn layer(
        &self,
        index: usize,
        input: &Tensor,
        leaves: &Leaves,
        place: &ForwardContext<'_>,
    ) -> Result<Tensor, TchError> {
        if let Some(seed) = place.seed {
            tch::manual_seed(seed.wrapping_add(index as i64));
        }
        let layer = TrainedLayer {
            network: self,
            layer: &self.model.layers[index],
            leaves: &leaves.layers[index],
            place,
        };
        layer.forward(input)
    }

    /// The input's products with first factors; each projection drops by itself.
    fn with_dropout(&self, down: &Tensor, rank: i64, input: &Tensor) -> Result<Tensor, TchError> {
        let (ranks, _) = down.size2()?;
        let parts = (0..ranks).step_by(rank as usize).map(|start| {
            let dropped = input.f_dropout(self.dropout, true)?;
            dropped.f_linear(&down.f_narrow(0, start, rank)?, None::<&Tensor>)
        });
        Tensor::f_cat(&parts.collect::<Result<Vec<_>, TchError>>()?, -1)
    }
}

/// A layer of a training pass: frozen weights, and the leaves of those that are trained.
struct TrainedLayer<'a> {
    network: &'a Network,
    layer: &'a Layer,
    leaves: &'a [Tensor],
    place: &'a ForwardContext<'a>,
}

impl LayerForward for TrainedLayer<'_> {
    fn norm(&self, norm: Norm, input: &Tensor) -> Result<Tensor, TchError> {
        let plan = &self.network.plan.layer;
        let (leaf, frozen) = match norm {
            Norm::Attention => (plan.attention_norm, &self.layer.attention_norm),
            Norm::Perceptron => (plan.perceptron_norm, &self.layer.perceptron_norm),
        };
        let weight = leaf.map_or(frozen, |leaf: usize| &self.leaves[leaf]);
        normalise(input, weight, &self.network.model.architecture)
    }

    fn project(&self, projection: Projection, input: &Tensor) -> Result<Tensor, TchError> {
        let plan = &self.network.plan.layer;
        let trained = match projection {
            Projection::Qkv => &plan.qkv,
            Projection::Output => &plan.output,
            Projection::GateUp => &plan.gate_up,
            Projection::Down => &plan.down,
        };
        let frozen = self.layer.projection(projection);
        let leaves = self.leaves;
        match trained {
            Trained::Nothing => frozen.forward(input),
            Trained::Full { weight, bias } => {
                input.f_linear(&leaves[*weight], bias.map(|bias| &leaves[bias]))
            }
            Trained::LowRank { down, up, rank } => {
                let down = &leaves[*down];
                let low = match self.place.seed {
                    None => input.f_linear(down, None::<&Tensor>)?,
                    Some(_) => self.network.with_dropout(down, *rank, input)?,
                };
                let mut base = frozen.forward(input)?;
                base.f_addmm_(&low, &leaves[*up].f_tr()?)
            }
        }
    }

    fn attend(&self, qkv: &Tensor) -> Result<Tensor, TchError> {
        let (shape, place) = (&self.network.model.architecture, self.place);
        let (heads, key_heads) = (shape.heads, shape.key_value_heads);
        let qkv = qkv.f_view([-1, heads + 2 * key_heads, shape.head_size])?;
        // The other half of each head, in the place of this one.
        let crossed = qkv.f_roll([shape.head_size / 2], [2])?;
        let rotated = qkv
            .f_mul(&place.cosines)?
            .f_addcmul(&crossed, &place.sines)?;
        let spread = place.layout.spread(&rotated)?.f_transpose(1, 2)?;
        let [queries, keys, values] = parts(&spread, [heads, key_heads, key_heads], 1)?;
        let output = causal(&queries, &keys, &values, shape)?;
        place.layout.gather(&output.f_transpose(1, 2)?)
    }

    fn in_place(&self) -> bool {
        false
    }
}

/// Parts of a tensor, side by side along `dimension`.
fn parts<const N: usize>(
    tensor: &Tensor,
    sizes: [i64; N],
    dimension: i64,
) -> Result<[Tensor; N], TchError> {
    let parts = tensor.f_split_with_sizes(sizes, dimension)?;
    parts
        .try_into()
        .map_err(|_| TchError::Shape("a tensor was split into other parts".to_string()))
}

/// Attention of every token to itself and those before it: [texts, heads, n, size] each.
fn causal(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    shape: &Architecture,
) -> Result<Tensor, TchError> {
    let grouped = shape.heads != shape.key_value_heads;
    let none = None::<&Tensor>;
    Tensor::f_scaled_dot_product_attention(queries, keys, values, none, 0.0, true, None, grouped)
}
