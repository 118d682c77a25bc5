//! The vectors of items.

use gloss_core::{Data, Result};
use gloss_torch::torch_error;
use tch::{Device, TchError, Tensor};

use crate::features::{FeatureTable, Features};
use gloss_training::{Builder, Init, Leaves, Weight};

/// The vectors of a catalogue's items: one for each item of its own, and if there are features the
/// mean of their vectors, which is added to it.
pub(crate) struct ItemVectors {
    own: Weight,
    features: Option<FeatureVectors>,
}

impl ItemVectors {
    /// Vectors of `width` numbers for the catalogue's items and `others` after them, which have no
    /// features.
    pub(crate) fn new(
        builder: &mut Builder,
        data: &Data,
        [others, width]: [i64; 2],
        init: Option<f64>,
        features: Option<(&Features, Device)>,
    ) -> Result<Self> {
        let rows = data.catalogue.len() as i64 + others;
        let init = init.map_or(Init::xavier_normal(rows, width), Init::Normal);
        let own = builder.add("items", &[rows, width], init);
        let features = features.map(|(options, device)| {
            let table = FeatureTable::new(options, &data.catalogue)?;
            FeatureVectors::new(builder, &table, [others, width], init, device)
        });
        Ok(ItemVectors {
            own,
            features: features.transpose()?,
        })
    }

    /// [items, width]
    pub(crate) fn matrix(&self, leaves: &Leaves) -> Result<Tensor, TchError> {
        match &self.features {
            None => Ok(leaves[self.own].shallow_clone()),
            Some(features) => leaves[self.own].f_add(&features.means(leaves)?),
        }
    }

    /// The vectors of the items at `places`, of the shape of these and the width.
    pub(crate) fn look_up(&self, leaves: &Leaves, places: &Tensor) -> Result<Tensor, TchError> {
        leaves.rows(&self.matrix(leaves)?, places)
    }

    /// The vectors of items without those of their features.
    pub(crate) fn own<'l>(&self, leaves: &'l Leaves) -> &'l Tensor {
        &leaves[self.own]
    }
}

/// The vectors of features.
pub(crate) struct FeatureVectors {
    weight: Weight,
    /// The features of all items in a row, and where those of each item begin.
    bags: (Tensor, Tensor),
}

impl FeatureVectors {
    /// `others` items without features come after those of the table.
    pub(crate) fn new(
        builder: &mut Builder,
        table: &FeatureTable,
        [others, width]: [i64; 2],
        init: Init,
        device: Device,
    ) -> Result<Self> {
        let bags = table.bags(others, device);
        Ok(FeatureVectors {
            weight: builder.add("features", &[table.count, width], init),
            bags: bags.map_err(torch_error("load the features"))?,
        })
    }

    /// The mean of the vectors of each item's features; 0 for an item without any.
    pub(crate) fn means(&self, leaves: &Leaves) -> Result<Tensor, TchError> {
        let (features, offsets) = &self.bags;
        let weights = None::<&Tensor>;
        let (means, _, _, _) = Tensor::f_embedding_bag(
            &leaves[self.weight],
            features,
            offsets,
            false,
            1,
            false,
            weights,
            false,
        )?;
        Ok(means)
    }
}
