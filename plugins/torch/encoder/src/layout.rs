//! The files that sentence-transformers keeps beside a model's weights, in the layout of
//! its versions 2 to 4 and in that of 5 and later.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, read_model_file, warn_once};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::architecture::Architecture;
use super::pooling::Pooling;
use super::settings::{Given, Prefix};

/// The names of the files, besides the list of modules: what prompts there are, how tokens are pooled,
/// and how long texts may be.
const PROMPTS: &str = "config_sentence_transformers.json";
const POOLING: &str = "config.json";
const LENGTHS: [&str; 2] = ["sentence_bert_config.json", "tokenizer_config.json"];

/// One step from texts to vectors, as `modules.json` lists them.
#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    class: String,
}

impl Module {
    /// The class without the Python modules that it is in, which differ between versions.
    fn name(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or(&self.class)
    }
}

/// Returns the settings in the files of a folder; none if sentence-transformers did not write it.
pub(crate) fn read(folder: &Path) -> Result<Given> {
    let Some(modules) = modules(folder)? else {
        return Ok(Given::default());
    };
    let supported = ["Transformer", "Pooling", "Normalize"];
    if let Some(other) = modules.iter().find(|m| !supported.contains(&m.name())) {
        let message = format!(
            "the model has a module `{}`; only a Transformer, a Pooling and a Normalize are \
             supported",
            other.class
        );
        return Err(Error::input(list(folder), message));
    }
    check(folder, &weights_of(folder, &modules))?;
    let pooling = modules.iter().find(|module| module.name() == "Pooling");
    Ok(Given {
        prefix: prefix(folder)?,
        pooling: pooling
            .map(|module| read_pooling(&folder.join(&module.path)))
            .transpose()?,
        normalise: Some(modules.iter().any(|module| module.name() == "Normalize")),
        max_length: max_length(&weights_of(folder, &modules))?,
    })
}

/// The files that [`read`] reads, as far as they exist.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let Some(modules) = modules(folder)? else {
        return Ok(Vec::new());
    };
    let weights = weights_of(folder, &modules);
    let pooling = modules.iter().find(|module| module.name() == "Pooling");
    let mut files = vec![list(folder), folder.join(PROMPTS)];
    files.extend(pooling.map(|module| folder.join(&module.path).join(POOLING)));
    files.extend(LENGTHS.map(|name| weights.join(name)));
    files.retain(|file| file.is_file());
    Ok(files)
}

/// The folder of the weights: most often the model's own, sometimes one in it.
pub(crate) fn weights(folder: &Path) -> Result<PathBuf> {
    let modules = modules(folder)?.unwrap_or_default();
    Ok(weights_of(folder, &modules))
}

fn weights_of(folder: &Path, modules: &[Module]) -> PathBuf {
    let module = modules.iter().find(|module| module.name() == "Transformer");
    match module {
        Some(module) if !module.path.is_empty() => folder.join(&module.path),
        _ => folder.to_path_buf(),
    }
}

fn list(folder: &Path) -> PathBuf {
    folder.join("modules.json")
}

fn modules(folder: &Path) -> Result<Option<Vec<Module>>> {
    let path = list(folder);
    let read = read_json(&path)?.map(serde_json::from_value);
    read.transpose()
        .map_err(|error| Error::input(path, format!("this is not a list of modules: {error}")))
}

/// Both `"pooling_mode": "mean"` and `"pooling_mode_mean_tokens": true` are understood.
fn read_pooling(folder: &Path) -> Result<Pooling> {
    let path = folder.join(POOLING);
    let config: Map<String, Value> = read_object(&path)?.unwrap_or_default();
    let modes: Vec<&str> = match config.get("pooling_mode") {
        Some(Value::String(mode)) => vec![mode],
        Some(Value::Array(modes)) => modes.iter().filter_map(Value::as_str).collect(),
        _ => config
            .iter()
            .filter(|(_, value)| value.as_bool() == Some(true))
            .filter_map(|(key, _)| key.strip_prefix("pooling_mode_"))
            .map(|mode| mode.trim_end_matches("_tokens").trim_end_matches("_token"))
            .collect(),
    };
    let without_prompt = config.get("include_prompt").and_then(Value::as_bool) == Some(false);
    match modes.as_slice() {
        _ if without_prompt => Err(Error::input(
            path,
            "`include_prompt` is false; leaving the prefix out of the pooling is not supported",
        )),
        [] | ["mean"] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        other => Err(Error::input(
            path,
            format!(
                "tokens are pooled by `{}`; only one of `mean`, `cls` and `max` is supported",
                other.join(" + ")
            ),
        )),
    }
}

/// The prompts of a folder, by their names.
pub(crate) fn prompts(folder: &Path) -> Result<Vec<(String, String)>> {
    let config = read_object(&folder.join(PROMPTS))?.unwrap_or_default();
    let prompts = config.get("prompts").and_then(Value::as_object);
    let named = prompts.into_iter().flatten();
    let texts = named.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_string())));
    Ok(texts.collect())
}

