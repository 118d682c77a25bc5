//! The network.

use std::path::Path;

use gloss_core::Result;
use gloss_torch::{Adapter, torch_error};
use tch::{Device, Kind, TchError, Tensor};

use crate::architecture::{Architecture, EMBEDDING};
use crate::attention::{Mask, attend};
use crate::cache::{Cache, Window};
use crate::layer::{LayerForward, Norm, Projection};
use crate::linear::Linear;
use crate::load::Loader;
use crate::rope::rotate;

/// Options for loading a checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct LoadOptions {
    /// The device.
    pub device: Device,
    /// The kind of the weights that are not quantised, and of all computation.
    pub kind: Kind,
    /// True if the projections of a checkpoint in 16 or 32 bits are quantised to NF4.
    pub quantize: bool,
    /// True if an adapter is added to projections that are not quantised.
    pub merge: bool,
}

/// A Llama on a device.
pub struct Model {
    /// Its shape.
    pub architecture: Architecture,
    /// The kind of all computation.
    pub kind: Kind,
    /// The device.
    pub device: Device,
    pub(crate) embedding: Tensor,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Tensor,
    /// [vocabulary, hidden]
    pub(crate) head: Tensor,
}

pub(crate) struct Layer {
    pub(crate) attention_norm: Tensor,
    /// Queries, keys and values, side by side.
    pub(crate) qkv: Linear,
    pub(crate) output: Linear,
    pub(crate) perceptron_norm: Tensor,
    /// Gate and up, side by side.
    pub(crate) gate_up: Linear,
    pub(crate) down: Linear,
}

/// The context of a forward pass: cosines and sines of the tokens' positions, their slots, and
/// what they see.
pub(crate) struct ForwardContext<'a> {
    pub(crate) cosines: Tensor,
    pub(crate) sines: Tensor,
    pub(crate) cache: &'a Cache,
    pub(crate) window: Window,
    pub(crate) mask: Mask,
}

impl Model {
    /// Loads a checkpoint from its folder, with an adapter if one is named.
    ///
    /// # Errors
    /// If the checkpoint is not whole, not a Llama, or does not fit the adapter or the device.
    pub fn load(folder: &Path, adapter: Option<&Path>, options: LoadOptions) -> Result<Self> {
        let (architecture, checkpoint) = Architecture::open(folder)?;
        let adapter = adapter.map(Adapter::open).transpose()?;
        let loader = Loader {
            checkpoint: &checkpoint,
            adapter: adapter.as_ref(),
            device: options.device,
            kind: options.kind,
            architecture: &architecture,
            quantize: options.quantize,
            merge: options.merge,
        };
        let mut model = Self::assemble(&loader)?;
        if let Some(adapter) = &adapter {
            model.put_rows(adapter)?;
            adapter.finish()?;
        }
        checkpoint.warn_of_unread();
        Ok(model)
    }

    fn assemble(loader: &Loader<'_>) -> Result<Self> {
        let shape = loader.architecture;
        let table = [shape.vocabulary, shape.hidden];
        let embedding = loader.tensor(EMBEDDING, &table)?;
        let head = match shape.tied {
            true => embedding.shallow_clone(),
            false => loader.head(table)?,
        };
        let layers = (0..shape.layers).map(|layer| Layer::load(layer, shape, loader));
        Ok(Model {
            layers: layers.collect::<Result<_>>()?,
            norm: loader.tensor("model.norm.weight", &[shape.hidden])?,
            embedding,
            head,
            kind: loader.kind,
            device: loader.device,
            architecture: shape.clone(),
        })
    }

    /// Keeps all projections as numbers instead of in 4 bits: more memory, the same results, sooner.
    pub(crate) fn dequantize(&mut self) -> Result<(), TchError> {
        for layer in &mut self.layers {
            for linear in [
                &mut layer.qkv,
                &mut layer.output,
                &mut layer.gate_up,
                &mut layer.down,
            ] {
                linear.dequantize(self.kind)?;
            }
        }
        Ok(())
    }

