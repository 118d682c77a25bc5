//! A layer of a transformer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::{Attention, LayerNorm, Linear};
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};

/// Layers of a transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// As in BERT: normalised after each of its two parts.
    PostNorm,
    /// As in SASRec: the queries of attention and the input of the perceptron are normalised, and
    /// the perceptron adds to its normalised input.
    Sasrec,
    /// As in eSASRec: normalised before each part, whose result is multiplied by a gate (LiGR,
    /// arXiv 2502.03417), with a SwiGLU perceptron.
    Ligr,
}

/// Activations of a perceptron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// x Φ(x)
    Gelu,
    /// max(x, 0)
    Relu,
}

impl Activation {
    fn apply(self, input: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Activation::Gelu => input.f_gelu("none"),
            Activation::Relu => input.f_relu(),
        }
    }
}

/// The shape of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockOptions {
    pub(crate) kind: BlockKind,
    pub(crate) width: i64,
    pub(crate) heads: i64,
    /// The width of the perceptron.
    pub(crate) inner: i64,
    pub(crate) activation: Activation,
    pub(crate) dropout: f64,
    pub(crate) attention_dropout: f64,
    pub(crate) epsilon: f64,
    /// The deviation of matrices before training; that of Glorot and Bengio if `None`.
    pub(crate) init: Option<f64>,
}

/// A layer.
pub(crate) struct Block {
    attention: Attention,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    perceptron_norm: LayerNorm,
    /// Of LiGR: the gates of both parts, and of the perceptron.
    gates: Option<[Linear; 3]>,
    options: BlockOptions,
}

impl Block {
    pub(crate) fn new(builder: &mut Builder, name: &str, options: BlockOptions) -> Self {
        let BlockOptions {
            width,
            heads,
            inner,
            init,
            epsilon,
            ..
        } = options;
        let dropout = options.attention_dropout;
        let attention = format!("{name}.attention");
        let attention = Attention::new(builder, &attention, [width, heads], dropout, init);
        let attention_norm = format!("{name}.attention_norm");
        let attention_norm = LayerNorm::new(builder, &attention_norm, width, epsilon);
        let is_gated = options.kind == BlockKind::Ligr;
        // A gated perceptron has no biases.
        let perceptron = match is_gated {
            true => Linear::without_bias,
            false => Linear::new,
        };
        let up = perceptron(builder, &format!("{name}.up"), [width, inner], init);
        let down = perceptron(builder, &format!("{name}.down"), [inner, width], init);
        let perceptron_norm = format!("{name}.perceptron_norm");
        let perceptron_norm = LayerNorm::new(builder, &perceptron_norm, width, epsilon);
        let mut gates = || {
            let gate = |part: &str| format!("{name}.{part}");
            [
                Linear::new(builder, &gate("attention_gate"), [width, width], init),
                Linear::new(builder, &gate("perceptron_gate"), [width, width], init),
                perceptron(builder, &gate("gate"), [width, inner], init),
            ]
        };
        Block {
            attention,
            attention_norm,
            up,
            down,
            perceptron_norm,
            gates: is_gated.then(&mut gates),
            options,
        }
    }

    /// From and to [batch, length, width].
    pub(crate) fn forward(
        &self,
        leaves: &Leaves,
        input: &Tensor,
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        match self.options.kind {
            BlockKind::PostNorm => self.post_norm(leaves, input, mask, pass),
            BlockKind::Sasrec => self.sasrec(leaves, input, mask, pass),
            BlockKind::Ligr => self.ligr(leaves, input, mask, pass),
        }
    }

    fn perceptron(&self, leaves: &Leaves, input: &Tensor, pass: Pass) -> Result<Tensor, TchError> {
        let up = self.up.forward(leaves, input)?;
        let inner = match &self.gates {
            Some([_, _, gate]) => gate.forward(leaves, input)?.f_silu()?.f_mul(&up)?,
            None => self.options.activation.apply(&up)?,
        };
        // BERT drops after the perceptron, LiGR inside of it, SASRec at both places.
        let dropout = |tensor: Tensor, is_here: bool| match is_here {
            true => pass.dropout(&tensor, self.options.dropout),
            false => Ok(tensor),
        };
        let inner = dropout(inner, self.options.kind != BlockKind::PostNorm)?;
        let output = self.down.forward(leaves, &inner)?;
        dropout(output, self.options.kind != BlockKind::Ligr)
    }

    fn post_norm(
        &self,
        leaves: &Leaves,
        input: &Tensor,
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let attended = self.attention.forward(leaves, (input, input), mask, pass)?;
        let attended = pass.dropout(&attended, self.options.dropout)?;
        let middle = self
            .attention_norm
            .forward(leaves, &input.f_add(&attended)?)?;
        let output = self.perceptron(leaves, &middle, pass)?;
        self.perceptron_norm
            .forward(leaves, &middle.f_add(&output)?)
    }

    fn sasrec(
        &self,
        leaves: &Leaves,
        input: &Tensor,
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let queries = self.attention_norm.forward(leaves, input)?;
        let attended = self
            .attention
            .forward(leaves, (&queries, input), mask, pass)?;
        let middle = self
            .perceptron_norm
            .forward(leaves, &queries.f_add(&attended)?)?;
        middle.f_add(&self.perceptron(leaves, &middle, pass)?)
    }

    fn ligr(
        &self,
        leaves: &Leaves,
        input: &Tensor,
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let Some([attention_gate, perceptron_gate, _]) = &self.gates else {
            return Err(TchError::Shape("a LiGR layer has gates".to_string()));
        };
        let gated = |gate: &Linear, input: &Tensor, part: &Tensor| {
            let gate = gate.forward(leaves, input)?.f_sigmoid()?;
            input.f_add(&pass.dropout(&part.f_mul(&gate)?, self.options.dropout)?)
        };
        let normal = self.attention_norm.forward(leaves, input)?;
        let attended = self
            .attention
            .forward(leaves, (&normal, &normal), mask, pass)?;
        let middle = gated(attention_gate, input, &attended)?;
        let normal = self.perceptron_norm.forward(leaves, &middle)?;
        let output = self.perceptron(leaves, &normal, pass)?;
        gated(perceptron_gate, &middle, &output)
    }
}
