//! The options that the generators of this crate share.

use std::path::PathBuf;

use gloss_core::{Context, Data, Error, Identity, QueryGenerator, Result};
use gloss_item_tokenizer::{Codes, ItemTokenizer};
use gloss_torch::{DeviceName, device_kind, machine};
use serde::Serialize;
use serde_json::Value;

use crate::config::{Shape, TigerTraining};
use crate::sequence::Vocabulary;

/// Options that change nothing about a trained network.
pub(crate) const OF_USE: [&str; 7] = [
    "model",
    "device",
    "num_beams",
    "segmentations",
    "exclude_seen",
    "batch_size",
    "training",
];

/// Options that change nothing about a training.
const OF_SEARCH: [&str; 4] = ["num_beams", "segmentations", "exclude_seen", "batch_size"];

/// A generator as training and search see it.
pub(crate) struct Spec<'a> {
    pub(crate) name: &'static str,
    pub(crate) tokenizer: &'a ItemTokenizer,
    pub(crate) model: &'a Option<PathBuf>,
    pub(crate) device: DeviceName,
    /// The number of last items that are read.
    pub(crate) max_length: usize,
    pub(crate) user_tokens: usize,
    /// The number of tokens with those that stand for several codes; `None` if there are none of these.
    pub(crate) vocabulary_size: Option<usize>,
    /// The number of inputs for each user, over which probabilities are averaged.
    pub(crate) segmentations: usize,
    pub(crate) network: &'a Shape,
    pub(crate) num_beams: usize,
    pub(crate) exclude_seen: bool,
    pub(crate) batch_size: usize,
    pub(crate) training: &'a TigerTraining,
}

/// The options of a generator that writes the codes of items.
pub(crate) trait SemanticIdModel: QueryGenerator + Serialize + Clone {
    fn spec(&self) -> Spec<'_>;

    /// The same with the weights in a folder in place of a training.
    fn with_weights(&self, folder: PathBuf) -> Self;

    /// The options as they are written beside the weights.
    fn written_options(&self) -> Result<Value> {
        serde_json::to_value(self)
            .map_err(|error| Error::Internal(format!("options of a model: {error}")))
    }

    /// The identity with the device as it is opened; the files of models are inputs, wherever they lie.
    fn own_identity(&self) -> Result<Identity>
    where
        Self: Sized,
    {
        let device = self.spec().device.open()?;
        Identity::of(self)?
            .with_option("model", Value::Null)?
            .with_option("device", device_kind(device).into())
            .map(|identity| identity.with_machine(machine(device)))
    }

    fn training_identity(&self) -> Result<Identity>
    where
        Self: Sized,
    {
        let options = self.written_options()?;
        let known = OF_SEARCH
            .iter()
            .filter(|name| options.get(**name).is_some());
        known.fold(self.own_identity(), |identity, name| {
            identity?.with_option(name, Value::Null)
        })
    }
}

impl Spec<'_> {
    /// The tokens before a training.
    pub(crate) fn learned(
        &self,
        codes: &Codes,
        data: &Data,
        context: &Context,
    ) -> Result<Vocabulary> {
        let vocabulary = self.vocabulary(codes);
        match self.vocabulary_size {
            Some(size) => vocabulary.learned(size, codes, data, context),
            None => Ok(vocabulary),
        }
    }

    /// The tokens of single codes and of users.
    pub(crate) fn vocabulary(&self, codes: &Codes) -> Vocabulary {
        Vocabulary::new(codes, self.user_tokens, self.max_length)
    }
}
