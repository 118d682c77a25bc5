//! The encoder and the decoder of T5 (Raffel et al., arXiv 1910.10683), with its names of weights.

use gloss_training::{Builder, Init, Leaves, Pass, Weight};
use tch::{Device, Kind, TchError, Tensor};

use crate::attention::{Attention, KeysValues, Place, norm, rms_norm};
use crate::config::Shape;
use crate::sequence::Inputs;

/// The network.
pub(crate) struct T5 {
    shape: Shape,
    shared: Weight,
    encoder: Stack,
    decoder: Stack,
}

struct Stack {
    blocks: Vec<Block>,
    /// `[buckets, heads]`
    positions: Weight,
    norm: Weight,
}

struct Block {
    attention: Attention,
    /// Attention to the encoder; of the decoder.
    cross: Option<Attention>,
    norm: Weight,
    inner: Weight,
    outer: Weight,
}

impl T5 {
    /// The network for so many tokens, initialised as in T5.
    pub(crate) fn new(builder: &mut Builder, shape: &Shape, tokens: i64) -> Self {
        let shared = builder.add("shared.weight", &[tokens, shape.d_model], Init::Normal(1.0));
        T5 {
            shared,
            encoder: Stack::new(builder, "encoder", shape, shape.num_layers),
            decoder: Stack::new(builder, "decoder", shape, shape.num_decoder_layers),
            shape: shape.clone(),
        }
    }

    /// The encoder's output, `[batch, length, width]`.
    pub(crate) fn encode(
        &self,
        leaves: &Leaves,
        inputs: &Inputs,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let place = self.place(leaves, pass);
        let (_, length) = inputs.tokens.size2()?;
        let bias = self.encoder.bias(place, length, Direction::Both)?;
        let bias = bias.f_add(&inputs.mask)?;
        let vectors = self.embed(leaves, &inputs.tokens)?;
        self.encoder.forward(place, &vectors, |block, hidden| {
            block.forward(place, hidden, &bias, None, None)
        })
    }

    /// The logits after each token of `tokens`, `[batch, length]`: `[batch, length, tokens]`. `encoded` is the encoder's
    /// output of `inputs`.
    pub(crate) fn decode(
        &self,
        leaves: &Leaves,
        (inputs, encoded): (&Inputs, &Tensor),
        tokens: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let place = self.place(leaves, pass);
        let (_, length) = tokens.size2()?;
        let bias = self.decoder.bias(place, length, Direction::Back)?;
        let vectors = self.embed(leaves, tokens)?;
        let hidden = self.decoder.forward(place, &vectors, |block, hidden| {
            let cross = block.cross_keys_values(place, encoded)?;
            block.forward(place, hidden, &bias, Some((&cross, &inputs.mask)), None)
        })?;
        self.logits(leaves, &hidden)
    }

    /// The keys and values of the encoder's output in each layer of the decoder.
    pub(crate) fn cross_keys_values(
        &self,
        leaves: &Leaves,
        encoded: &Tensor,
    ) -> Result<Vec<KeysValues>, TchError> {
        let place = self.place(leaves, Pass::Evaluation);
        let blocks = self.decoder.blocks.iter();
        blocks
            .map(|block| block.cross_keys_values(place, encoded))
            .collect()
    }

    /// The bias between the first places of the decoder, `[1, heads, length, length]`.
    pub(crate) fn decoder_bias(&self, leaves: &Leaves, length: i64) -> Result<Tensor, TchError> {
        let place = self.place(leaves, Pass::Evaluation);
        self.decoder.bias(place, length, Direction::Back)
    }

    /// The logits `[rows, tokens]` after one more token of each row, `tokens` `[rows]`, whose place has `bias` to those
    /// in `own`, the keys and values of each layer.
    pub(crate) fn step(
        &self,
        leaves: &Leaves,
        tokens: &Tensor,
        bias: &Tensor,
        own: &mut [Option<KeysValues>],
        (encoded, mask): (&[KeysValues], &Tensor),
    ) -> Result<Tensor, TchError> {
        let place = self.place(leaves, Pass::Evaluation);
        let vectors = self.embed(leaves, &tokens.f_unsqueeze(1)?)?;
        let mut caches = own.iter_mut().zip(encoded);
        let hidden = self.decoder.forward(place, &vectors, |block, hidden| {
            let (own, encoded) = caches
                .next()
                .ok_or_else(|| TchError::Shape("a layer has no cache".to_string()))?;
            block.forward(place, hidden, bias, Some((encoded, mask)), Some(own))
        })?;
        self.logits(leaves, &hidden.f_squeeze_dim(1)?)
    }