    /// The features of `tokens` [users, n] after the last norm, [users, n, hidden].
    pub(crate) fn forward(
        &self,
        tokens: &Tensor,
        place: &ForwardContext<'_>,
    ) -> Result<Tensor, TchError> {
        let mut hidden = Tensor::f_embedding(&self.embedding, tokens, -1, false, false)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let layer = CachedLayer {
                layer,
                index,
                shape: &self.architecture,
                context: place,
            };
            hidden = layer.forward(&hidden)?;
        }
        self.normalise(&hidden, &self.norm)
    }

    fn normalise(&self, input: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        normalise(input, weight, &self.architecture)
    }

    /// The logits of every token, as f32, after `hidden` [rows, hidden]: [rows, vocabulary].
    pub(crate) fn logits(&self, hidden: &Tensor) -> Result<Tensor, TchError> {
        self.logits_with(hidden, &self.head)
    }

    /// [`Model::logits`] with another output's weight.
    pub(crate) fn logits_with(&self, hidden: &Tensor, head: &Tensor) -> Result<Tensor, TchError> {
        if self.device.is_cuda() && self.kind != Kind::Float {
            return hidden.f_mm_dtype(&head.f_tr()?, Kind::Float);
        }
        let logits = hidden.f_linear(head, None::<&Tensor>)?;
        logits.f_to_kind(Kind::Float)
    }

    /// The logits after each of `tokens`, as f32, of shape `[tokens, vocabulary]`.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn logits_of(&self, tokens: &[i64]) -> Result<Tensor> {
        let run = || self.logits(&self.features_of(tokens)?);
        tch::no_grad(run).map_err(torch_error("run the model"))
    }

    /// The natural logarithm of the probability of each token of `text` after `prompt`, which must
    /// have a token, and after those of `text` before it.
    ///
    /// # Errors
    /// If memory runs out.
    pub(crate) fn log_probabilities(&self, prompt: &[i64], text: &[i64]) -> Result<Vec<f32>> {
        let run = || -> Result<Vec<f32>, TchError> {
            let (before, count) = (prompt.len() as i64, text.len() as i64);
            let features = self.features_of(&[prompt, text].concat())?;
            let logits = self.logits(&features.f_narrow(0, before - 1, count)?)?;
            let tokens = Tensor::f_from_slice(text)?.f_to_device(self.device)?;
            let all = logits.f_log_softmax(-1, Kind::Float)?;
            let own = all.f_gather(1, &tokens.f_unsqueeze(1)?, false)?;
            Vec::try_from(&own.f_flatten(0, 1)?)
        };
        tch::no_grad(run).map_err(torch_error("run the model"))
    }

    /// The features of each of `tokens` after the last norm, [tokens, hidden].
    fn features_of(&self, tokens: &[i64]) -> Result<Tensor, TchError> {
        let count = tokens.len() as i64;
        let keys = crate::attention::aligned(count);
        let cache = Cache::new(&self.architecture, 1, keys, (self.kind, self.device))?;
        let rope = &self.architecture.rope;
        let size = self.architecture.head_size;
        let (cosines, sines) = rope.table(count, size, self.kind, self.device)?;
        let place = ForwardContext {
            cosines,
            sines,
            cache: &cache,
            window: Window {
                users: (0, 1),
                at: 0,
                seen: keys,
            },
            mask: Mask::causal(0, count, keys, self.groups(), (self.kind, self.device))?,
        };
        let tokens = Tensor::f_from_slice(tokens)?.f_to_device(self.device)?;
        self.forward(&tokens.f_unsqueeze(0)?, &place)?
            .f_squeeze_dim(0)
    }

    /// Heads of queries to each head of keys.
    pub(crate) fn groups(&self) -> i64 {
        self.architecture.heads / self.architecture.key_value_heads
    }
}

