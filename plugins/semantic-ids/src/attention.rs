//! Attention as T5 has it.

use gloss_training::{Builder, Init, Leaves, Pass, Weight};
use tch::{Kind, TchError, Tensor};

use crate::config::Shape;

const EPSILON: f64 = 1e-6;

/// The encoder's output, as the decoder attends to it.
pub(crate) struct Encoded {
    /// `[batch, length, width]`
    pub(crate) hidden: Tensor,
    /// `[batch, 1, 1, length]`
    pub(crate) mask: Tensor,
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

    /// Adds what each place finds among all places of `hidden`, `[rows, length, width]`.
    pub(crate) fn to_itself(
        &self,
        leaves: &Leaves,
        shape: &Shape,
        hidden: &Tensor,
        bias: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let input = rms_norm(hidden, &leaves[self.norm])?;
        let query = heads(&input, &leaves[self.query], shape)?;
        let key = heads(&input, &leaves[self.key], shape)?;
        let value = heads(&input, &leaves[self.value], shape)?;
        let found = attend(&query, &key, &value, bias, shape, pass)?;
        self.add(leaves, shape, hidden, found, pass)
    }

    /// Attention of all beams of a row, one after the other, to the row's encoder output.
    pub(crate) fn to_encoded(
        &self,
        leaves: &Leaves,
        shape: &Shape,
        hidden: &Tensor,
        encoded: &Encoded,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let (rows, length, width) = hidden.size3()?;
        let batch = encoded.hidden.size3()?.0;
        let input = rms_norm(hidden, &leaves[self.norm])?.f_view([batch, -1, width])?;
        let query = heads(&input, &leaves[self.query], shape)?;
        let key = heads(&encoded.hidden, &leaves[self.key], shape)?;
        let value = heads(&encoded.hidden, &leaves[self.value], shape)?;
        let found = attend(&query, &key, &value, &encoded.mask, shape, pass)?;
        let found = found.f_reshape([rows, length, -1])?;
        self.add(leaves, shape, hidden, found, pass)
    }

    fn add(
        &self,
        leaves: &Leaves,
        shape: &Shape,
        hidden: &Tensor,
        found: Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let output = found.f_linear(&leaves[self.output], None::<Tensor>)?;
        hidden.f_add(&pass.dropout(&output, shape.dropout_rate)?)
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
    key: &Tensor,
    value: &Tensor,
    bias: &Tensor,
    shape: &Shape,
    pass: Pass,
) -> Result<Tensor, TchError> {
    let scores = query.f_matmul(&key.f_transpose(2, 3)?)?.f_add(bias)?;
    let weights = pass.dropout(&scores.f_softmax(-1, Kind::Float)?, shape.dropout_rate)?;
    let found = weights.f_matmul(value)?.f_transpose(1, 2)?;
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
