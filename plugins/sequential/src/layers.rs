//! Layers that networks are made of.

mod attention;
mod block;
mod gru;

use tch::{TchError, Tensor};

use gloss_training::{Builder, Init, Leaves, Weight};

pub(crate) use attention::Attention;
pub use block::{Activation, BlockKind};
pub(crate) use block::{Block, BlockOptions};
pub(crate) use gru::Gru;

/// A matrix with an optional bias, initialised as `init` says; the bias is 0.
pub(crate) struct Linear {
    weight: Weight,
    bias: Option<Weight>,
}

impl Linear {
    /// From `inputs` to `outputs` numbers.
    pub(crate) fn new(
        builder: &mut Builder,
        name: &str,
        [inputs, outputs]: [i64; 2],
        init: Option<f64>,
    ) -> Self {
        let weight = init.map_or(Init::xavier_normal(outputs, inputs), Init::Normal);
        Linear {
            weight: builder.add(format!("{name}.weight"), &[outputs, inputs], weight),
            bias: Some(builder.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0))),
        }
    }

    /// The same without a bias.
    pub(crate) fn without_bias(
        builder: &mut Builder,
        name: &str,
        [inputs, outputs]: [i64; 2],
        init: Option<f64>,
    ) -> Self {
        let weight = init.map_or(Init::xavier_normal(outputs, inputs), Init::Normal);
        Linear {
            weight: builder.add(format!("{name}.weight"), &[outputs, inputs], weight),
            bias: None,
        }
    }

    pub(crate) fn forward(&self, leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        let bias = self.bias.map(|bias| &leaves[bias]);
        input.f_linear(&leaves[self.weight], bias)
    }
}

/// Layer normalisation with a gain and a bias.
pub(crate) struct LayerNorm {
    weight: Weight,
    bias: Weight,
    width: i64,
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn new(builder: &mut Builder, name: &str, width: i64, epsilon: f64) -> Self {
        LayerNorm {
            weight: builder.add(format!("{name}.weight"), &[width], Init::Constant(1.0)),
            bias: builder.add(format!("{name}.bias"), &[width], Init::Constant(0.0)),
            width,
            epsilon,
        }
    }

    pub(crate) fn forward(&self, leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = (Some(&leaves[self.weight]), Some(&leaves[self.bias]));
        input.f_layer_norm([self.width], weight, bias, self.epsilon, false)
    }
}
