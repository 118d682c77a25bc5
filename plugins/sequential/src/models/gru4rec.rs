//! GRU4Rec (Hidasi et al., 2016, arXiv 1511.06939), in the form of its improvement for sequences
//! of items (Tan et al., 2016, arXiv 1606.08117).

use std::path::PathBuf;

use gloss_core::{Data, Result};
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{TchError, Tensor};

use crate::batch::Batch;
use crate::config::SequenceTraining;
use crate::features::Features;
use crate::items::ItemVectors;
use crate::layers::{Gru, Linear};
use crate::network::{Model, Network};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};

/// GRU4Rec: gated recurrent units over the vectors of a user's items. It is trained before it is
/// used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = Gru4Rec::describe)]
pub struct Gru4Rec {
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
    /// The width of an item's vector.
    #[schemars(range(min = 1))]
    pub embedding_size: i64,
    /// The width of a recurrent layer.
    #[schemars(range(min = 1))]
    pub hidden_size: i64,
    /// The number of recurrent layers.
    #[schemars(range(min = 1))]
    pub num_layers: i64,
    /// The share of the numbers of items' vectors that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub dropout: f64,
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

impl Default for Gru4Rec {
    fn default() -> Self {
        Gru4Rec {
            settings: "original".to_string(),
            model: None,
            device: DeviceName::Auto,
            features: None,
            max_length: 50,
            embedding_size: 64,
            hidden_size: 128,
            num_layers: 1,
            dropout: 0.3,
            count: 20,
            batch_size: 256,
            training: SequenceTraining {
                per_device_train_batch_size: 256,
                ..SequenceTraining::default()
            },
        }
    }
}

impl Gru4Rec {
    fn presets() -> Presets {
        vec![("original", json!({}))]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &Gru4Rec::presets());
    }
}

sequence_model!(Gru4Rec);

impl Model for Gru4Rec {
    usual_options!();

    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>> {
        let (width, hidden) = (self.embedding_size, self.hidden_size);
        let features = self.features.as_ref().zip(Some(self.device.open()?));
        Ok(Box::new(Recurrent {
            items: ItemVectors::new(builder, data, [0, width], None, features)?,
            gru: Gru::new(builder, "gru", [width, hidden], self.num_layers),
            output: Linear::new(builder, "output", [hidden, width], None),
            dropout: self.dropout,
        }))
    }
}

struct Recurrent {
    items: ItemVectors,
    gru: Gru,
    output: Linear,
    dropout: f64,
}

impl Network for Recurrent {
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError> {
        let vectors = self.items.look_up(leaves, &batch.items)?;
        let vectors = pass.dropout(&vectors, self.dropout)?;
        let hidden = self.gru.forward(leaves, &vectors)?;
        self.output.forward(leaves, &hidden)
    }

    fn items(&self, leaves: &Leaves, _: Pass) -> Result<Tensor, TchError> {
        self.items.matrix(leaves)
    }
}
