//! The network: BERT (Devlin et al., 2019, arXiv 1810.04805) and XLM-R (Conneau et al., 2020,
//! arXiv 1911.02116), which differ in how they count positions.

use gloss_core::Result;
use gloss_torch::{Activation, Checkpoint, Linear, torch_error};
use tch::{Device, Kind, TchError, Tensor};

use super::architecture::Architecture;
use super::batches::Batch;

/// The weights of an encoder on a device.
pub(crate) struct Network {
    architecture: Architecture,
    /// [vocabulary, hidden]
    words: Tensor,
    /// [positions, hidden], the first token type added.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Queries, keys and values, side by side.
    qkv: Linear,
    output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
}

/// A checkpoint, and how its tensors are named and loaded.
struct Loader<'a> {
    checkpoint: &'a Checkpoint,
    /// Before the names of all tensors: that of the model inside one with a head.
    prefix: &'static str,
    device: Device,
    kind: Kind,
}

impl Network {
    pub(crate) fn load(
        architecture: Architecture,
        checkpoint: &Checkpoint,
        device: Device,
        kind: Kind,
    ) -> Result<Self> {
        let word = "embeddings.word_embeddings.weight";
        let prefixes = ["bert.", "roberta.", "model."];
        let found = |prefix: &&str| checkpoint.contains(&format!("{prefix}{word}"));
        let loader = Loader {
            checkpoint,
            prefix: prefixes.into_iter().find(found).unwrap_or(""),
            device,
            kind,
        };
        let shape = &architecture;
        let layers = (0..shape.layers).map(|layer| Layer::load(layer, shape, &loader));
        Ok(Network {
            words: loader.tensor(word, &[shape.vocabulary, shape.hidden])?,
            positions: loader.positions(shape)?,
            norm: loader.norm("embeddings.LayerNorm", shape.hidden)?,
            layers: layers.collect::<Result<_>>()?,
            architecture,
        })
    }

    /// Another handle on the same weights, for another thread.
    pub(crate) fn share(&self) -> Self {
        Network {
            architecture: self.architecture.clone(),
            words: self.words.shallow_clone(),
            positions: self.positions.shallow_clone(),
            norm: self.norm.share(),
            layers: self.layers.iter().map(Layer::share).collect(),
        }
    }

    /// The features of all tokens of a batch after the last layer, [tokens, hidden], from their
    /// numbers and positions [tokens].
    pub(crate) fn forward(
        &self,
        tokens: &Tensor,
        positions: &Tensor,
        batch: &Batch,
    ) -> Result<Tensor, TchError> {
        let shape = &self.architecture;
        let words = self.words.f_index_select(0, tokens)?;
        let mut hidden = words.f_add(&self.positions.f_index_select(0, positions)?)?;
        hidden = self.norm.forward(&hidden, shape)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, shape, batch)?;
        }
        Ok(hidden)
    }
}

impl Layer {
    fn load(layer: usize, shape: &Architecture, loader: &Loader<'_>) -> Result<Self> {
        let (hidden, inner) = (shape.hidden, shape.intermediate);
        let part = |name: &str| format!("encoder.layer.{layer}.{name}");
        let [q, k, v] =
            ["query", "key", "value"].map(|name| part(&format!("attention.self.{name}")));
        Ok(Layer {
            qkv: loader.linear(&[&q, &k, &v], hidden, hidden)?,
            output: loader.linear(&[&part("attention.output.dense")], hidden, hidden)?,
            attention_norm: loader.norm(&part("attention.output.LayerNorm"), hidden)?,
            up: loader.linear(&[&part("intermediate.dense")], inner, hidden)?,
            down: loader.linear(&[&part("output.dense")], hidden, inner)?,
            norm: loader.norm(&part("output.LayerNorm"), hidden)?,
        })
    }

    fn share(&self) -> Self {
        Layer {
            qkv: self.qkv.share(),
            output: self.output.share(),
            attention_norm: self.attention_norm.share(),
            up: self.up.share(),
            down: self.down.share(),
            norm: self.norm.share(),
        }
    }

