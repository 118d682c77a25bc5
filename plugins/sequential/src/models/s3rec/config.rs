//! The options of pretraining.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options for the pretraining of S3-Rec: four tasks whose losses are added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pretraining {
    /// The times that every user is seen; 0 for no pretraining.
    pub num_train_epochs: u64,
    /// Users of a step.
    #[schemars(range(min = 1))]
    pub per_device_train_batch_size: usize,
    /// The learning rate, of Adam.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The probability with which an item is masked.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mlm_probability: f64,
    /// The weight of the prediction of an item's features from its place.
    #[schemars(range(min = 0.0))]
    pub aap_weight: f64,
    /// The weight of the prediction of masked items.
    #[schemars(range(min = 0.0))]
    pub mip_weight: f64,
    /// The weight of the prediction of masked items' features.
    #[schemars(range(min = 0.0))]
    pub map_weight: f64,
    /// The weight of telling a masked segment from another user's.
    #[schemars(range(min = 0.0))]
    pub sp_weight: f64,
}

impl Default for Pretraining {
    fn default() -> Self {
        Pretraining {
            num_train_epochs: 100,
            per_device_train_batch_size: 100,
            learning_rate: 1e-3,
            mlm_probability: 0.2,
            aap_weight: 0.2,
            mip_weight: 1.0,
            map_weight: 1.0,
            sp_weight: 0.5,
        }
    }
}
