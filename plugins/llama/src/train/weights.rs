//! The results of training: an adapter in PEFT's layout, or a whole checkpoint in Hugging Face's.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use gloss_core::{Error, Result};
use gloss_torch::{torch_error, write_safetensors};
use gloss_training::Parameters;
use serde_json::{Value, json};
use tch::Tensor;

use super::plan::{Plan, RowPlan};
use crate::config::{Method, Training};

/// The files that describe the network of a checkpoint.
const DESCRIBED: [&str; 2] = ["config.json", "generation_config.json"];
/// The files of a tokenizer.
const OF_TOKENIZER: [&str; 4] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// The folder's name in that of the training.
pub(crate) fn name(training: &Training) -> &'static str {
    match training.method {
        Method::Lora => "adapter",
        Method::Full => "model",
    }
}

/// Writes the parameters into `folder`. `base` is the folder of the checkpoint that was trained,
/// and `base_name` what it is called in the adapter's configuration.
pub(crate) fn write(
    folder: &Path,
    training: &Training,
    (plan, parameters): (&Plan, &Parameters),
    base: &Path,
    base_name: &str,
) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
    let tensors = parameters
        .list
        .iter()
        .map(|parameter| Ok((parameter.name.as_str(), parameter.of(&parameters.values)?)))
        .collect::<Result<Vec<(&str, Tensor)>, _>>()
        .map_err(torch_error("write the weights"))?;
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    match training.method {
        Method::Lora => {
            write_json(
                &folder.join("adapter_config.json"),
                &adapter_config(training, plan.rows.as_ref(), base_name),
            )?;
            write_safetensors(
                &folder.join("adapter_model.safetensors"),
                &tensors,
                metadata,
            )
        }
        Method::Full => {
            let vocabulary = plan.embedding.as_ref().map(|table| table.shape[0]);
            describe(&[base], folder, "float32", vocabulary)?;
            write_safetensors(&folder.join("model.safetensors"), &tensors, metadata)
        }
    }
}

/// Copies the files that describe a checkpoint, each from the first folder that has it. Its `config.json` then says
/// that the weights are of the type `dtype`, not quantised and of `vocabulary` tokens.
pub(crate) fn describe(
    sources: &[&Path],
    folder: &Path,
    dtype: &str,
    vocabulary: Option<i64>,
) -> Result<()> {
    copy(&DESCRIBED, sources, folder)?;
    copy(&OF_TOKENIZER, sources, folder)?;
    let path = folder.join("config.json");
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    let mut config: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(&path, format!("this is not JSON: {error}")))?;
    if let Some(config) = config.as_object_mut() {
        config.remove("quantization_config");
        if let Some(vocabulary) = vocabulary {
            config.insert("vocab_size".into(), vocabulary.into());
        }
        for key in ["torch_dtype", "dtype"] {
            if let Some(value) = config.get_mut(key) {
                *value = dtype.into();
            }
        }
    }
    write_json(&path, &config)
}

/// Copies the files that describe a tokenizer.
pub(crate) fn describe_tokenizer(base: &Path, folder: &Path) -> Result<()> {
    copy(&OF_TOKENIZER, &[base], folder)
}

fn copy(names: &[&str], sources: &[&Path], folder: &Path) -> Result<()> {
    for name in names {
        let mut places = sources.iter().map(|source| source.join(name));
        if let Some(from) = places.find(|from| from.is_file()) {
            let to = folder.join(name);
            fs::copy(&from, &to).map_err(Error::io("write", &to))?;
        }
    }
    Ok(())
}

fn adapter_config(training: &Training, rows: Option<&RowPlan>, base_name: &str) -> Value {
    let tables = |rows: &RowPlan| match rows.head {
        None => json!({ "embed_tokens": rows.tokens }),
        Some(_) => json!({ "embed_tokens": rows.tokens, "lm_head": rows.tokens }),
    };
    let targets: Vec<&str> = training
        .target_modules
        .iter()
        .map(|target| target.name())
        .collect();
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": training.r,
        "lora_alpha": training.lora_alpha,
        "lora_dropout": training.lora_dropout,
        "use_rslora": training.use_rslora,
        "target_modules": targets,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
        "modules_to_save": null,
        "trainable_token_indices": rows.map(tables),
        "rank_pattern": {},
        "alpha_pattern": {},
        "use_dora": false,
    })
}

pub(crate) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    text.push('\n');
    fs::write(path, text).map_err(Error::io("write", path))
}