    fn forward(
        &self,
        input: &Tensor,
        shape: &Architecture,
        batch: &Batch,
    ) -> Result<Tensor, TchError> {
        let qkv = self.qkv.forward(input, Activation::None)?;
        let attended = attend(&qkv, shape, batch)?;
        let hidden = self.output.forward_add(&attended, input)?;
        let hidden = self.attention_norm.forward(&hidden, shape)?;
        let inner = self.up.forward(&hidden, shape.activation)?;
        let output = self.down.forward_add(&inner, &hidden)?;
        self.norm.forward(&output, shape)
    }
}

/// Attention of every token to those of its own text: from queries, keys and values [tokens, 3 ×
/// hidden] to [tokens, hidden].
fn attend(qkv: &Tensor, shape: &Architecture, batch: &Batch) -> Result<Tensor, TchError> {
    let (heads, size) = (shape.heads, shape.hidden / shape.heads);
    let mut outputs = Vec::with_capacity(batch.groups.len());
    for (group, range) in batch.ranges() {
        let (texts, length) = (group.texts as i64, group.length as i64);
        let part = qkv.f_narrow(0, range.start as i64, range.len() as i64)?;
        let part = part.f_view([texts, length, 3, heads, size])?;
        let [q, k, v] = [0, 1, 2].map(|at| part.f_select(2, at)?.f_transpose(1, 2));
        let none = None::<&Tensor>;
        let output =
            Tensor::f_scaled_dot_product_attention(&q?, &k?, &v?, none, 0.0, false, None, false)?;
        outputs.push(output.f_transpose(1, 2)?.f_reshape([-1, shape.hidden])?);
    }
    match outputs.len() {
        1 => Ok(outputs.swap_remove(0)),
        _ => Tensor::f_cat(&outputs, 0),
    }
}

impl Norm {
    fn forward(&self, input: &Tensor, shape: &Architecture) -> Result<Tensor, TchError> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        input.f_layer_norm([shape.hidden], weight, bias, shape.norm_epsilon, false)
    }

    fn share(&self) -> Self {
        Norm {
            weight: self.weight.shallow_clone(),
            bias: self.bias.shallow_clone(),
        }
    }
}

impl Loader<'_> {
    fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.checkpoint.tensor(&name, shape, self.device)?;
        tensor.f_to_kind(self.kind).map_err(failed)
    }

    /// The embedding of positions with that of the one token type that is used.
    fn positions(&self, shape: &Architecture) -> Result<Tensor> {
        let positions = "embeddings.position_embeddings.weight";
        let positions = self.tensor(positions, &[shape.positions, shape.hidden])?;
        let types = "embeddings.token_type_embeddings.weight";
        let types = self.tensor(types, &[shape.types, shape.hidden])?;
        let first = types.f_narrow(0, 0, 1).map_err(failed)?;
        positions.f_add(&first).map_err(failed)
    }

    /// Projections with the same inputs and outputs, side by side.
    fn linear(&self, modules: &[&str], outputs: i64, inputs: i64) -> Result<Linear> {
        let joined = |part: &str, shape: &[i64]| {
            let tensors = modules
                .iter()
                .map(|module| self.tensor(&format!("{module}.{part}"), shape))
                .collect::<Result<Vec<_>>>()?;
            Tensor::f_cat(&tensors, 0).map_err(failed)
        };
        let weight = joined("weight", &[outputs, inputs])?;
        Ok(Linear::new(weight, joined("bias", &[outputs])?))
    }

    /// A norm, whose tensors have other names in checkpoints that were converted from TensorFlow.
    fn norm(&self, module: &str, size: i64) -> Result<Norm> {
        let old = format!("{}{module}.gamma", self.prefix);
        let [weight, bias] = match self.checkpoint.contains(&old) {
            true => ["gamma", "beta"],
            false => ["weight", "bias"],
        };
        Ok(Norm {
            weight: self.tensor(&format!("{module}.{weight}"), &[size])?,
            bias: self.tensor(&format!("{module}.{bias}"), &[size])?,
        })
    }
}

fn failed(error: TchError) -> gloss_core::Error {
    torch_error("load the encoder")(error)
}