impl Layer {
    /// The frozen weights of a projection.
    pub(crate) fn projection(&self, projection: Projection) -> &Linear {
        match projection {
            Projection::Qkv => &self.qkv,
            Projection::Output => &self.output,
            Projection::GateUp => &self.gate_up,
            Projection::Down => &self.down,
        }
    }

    fn load(layer: usize, shape: &Architecture, loader: &Loader<'_>) -> Result<Self> {
        let part = |name: &str| format!("model.layers.{layer}.{name}");
        let [q, k, v, o] = ["q", "k", "v", "o"].map(|name| part(&format!("self_attn.{name}_proj")));
        let [gate, up, down] = ["gate", "up", "down"].map(|name| part(&format!("mlp.{name}_proj")));
        let norm = |name| loader.tensor(&part(&format!("{name}.weight")), &[shape.hidden]);
        let queries = shape.heads * shape.head_size;
        let keys = shape.key_value_heads * shape.head_size;
        let (hidden, inner) = (shape.hidden, shape.intermediate);
        let (biased, inner_biased) = (shape.attention_bias, shape.perceptron_bias);
        Ok(Layer {
            attention_norm: norm("input_layernorm")?,
            qkv: loader.linear(&[(&q, queries), (&k, keys), (&v, keys)], hidden, biased)?,
            output: loader.linear(&[(&o, hidden)], queries, biased)?,
            perceptron_norm: norm("post_attention_layernorm")?,
            gate_up: loader.linear(&[(&gate, inner), (&up, inner)], hidden, inner_biased)?,
            down: loader.linear(&[(&down, hidden)], inner, inner_biased)?,
        })
    }
}

/// A layer of a forward pass with a cache of keys and values.
struct CachedLayer<'a> {
    layer: &'a Layer,
    index: usize,
    shape: &'a Architecture,
    context: &'a ForwardContext<'a>,
}

impl LayerForward for CachedLayer<'_> {
    fn norm(&self, norm: Norm, input: &Tensor) -> Result<Tensor, TchError> {
        let weight = match norm {
            Norm::Attention => &self.layer.attention_norm,
            Norm::Perceptron => &self.layer.perceptron_norm,
        };
        normalise(input, weight, self.shape)
    }

    fn project(&self, projection: Projection, input: &Tensor) -> Result<Tensor, TchError> {
        self.layer.projection(projection).forward(input)
    }

    fn attend(&self, qkv: &Tensor) -> Result<Tensor, TchError> {
        let (users, count, _) = qkv.size3()?;
        let (shape, context) = (self.shape, self.context);
        let (heads, key_heads) = (shape.heads, shape.key_value_heads);
        let all = [users, count, heads + 2 * key_heads, shape.head_size];
        let qkv = qkv.f_view(all)?.f_transpose(1, 2)?;
        let rotated = qkv.f_narrow(1, 0, heads + key_heads)?;
        let rotated = rotate(&rotated, &context.cosines, &context.sines)?;
        let queries = rotated.f_narrow(1, 0, heads)?;
        let keys = rotated.f_narrow(1, heads, key_heads)?;
        let values = qkv.f_narrow(1, heads + key_heads, key_heads)?;
        let cache = context.cache;
        let (keys, values) = cache.extend(self.index, context.window, &keys, &values)?;
        attend(&queries, &keys, &values, &context.mask)?
            .f_transpose(1, 2)?
            .f_reshape([users, count, heads * shape.head_size])
    }

    fn in_place(&self) -> bool {
        true
    }
}

/// Root mean square norm (Zhang and Sennrich, 2019, arXiv 1910.07467).
pub(crate) fn normalise(
    input: &Tensor,
    weight: &Tensor,
    shape: &Architecture,
) -> Result<Tensor, TchError> {
    input.f_rms_norm([shape.hidden], Some(weight), shape.norm_epsilon)
}
