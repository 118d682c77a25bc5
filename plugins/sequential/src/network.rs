//! The interface of a model: what a file in `models` implements.

use std::path::{Path, PathBuf};

use gloss_core::{Context, Data, Diagnostic, QueryGenerator, Result};
use serde::Serialize;
use tch::{TchError, Tensor};

use crate::batch::Batch;
use crate::config::Shared;
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};

/// The options of a model.
pub(crate) trait Model: QueryGenerator + Clone + Serialize + 'static {
    /// The options that every model has.
    fn shared(&self) -> Shared<'_>;

    /// Faults of the network's shape.
    fn check_shape(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The same with the weights in a folder in place of a training.
    fn with_weights(&self, folder: PathBuf) -> Self;

    /// The network, whose weights are added to `builder`. Of `data` it may use the catalogue and
    /// the training examples.
    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>>;

    /// Trains weights to start from into `folder`, and returns the folder of these; `None` if the
    /// training starts from random ones.
    ///
    /// # Errors
    /// If that training fails.
    fn pretrain(&self, data: &Data, folder: &Path, context: &Context) -> Result<Option<PathBuf>> {
        let (_, _, _) = (data, folder, context);
        Ok(None)
    }
}

/// A network that reads sequences of items.
pub(crate) trait Network {
    /// A vector for each place of a batch: [batch, length, width].
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError>;

    /// The vector of each item, whose product with that of a place is the item's score there:
    /// [items, width].
    fn items(&self, leaves: &Leaves, pass: Pass) -> Result<Tensor, TchError>;

    /// The item that stands for a masked one, and the share of items that are masked in training,
    /// if the network predicts masked items instead of next ones.
    fn mask(&self) -> Option<(u32, f64)> {
        None
    }
}

/// The vectors after the last item of each sequence: [batch, width].
pub(crate) fn last(
    network: &dyn Network,
    leaves: &Leaves,
    batch: &Batch,
) -> Result<Tensor, TchError> {
    let hidden = network.hidden(leaves, batch, Pass::Evaluation)?;
    let width = hidden.size3()?.2;
    hidden
        .f_reshape([-1, width])?
        .f_index_select(0, &batch.ends)
}

/// A diagnostic if attention cannot be divided into heads.
pub(crate) fn check_heads(width: i64, heads: i64) -> Vec<Diagnostic> {
    match width % heads.max(1) {
        0 => Vec::new(),
        _ => vec![Diagnostic::new(
            "num_attention_heads",
            format!("`hidden_size`, {width}, is no multiple of {heads}"),
        )],
    }
}