    /// The number of layers of the decoder.
    pub(crate) fn decoder_layers(&self) -> usize {
        self.decoder.blocks.len()
    }

    fn logits(&self, leaves: &Leaves, hidden: &Tensor) -> Result<Tensor, TchError> {
        let scaled = hidden.f_mul_scalar((self.shape.d_model as f64).powf(-0.5))?;
        scaled.f_matmul(&leaves[self.shared].f_tr()?)
    }

    fn place<'a>(&'a self, leaves: &'a Leaves, pass: Pass) -> Place<'a> {
        Place {
            leaves,
            shape: &self.shape,
            pass,
        }
    }

    fn embed(&self, leaves: &Leaves, tokens: &Tensor) -> Result<Tensor, TchError> {
        leaves.rows(&leaves[self.shared], tokens)
    }
}

/// The tokens that a token attends to.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Both,
    /// Those before it, and itself.
    Back,
}

impl Stack {
    fn new(builder: &mut Builder, name: &str, shape: &Shape, layers: usize) -> Self {
        let is_decoder = name == "decoder";
        let blocks = (0..layers)
            .map(|number| {
                Block::new(
                    builder,
                    &format!("{name}.block.{number}"),
                    shape,
                    is_decoder,
                )
            })
            .collect();
        Stack {
            blocks,
            positions: builder.add(
                format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
                &[shape.relative_attention_num_buckets, shape.num_heads],
                Init::Normal((shape.d_model as f64).powf(-0.5)),
            ),
            norm: norm(builder, format!("{name}.final_layer_norm.weight"), shape),
        }
    }

    /// The bias of attention between places, `[1, heads, length, length]`, with −∞ after a place for `Back`.
    fn bias(
        &self,
        place: Place<'_>,
        length: i64,
        direction: Direction,
    ) -> Result<Tensor, TchError> {
        let weights = &place.leaves[self.positions];
        let device = weights.device();
        let buckets: Vec<i64> = (0..length)
            .flat_map(|query| (0..length).map(move |key| key - query))
            .map(|distance| bucket(distance, place.shape, direction))
            .collect();
        let buckets = Tensor::f_from_slice(&buckets)?
            .f_view([length, length])?
            .f_to_device(device)?;
        let bias = Tensor::f_embedding(weights, &buckets, -1, false, false)?
            .f_permute([2, 0, 1])?
            .f_unsqueeze(0)?;
        match direction {
            Direction::Both => Ok(bias),
            Direction::Back => {
                let later = Tensor::f_ones([length, length], (Kind::Bool, device))?.f_triu(1)?;
                bias.f_masked_fill(&later, f64::NEG_INFINITY)
            }
        }
    }

    /// All layers, each computed by `block`.
    fn forward(
        &self,
        place: Place<'_>,
        vectors: &Tensor,
        mut block: impl FnMut(&Block, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        let rate = place.shape.dropout_rate;
        let mut hidden = place.pass.dropout(vectors, rate)?;
        for own in &self.blocks {
            hidden = block(own, &hidden)?;
        }
        let normed = rms_norm(&hidden, &place.leaves[self.norm])?;
        place.pass.dropout(&normed, rate)
    }
}

impl Block {
    fn new(builder: &mut Builder, name: &str, shape: &Shape, is_decoder: bool) -> Self {
        let attention = Attention::new(builder, &format!("{name}.layer.0"), "SelfAttention", shape);
        let cross = is_decoder.then(|| {
            Attention::new(
                builder,
                &format!("{name}.layer.1"),
                "EncDecAttention",
                shape,
            )
        });
        let feed = format!("{name}.layer.{}", 1 + usize::from(is_decoder));
        let deviation = |width: i64| Init::Normal((width as f64).powf(-0.5));
        let (width, inner) = (shape.d_model, shape.d_ff);
        Block {
            attention,
            cross,
            inner: builder.add(
                format!("{feed}.DenseReluDense.wi.weight"),
                &[inner, width],
                deviation(width),
            ),
            outer: builder.add(
                format!("{feed}.DenseReluDense.wo.weight"),
                &[width, inner],
                deviation(inner),
            ),
            norm: norm(builder, format!("{feed}.layer_norm.weight"), shape),
        }
    }

    /// Keys and values of the encoder's output.
    fn cross_keys_values(
        &self,
        place: Place<'_>,
        encoded: &Tensor,
    ) -> Result<KeysValues, TchError> {
        let cross = self.cross.as_ref();
        let cross = cross.ok_or_else(|| TchError::Shape("a layer of the encoder".to_string()))?;
        cross.keys_values(place, encoded)
    }

