//! Attention as T5 has it.

use gloss_training::{Builder, Init, Leaves, Pass, Weight};
use tch::{Kind, TchError, Tensor};

use crate::config::Shape;

const EPSILON: f64 = 1e-6;

/// The weights, the shape and the pass of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) leaves: &'a Leaves,
    pub(crate) shape: &'a Shape,
    pub(crate) pass: Pass,
}

/// Keys and values, `[rows, heads, length, width of a head]` each.
pub(crate) struct KeysValues {
    keys: Tensor,
    values: Tensor,
}

impl KeysValues {
    /// Those of `self`, if there are some, and `others` behind them.
    fn joined(this: Option<Self>, others: Self) -> Result<Self, TchError> {
        let Some(own) = this else {
            return Ok(others);
        };
        Ok(KeysValues {
            keys: Tensor::f_cat(&[own.keys, others.keys], 2)?,
            values: Tensor::f_cat(&[own.values, others.values], 2)?,
        })
    }

    /// Those of `rows`.
    pub(crate) fn select(&self, rows: &Tensor) -> Result<Self, TchError> {
        Ok(KeysValues {
            keys: self.keys.f_index_select(0, rows)?,
            values: self.values.f_index_select(0, rows)?,
        })
    }
}

/// Attention with the norm before it.
pub(crate) struct Attention {
    norm: Weight,
    query: Weight,
    key: Weight,
    value: Weight,
    output: Weight,
}

impl Attention {
    pub(crate) fn new(builder: &mut Builder, layer: &str, name: &str, shape: &Shape) -> Self {
        let (width, inner) = (shape.d_model, shape.num_heads * shape.d_kv);
        let mut matrix = |part: &str, shape: [i64; 2], init: i64| {
            let init = Init::Normal((init as f64).powf(-0.5));
            builder.add(format!("{layer}.{name}.{part}.weight"), &shape, init)
        };
        let query = matrix("q", [inner, width], width * shape.d_kv);
        let key = matrix("k", [inner, width], width);
        let value = matrix("v", [inner, width], width);
        let output = matrix("o", [width, inner], inner);
        Attention {
            query,
            key,
            value,
            output,
            norm: norm(builder, format!("{layer}.layer_norm.weight"), shape),
        }
    }

    /// Adds what each place finds among all places of `hidden`, `[rows, length, width]`, and those whose keys and values
    /// are in `cache`, which then has both.
    pub(crate) fn to_itself(
        &self,
        place: Place<'_>,
        hidden: &Tensor,
        bias: &Tensor,
        cache: Option<&mut Option<KeysValues>>,
    ) -> Result<Tensor, TchError> {
        let input = rms_norm(hidden, &place.leaves[self.norm])?;
        let query = heads(&input, &place.leaves[self.query], place.shape)?;
        let own = self.keys_values(place, &input)?;
        let found = match cache {
            None => attend(&query, &own, bias, place)?,
            Some(cache) => {
                let all = KeysValues::joined(cache.take(), own)?;
                attend(&query, cache.insert(all), bias, place)?
            }
        };
        self.add(place, hidden, found)
    }

    /// The keys and values of `input`, `[rows, length, width]`.
    pub(crate) fn keys_values(
        &self,
        place: Place<'_>,
        input: &Tensor,
    ) -> Result<KeysValues, TchError> {
        Ok(KeysValues {
            keys: heads(input, &place.leaves[self.key], place.shape)?,
            values: heads(input, &place.leaves[self.value], place.shape)?,
        })
    }

    /// Attention of all beams of a row, one after the other, to the row's encoder output, of which `encoded` are the
    /// keys and values and `mask` `[batch, 1, 1, length]` hides the padding.
    pub(crate) fn to_encoded(
        &self,
        place: Place<'_>,
        hidden: &Tensor,
        encoded: &KeysValues,
        mask: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (rows, length, width) = hidden.size3()?;
        let batch = mask.size()[0];
        let input = rms_norm(hidden, &place.leaves[self.norm])?.f_view([batch, -1, width])?;
        let query = heads(&input, &place.leaves[self.query], place.shape)?;
        let found = attend(&query, encoded, mask, place)?;
        let found = found.f_reshape([rows, length, -1])?;
        self.add(place, hidden, found)
    }

    fn add(&self, place: Place<'_>, hidden: &Tensor, found: Tensor) -> Result<Tensor, TchError> {
        let output = found.f_linear(&place.leaves[self.output], None::<Tensor>)?;
        hidden.f_add(&place.pass.dropout(&output, place.shape.dropout_rate)?)
    }
}

/// `[batch, heads, length, width of a head]`
fn heads(input: &Tensor, weight: &Tensor, shape: &Shape) -> Result<Tensor, TchError> {
    let (batch, length, _) = input.size3()?;
    input
        .f_linear(weight, None::<Tensor>)?
        .f_view([batch, length, shape.num_heads, shape.d_kv])?
        .f_transpose(1, 2)
}

/// `[batch, length, heads × width of a head]`; scores are not scaled, as in T5.
fn attend(
    query: &Tensor,
    all: &KeysValues,
    bias: &Tensor,
    place: Place<'_>,
) -> Result<Tensor, TchError> {
    let scores = query.f_matmul(&all.keys.f_transpose(2, 3)?)?.f_add(bias)?;
    let shares = scores.f_softmax(-1, Kind::Float)?;
    let shares = place.pass.dropout(&shares, place.shape.dropout_rate)?;
    let found = shares.f_matmul(&all.values)?.f_transpose(1, 2)?;
    let size = found.size();
    found.f_reshape([size[0], size[1], -1])
}

/// The gain of a norm.
pub(crate) fn norm(builder: &mut Builder, name: String, shape: &Shape) -> Weight {
    builder.add(name, &[shape.d_model], Init::Constant(1.0))
}

/// Vectors divided by their root mean square, times a gain.
pub(crate) fn rms_norm(input: &Tensor, gain: &Tensor) -> Result<Tensor, TchError> {
    let square = input
        .f_square()?
        .f_mean_dim([-1i64].as_slice(), true, Kind::Float)?;
    input
        .f_mul(&square.f_add_scalar(EPSILON)?.f_rsqrt()?)?
        .f_mul(gain)
}
