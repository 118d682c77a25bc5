//! The vectors of items: those of their texts, or those of a trained recommender.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Code, Context, Error, Result, find_model};
use gloss_dense::{Matrix, text_vectors};
use gloss_encoder::{Embed, EncoderOptions, Model};
use gloss_torch::{Checkpoint, torch_error};
use gloss_training::{ITEMS, VECTORS, check_items};
use serde_json::{Value, json};
use tch::Device;

/// A source of item vectors.
pub(crate) enum Source {
    /// An encoder of their texts.
    Encoder(Box<Model>),
    /// The folder of a recommender that was trained on the same catalogue.
    Recommender(PathBuf),
}

/// The folder of `options` if it is that of a trained recommender.
fn recommender(options: &EncoderOptions) -> Option<PathBuf> {
    let folder = find_model(&options.model).ok()?;
    folder.join(VECTORS).is_file().then_some(folder)
}

/// The files from which vectors are made.
pub(crate) fn files(options: &EncoderOptions) -> Result<Vec<PathBuf>> {
    match recommender(options) {
        Some(folder) => Ok([VECTORS, ITEMS].map(|name| folder.join(name)).to_vec()),
        None => options.inputs(),
    }
}

/// The names of options of an encoder that are given for a recommender, each with the reason why it has no effect.
pub(crate) fn check(options: &EncoderOptions) -> Vec<(String, String)> {
    let Some(folder) = recommender(options) else {
        return Vec::new();
    };
    let value = |options: &EncoderOptions| serde_json::to_value(options).unwrap_or_default();
    let plain = serde_json::from_value(json!({ "model": options.model }));
    let (given, Ok(plain)) = (value(options), plain) else {
        return Vec::new();
    };
    let plain = value(&plain);
    let others = given.as_object().into_iter().flatten();
    let unused = others.filter(|(name, value)| plain[name.as_str()] != **value);
    let message = format!(
        "is for an encoder, and {} is a trained recommender",
        folder.display()
    );
    unused
        .map(|(name, _)| (name.clone(), message.clone()))
        .collect()
}

impl Source {
    /// Opens the encoder, or finds the recommender.
    ///
    /// # Errors
    /// If there is none, or it cannot be loaded.
    pub(crate) fn open(options: &EncoderOptions) -> Result<Self> {
        match recommender(options) {
            Some(folder) => Ok(Source::Recommender(folder)),
            None => Ok(Source::Encoder(Box::new(Model::open(options)?))),
        }
    }

    /// The settings, the code and the machine that decide the vectors, as the files do.
    pub(crate) fn identity(&self) -> (Value, Code, BTreeMap<String, String>) {
        let own = || Code::of_crate(env!("CARGO_PKG_NAME"), option_env!("GLOSS_FINGERPRINT"));
        match self {
            Source::Encoder(model) => {
                let mut code = own();
                code.merge(model.code());
                (model.identity(), code, model.machine())
            }
            Source::Recommender(_) => (json!("item vectors"), own(), BTreeMap::new()),
        }
    }

    /// The vectors of a catalogue's items, in its order.
    ///
    /// # Errors
    /// If the recommender was trained on another catalogue, a file is damaged, or the work is interrupted.
    pub(crate) fn vectors(
        &self,
        catalogue: &Catalogue,
        scratch: &Path,
        context: &Context,
    ) -> Result<Matrix> {
        let folder = match self {
            Source::Encoder(model) => {
                let texts = catalogue.items().iter().map(|item| item.text.as_str());
                return text_vectors(texts, model.as_ref(), scratch, context);
            }
            Source::Recommender(folder) => folder,
        };
        check_items(folder, catalogue)?;
        let path = folder.join(VECTORS);
        let checkpoint = Checkpoint::open_file(&path)?;
        checkpoint.verify()?;
        let (rows, width) = match checkpoint.shape("item_vectors").as_deref() {
            Some([rows, width]) if *width > 0 => (*rows, *width),
            shape => {
                let message = format!(
                    "expected `item_vectors` of [items, width], found {}",
                    shape.map_or("none".to_string(), |shape| format!("{shape:?}"))
                );
                return Err(Error::input(&path, message));
            }
        };
        if rows != catalogue.len() as i64 {
            let message = format!(
                "has {rows} vectors, and {} names {} items",
                ITEMS,
                catalogue.len()
            );
            return Err(Error::input(&path, message));
        }
        let vectors = checkpoint.tensor("item_vectors", &[rows, width], Device::Cpu)?;
        let values = vectors.f_reshape([-1]).and_then(Vec::<f32>::try_from);
        let values = values.map_err(torch_error("read the vectors of items"))?;
        Ok(Matrix::new(values, width as usize))
    }
}