    /// The layer; `cross` is the encoder's output with its mask, `cache` the keys and values of the places before.
    fn forward(
        &self,
        place: Place<'_>,
        hidden: &Tensor,
        bias: &Tensor,
        cross: Option<(&KeysValues, &Tensor)>,
        cache: Option<&mut Option<KeysValues>>,
    ) -> Result<Tensor, TchError> {
        let (leaves, rate) = (place.leaves, place.shape.dropout_rate);
        let mut hidden = self.attention.to_itself(place, hidden, bias, cache)?;
        if let (Some(attention), Some((encoded, mask))) = (&self.cross, cross) {
            hidden = attention.to_encoded(place, &hidden, encoded, mask)?;
        }
        let inner = rms_norm(&hidden, &leaves[self.norm])?
            .f_linear(&leaves[self.inner], None::<Tensor>)?
            .f_relu()?;
        let outer = place
            .pass
            .dropout(&inner, rate)?
            .f_linear(&leaves[self.outer], None::<Tensor>)?;
        hidden.f_add(&place.pass.dropout(&outer, rate)?)
    }
}

/// The bucket of the distance from a query to a key: half of the buckets are for one distance each, the
/// others for logarithmically growing ranges up to the greatest distance.
fn bucket(distance: i64, shape: &Shape, direction: Direction) -> i64 {
    let (mut count, mut start) = (shape.relative_attention_num_buckets, 0);
    let far = match direction {
        Direction::Both => {
            count /= 2;
            start = if distance > 0 { count } else { 0 };
            distance.abs()
        }
        Direction::Back => (-distance).max(0),
    };
    let exact = count / 2;
    if far < exact {
        return start + far;
    }
    let most = shape.relative_attention_max_distance as f32;
    // In single precision, as transformers computes it.
    let ratio = (far as f32 / exact as f32).ln() / (most / exact as f32).ln();
    let large = exact + (ratio * (count - exact) as f32) as i64;
    start + large.min(count - 1)
}

/// The tokens that the decoder reads for some targets: the padding, then all but the last.
pub(crate) fn shifted(targets: &Tensor, device: Device) -> Result<Tensor, TchError> {
    let (rows, length) = targets.size2()?;
    let first = Tensor::f_full([rows, 1], crate::sequence::PAD, (Kind::Int64, device))?;
    Tensor::f_cat(&[first, targets.f_narrow(1, 0, length - 1)?], 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_torch::Checkpoint;
    use gloss_training::load_weights;
    use serde::Deserialize;
    use std::path::Path;

    #[derive(Deserialize)]
    struct Golden {
        inputs: Vec<Vec<i64>>,
        read: Vec<Vec<i64>>,
        logits: Vec<Vec<Vec<f64>>>,
    }

    fn golden(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name)
    }

    #[test]
    fn logits_are_those_of_transformers() {
        let golden_text = std::fs::read(golden("t5.json")).unwrap();
        let expected: Golden = serde_json::from_slice(&golden_text).unwrap();
        let shape = Shape {
            d_model: 8,
            d_kv: 4,
            d_ff: 16,
            num_layers: 2,
            num_decoder_layers: 2,
            num_heads: 3,
            relative_attention_num_buckets: 8,
            relative_attention_max_distance: 12,
            dropout_rate: 0.0,
        };
        let mut builder = Builder::default();
        let network = T5::new(&mut builder, &shape, 23);
        let parameters = builder.draw(0, Device::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(
            golden("t5.safetensors"),
            folder.path().join("model.safetensors"),
        )
        .unwrap();
        let read = load_weights(folder.path(), &parameters, Device::Cpu).unwrap();
        // Every weight of transformers has its place here.
        let known = |name: &str| parameters.list.iter().any(|own| own.name == name);
        assert!(Checkpoint::names(&read).all(known));
        let leaves = Leaves::fixed(&parameters).unwrap();
        let inputs = Inputs::new(&expected.inputs, Device::Cpu).unwrap();
        let encoded = network.encode(&leaves, &inputs, Pass::Evaluation).unwrap();
        let read = Tensor::from_slice(&expected.read.concat()).view([2, -1]);
        let found = network
            .decode(&leaves, (&inputs, &encoded), &read, Pass::Evaluation)
            .unwrap();
        let found: Vec<f64> = Vec::try_from(found.to_kind(Kind::Double).view([-1])).unwrap();
        let expected = expected.logits.concat().concat();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-4, "{found}, {expected}");
        }
    }
}
