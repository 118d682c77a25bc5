//! HSTU (Zhai et al., 2024, arXiv 2402.17152).

use std::path::PathBuf;

use gloss_core::{Data, Diagnostic, Result};
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{Kind, TchError, Tensor};

use crate::batch::Batch;
use crate::config::{NegativeSharing, SequenceTraining};
use crate::features::Features;
use crate::items::ItemVectors;
use crate::layers::Linear;
use crate::loss::Loss;
use crate::network::{Model, Network, check_heads};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Pass;
use gloss_training::{Builder, Init, Leaves, Weight};

/// The buckets of time differences: logarithms in steps of 0.301, of seconds.
const TIME_BUCKETS: i64 = 128;
const EPSILON: f64 = 1e-6;

/// HSTU: layers whose attention adds items up without normalising their shares, with a bias for the
/// distance in places and in time. It is trained before it is used.
///
/// Unlike the paper's code, the time of the item that is predicted is not looked at: that of the
/// last item stands in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = Hstu::describe)]
pub struct Hstu {
    /// The preset.
    pub settings: String,
    /// The folder of a model that is trained already, in place of a training.
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// Features whose vectors are added to those of items. By default none.
    pub features: Option<Features>,
    /// The number of last items that are read.
    #[schemars(range(min = 1))]
    pub max_length: usize,
    /// The width of the vectors of items and layers.
    #[schemars(range(min = 1))]
    pub hidden_size: i64,
    /// The number of layers.
    #[schemars(range(min = 1))]
    pub num_hidden_layers: usize,
    /// The number of attention heads, of which `hidden_size` is a multiple.
    #[schemars(range(min = 1))]
    pub num_attention_heads: i64,
    /// True if attention has a bias for the difference of times.
    pub time_bias: bool,
    /// The share of numbers that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub dropout: f64,
    /// The divisor of scores, which are cosines.
    #[schemars(range(min = 0.001))]
    pub temperature: f64,
    /// The number of items per user, plus one for each different item of the history, so that
    /// this many remain when seen items are excluded; all items if there are not as many.
    #[schemars(range(min = 1))]
    pub count: usize,
    /// The most users that are computed at once.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// The training.
    pub training: SequenceTraining,
}

impl Default for Hstu {
    fn default() -> Self {
        Hstu {
            settings: "strong".to_string(),
            model: None,
            device: DeviceName::Auto,
            features: None,
            max_length: 50,
            hidden_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 1,
            time_bias: true,
            dropout: 0.2,
            temperature: 0.05,
            count: 20,
            batch_size: 256,
            training: SequenceTraining {
                loss: Loss::SampledSoftmax,
                negative_sharing: NegativeSharing::None,
                adam_beta2: 0.98,
                early_stopping_patience: 50,
                ..SequenceTraining::default()
            },
        }
    }
}

impl Hstu {
    fn presets() -> Presets {
        vec![("strong", json!({}))]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &Hstu::presets());
    }
}

sequence_model!(Hstu);

impl Model for Hstu {
    usual_options!();

    fn check_shape(&self) -> Vec<Diagnostic> {
        check_heads(self.hidden_size, self.num_attention_heads)
    }

    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>> {
        let (width, length) = (self.hidden_size, self.max_length as i64);
        let normal = Init::Normal(0.02);
        let features = self.features.as_ref().zip(Some(self.device.open()?));
        let items = ItemVectors::new(builder, data, [0, width], Some(0.02), features)?;
        let places = builder.add("places", &[length, width], normal);
        let layer = |layer| {
            let name = format!("layers.{layer}");
            Layer {
                parts: Linear::without_bias(
                    builder,
                    &format!("{name}.parts"),
                    [width, 4 * width],
                    Some(0.02),
                ),
                output: Linear::new(builder, &format!("{name}.output"), [width, width], None),
                distances: builder.add(format!("{name}.distances"), &[length], normal),
                times: self
                    .time_bias
                    .then(|| builder.add(format!("{name}.times"), &[TIME_BUCKETS + 1], normal)),
            }
        };
        Ok(Box::new(Adding {
            items,
            places,
            layers: (0..self.num_hidden_layers).map(layer).collect(),
            options: self.clone(),
        }))
    }
}

struct Adding {
    items: ItemVectors,
    places: Weight,
    layers: Vec<Layer>,
    options: Hstu,
}

struct Layer {
    /// To gates, values, queries and keys.
    parts: Linear,
    output: Linear,
    /// The bias of each distance in places.
    distances: Weight,
    /// The bias of each bucket of time differences.
    times: Option<Weight>,
}