/// Prompts that are empty say nothing: later versions write them for every model. The prompt of
/// `default_prompt_name` is that of texts whose role has none, as in sentence-transformers.
fn prefix(folder: &Path) -> Result<Option<Prefix>> {
    let path = folder.join(PROMPTS);
    let config = read_object(&path)?.unwrap_or_default();
    let prompts = prompts(folder)?;
    let named = |name: &str| prompts.iter().find(|(own, _)| own == name);
    let default = match config.get("default_prompt_name").and_then(Value::as_str) {
        None => None,
        Some(name) => Some(named(name).ok_or_else(|| {
            let message = format!("`default_prompt_name` is `{name}`, which no prompt is called");
            Error::input(&path, message)
        })?),
    };
    let prompt = |names: &[&str]| {
        let found = names.iter().find_map(|name| named(name)).or(default);
        let text = found.map(|(_, text)| text.clone());
        text.filter(|text| !text.is_empty())
    };
    let query = prompt(&["query"]);
    let passage = prompt(&["document", "passage", "corpus"]);
    if query.is_none() && passage.is_none() {
        return Ok(None);
    }
    Ok(Some(Prefix {
        query: query.unwrap_or_default(),
        passage: passage.unwrap_or_default(),
    }))
}

/// The similarity that a folder names: `cosine`, `dot`, `euclidean` or `manhattan`.
pub(crate) fn similarity(folder: &Path) -> Result<Option<String>> {
    let config = read_object(&folder.join(PROMPTS))?.unwrap_or_default();
    let name = config.get("similarity_fn_name").and_then(Value::as_str);
    Ok(name.map(str::to_string))
}

/// Checks that a file asks for nothing that is not followed: keys of `known` are read, and those of
/// `fixed` must have the one value that is supported; others are warned of.
fn check_keys(path: &Path, known: &[&str], fixed: &[(&str, &str)]) -> Result<()> {
    let config = read_object(path)?.unwrap_or_default();
    for (key, value) in &config {
        let expected = fixed.iter().find(|(name, _)| name == key);
        match expected {
            Some((_, expected)) if value.as_str() != Some(expected) && !value.is_null() => {
                let message = format!("`{key}` is {value}; only \"{expected}\" is supported");
                return Err(Error::input(path, message));
            }
            None if !value.is_null() && !known.contains(&key.as_str()) => warn_once(format!(
                "{}: `{key}` = {value} is ignored; expected {}",
                path.display(),
                known.join(", ")
            )),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the keys of a folder's files.
fn check(folder: &Path, weights: &Path) -> Result<()> {
    let prompts = folder.join(PROMPTS);
    let config = read_object(&prompts)?.unwrap_or_default();
    if let Some(dimensions) = config.get("truncate_dim").filter(|value| !value.is_null()) {
        let message = format!(
            "`truncate_dim` is {dimensions}; cutting vectors short is not supported: remove it to \
             use all dimensions"
        );
        return Err(Error::input(prompts, message));
    }
    let known = [
        "__version__",
        "default_prompt_name",
        "model_type",
        "prompts",
        "similarity_fn_name",
        "truncate_dim",
    ];
    check_keys(&prompts, &known, &[("model_type", "SentenceTransformer")])?;
    let known = ["do_lower_case", "max_seq_length", "modality_config"];
    let fixed = [
        ("transformer_task", "feature-extraction"),
        ("module_output_name", "token_embeddings"),
    ];
    check_keys(&weights.join(LENGTHS[0]), &known, &fixed)
}

/// Returns the length in the module's file, else that of the tokenizer's, and never more than the model has
/// positions.
fn max_length(folder: &Path) -> Result<Option<usize>> {
    let [path, tokenizer] = LENGTHS.map(|name| folder.join(name));
    let module = read_object(&path)?.unwrap_or_default();
    if module.get("do_lower_case").and_then(Value::as_bool) == Some(true) {
        let message = "`do_lower_case` is true; texts are lowered by the tokenizer or not at all";
        return Err(Error::input(path, message));
    }
    let tokenizer = read_object(&tokenizer)?.unwrap_or_default();
    // A tokenizer without a limit has 1e30.
    let number = |value: Option<&Value>| value?.as_f64().map(|length| length as usize);
    let longest = Architecture::read(folder)?.longest();
    let length = number(module.get("max_seq_length"))
        .or_else(|| number(tokenizer.get("model_max_length")))
        .map(|length| length.min(longest));
    Ok(length)
}

fn read_object(path: &Path) -> Result<Option<Map<String, Value>>> {
    match read_json(path)? {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Error::input(path, "this is not a JSON object")),
    }
}

/// The content of a JSON file, if there is one.
fn read_json(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_slice(&read_model_file(path)?)
        .map(Some)
        .map_err(|error| Error::input(path, format!("this is not JSON: {error}")))
}

#[cfg(test)]
mod tests;
