//! The files of a trained model.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::parameters::Parameters;
use gloss_core::{Catalogue, Error, Result};
use gloss_torch::{Checkpoint, torch_error, write_safetensors};
use serde_json::Value;
use tch::{Device, TchError, Tensor};

/// The file of a model's options.
pub const CONFIG: &str = "config.json";
/// The file of the ids of its items, in the order of their vectors.
pub const ITEMS: &str = "items.json";
/// The file of its weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The file of the items' vectors as they are scored, for others, such as item tokenizers.
pub const VECTORS: &str = "item_vectors.safetensors";

/// Checks that a model in a folder is of this name and was trained with these options, apart from those
/// of `of_use`, which change nothing about a trained network.
///
/// # Errors
/// If the file cannot be read, or an option differs: which, and both values.
pub fn check_config(folder: &Path, name: &str, options: &Value, of_use: &[&str]) -> Result<()> {
    let path = folder.join(CONFIG);
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    let config: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(&path, format!("this is not JSON: {error}")))?;
    if config["name"] != name {
        let other = config["name"].as_str().unwrap_or("another generator");
        let message = format!("this is a model of `{other}`, not of `{name}`");
        return Err(Error::input(&path, message));
    }
    let own = options.as_object().into_iter().flatten();
    for (key, value) in own.filter(|(key, _)| !of_use.contains(&key.as_str())) {
        let trained = &config["options"][key];
        if trained != value {
            return Err(Error::input(
                &path,
                format!(
                    "the model was trained with `{key}` = {trained}, and the options say {value}"
                ),
            ));
        }
    }
    Ok(())
}

/// Reads the weights of a folder into `parameters`.
///
/// # Errors
/// If one is missing or has another shape.
pub fn load_weights(folder: &Path, parameters: &Parameters, device: Device) -> Result<Checkpoint> {
    let path = folder.join(WEIGHTS);
    let checkpoint = Checkpoint::open_file(&path)?;
    checkpoint.verify()?;
    for parameter in &parameters.list {
        let read = checkpoint.tensor(&parameter.name, &parameter.shape, device)?;
        let copied = parameter
            .of(&parameters.values)
            .and_then(|mut place| place.f_copy_(&read));
        copied.map_err(torch_error("load the weights"))?;
    }
    Ok(checkpoint)
}

/// Checks that a model was trained on the items of the catalogue, in their order.
///
/// # Errors
/// If the file cannot be read, or has other items.
pub fn check_items(folder: &Path, catalogue: &Catalogue) -> Result<()> {
    let path = folder.join(ITEMS);
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    let ids: Vec<String> = serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(&path, format!("this is no list of items: {error}")))?;
    let own = catalogue.items();
    let differs = ids.iter().zip(own).find(|(id, item)| **id != item.id);
    match (ids.len() == own.len(), differs) {
        (true, None) => Ok(()),
        (_, Some((id, item))) => Err(Error::input(
            path,
            format!(
                "the model was trained on another catalogue: it has item {id} where the data has {}; \
                 train it on this data",
                item.id
            ),
        )),
        (false, None) => Err(Error::input(
            path,
            format!(
                "the model was trained on another catalogue: it has {} items, and the data {}; train \
                 it on this data",
                ids.len(),
                own.len()
            ),
        )),
    }
}

/// Writes a value as a file of JSON.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    fs::write(path, text + "\n").map_err(Error::io("write", path))
}

/// Writes the weights into `folder`, which need not exist.
///
/// # Errors
/// If the file cannot be written.
pub fn write_weights(folder: &Path, parameters: &Parameters) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
    let tensors = parameters
        .list
        .iter()
        .map(|parameter| Ok((parameter.name.as_str(), parameter.of(&parameters.values)?)))
        .collect::<Result<Vec<(&str, Tensor)>, TchError>>()
        .map_err(torch_error("write the weights"))?;
    write_safetensors(&folder.join(WEIGHTS), &tensors, HashMap::new())
}

/// Writes the vectors of the items as they are scored, `[items, width]`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_vectors(folder: &Path, vectors: Tensor) -> Result<()> {
    let path = folder.join(VECTORS);
    write_safetensors(&path, &[("item_vectors", vectors)], HashMap::new())
}