/// The distances of a batch's places from each other.
struct Distances {
    /// [length, length], in places.
    places: Tensor,
    /// [batch, length, length], in buckets of the time until what follows.
    times: Tensor,
    /// [length, length]; 1 where an item is seen, else 0.
    seen: Tensor,
}

impl Distances {
    fn new(batch: &Batch) -> Result<Self, TchError> {
        let (_, length) = batch.items.size2()?;
        let options = (Kind::Int64, batch.items.device());
        let range = Tensor::f_arange(length, options)?;
        let places = range.f_unsqueeze(1)?.f_sub(&range.f_unsqueeze(0)?)?;
        let last = batch.times.f_narrow(1, length - 1, 1)?;
        let next = match length {
            1 => last,
            _ => Tensor::f_cat(&[batch.times.f_narrow(1, 1, length - 1)?, last], 1)?,
        };
        let seconds = next
            .f_unsqueeze(2)?
            .f_sub(&batch.times.f_unsqueeze(1)?)?
            .f_abs()?
            .f_to_kind(Kind::Double)?
            .f_div_scalar(1000.0)?;
        let times = seconds
            .f_clamp_min(1.0)?
            .f_log()?
            .f_div_scalar(0.301)?
            .f_to_kind(Kind::Int64)?
            .f_clamp_max(TIME_BUCKETS)?;
        Ok(Distances {
            seen: places.f_ge(0)?.f_to_kind(Kind::Float)?,
            places: places.f_clamp_min(0)?,
            times,
        })
    }
}

impl Layer {
    fn forward(
        &self,
        leaves: &Leaves,
        input: &Tensor,
        distances: &Distances,
        options: &Hstu,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let (batch, length, width) = input.size3()?;
        let heads = options.num_attention_heads;
        let parts = self.parts.forward(leaves, &normal(input)?)?.f_silu()?;
        let parts = parts.f_chunk(4, -1)?;
        let [gates, values, queries, keys] = parts.as_slice() else {
            return Err(TchError::Shape("a layer has four parts".to_string()));
        };
        let split = |part: &Tensor| {
            part.f_reshape([batch, length, heads, width / heads])?
                .f_transpose(1, 2)
        };
        let mut bias = leaves[self.distances]
            .f_index_select(0, &distances.places.f_reshape([-1])?)?
            .f_view([1, 1, length, length])?;
        if let Some(times) = self.times {
            let times = leaves[times]
                .f_index_select(0, &distances.times.f_reshape([-1])?)?
                .f_view([batch, 1, length, length])?;
            bias = bias.f_add(&times)?;
        }
        let scores = split(queries)?
            .f_matmul(&split(keys)?.f_transpose(2, 3)?)?
            .f_add(&bias)?
            .f_silu()?
            .f_div_scalar(options.max_length as f64)?
            .f_mul(&distances.seen)?;
        let attended = scores
            .f_matmul(&split(values)?)?
            .f_transpose(1, 2)?
            .f_reshape([batch, length, width])?;
        let gated = pass.dropout(&normal(&attended)?.f_mul(gates)?, options.dropout)?;
        self.output.forward(leaves, &gated)?.f_add(input)
    }
}

/// Layer normalisation without a gain and a bias.
fn normal(input: &Tensor) -> Result<Tensor, TchError> {
    let width = input.size3()?.2;
    input.f_layer_norm([width], None::<&Tensor>, None::<&Tensor>, EPSILON, false)
}

/// Vectors of the length 1.
fn unit(input: &Tensor) -> Result<Tensor, TchError> {
    let length = input
        .f_square()?
        .f_sum_dim_intlist([-1].as_slice(), true, Kind::Float)?;
    input.f_div(&length.f_clamp_min(EPSILON)?.f_sqrt()?)
}

impl Network for Adding {
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError> {
        let places = &leaves[self.places];
        let places = Tensor::f_embedding(places, &batch.places, -1, false, false)?;
        let vectors = self
            .items
            .look_up(leaves, &batch.items)?
            .f_mul_scalar((self.options.hidden_size as f64).sqrt())?
            .f_add(&places)?;
        let mut hidden = pass.dropout(&vectors, self.options.dropout)?;
        let distances = Distances::new(batch)?;
        for layer in &self.layers {
            hidden = layer.forward(leaves, &hidden, &distances, &self.options, pass)?;
        }
        unit(&hidden)
    }

    fn items(&self, leaves: &Leaves, _: Pass) -> Result<Tensor, TchError> {
        unit(&self.items.matrix(leaves)?)?.f_div_scalar(self.options.temperature)
    }
}
