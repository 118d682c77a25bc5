//! The configuration of an adapter, `adapter_config.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, read_model_file};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::MERGE;
use super::targets::{Targets, WrittenTargets};

const FILE: &str = "adapter_config.json";
/// The module that a bare list of tokens is for.
const EMBEDDING: &str = "embed_tokens";

/// Options that would change what the adapter computes, and are supported as long as they are off.
const MUST_BE_OFF: [&str; 10] = [
    "alora_invocation_tokens",
    "arrow_config",
    "fan_in_fan_out",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "target_parameters",
    "use_bdlora",
    "use_dora",
    "use_qalora",
];

/// Initialisations of the factors that leave the base as it is.
const PLAIN_INITIALISATIONS: [&str; 4] = ["default", "gaussian", "eva", "orthogonal"];

/// The keys that are read; others are for training, or newer than this code and ignored.
#[derive(Debug, Deserialize)]
struct Written {
    peft_type: String,
    r: i64,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    rank_pattern: Option<Map<String, Value>>,
    #[serde(default)]
    alpha_pattern: Option<Map<String, Value>>,
    #[serde(default)]
    trainable_token_indices: Option<TokenIndices>,
    base_model_name_or_path: Option<String>,
    bias: Option<String>,
    #[serde(flatten)]
    targets: WrittenTargets,
    init_lora_weights: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The tokens whose rows are trained: of the embedding, or of each of some modules.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TokenIndices {
    OfEmbedding(Vec<i64>),
    OfModules(BTreeMap<String, Vec<i64>>),
}

/// The configuration of an adapter.
#[derive(Debug)]
pub(super) struct Config {
    path: PathBuf,
    written: Written,
    ranks: Vec<(Regex, i64)>,
    alphas: Vec<(Regex, f64)>,
    targets: Targets,
}

impl Config {
    /// Reads the configuration of the adapter in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = read_model_file(&path)?;
        let written: Written = serde_json::from_slice(&text).map_err(|error| {
            let message = format!("is not an adapter configuration: {error}");
            Error::line(&path, error.line() as u64, message)
        })?;
        check(&written).map_err(|message| Error::input(&path, message))?;
        let ranks = patterns("rank_pattern", written.rank_pattern.as_ref(), |value| {
            value.as_i64().filter(|rank| *rank > 0)
        });
        let alphas = patterns(
            "alpha_pattern",
            written.alpha_pattern.as_ref(),
            Value::as_f64,
        );
        Ok(Config {
            ranks: ranks.map_err(|message| Error::input(&path, message))?,
            alphas: alphas.map_err(|message| Error::input(&path, message))?,
            targets: Targets::of(&written.targets),
            path,
            written,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn base(&self) -> Option<&str> {
        self.written
            .base_model_name_or_path
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    /// The rank of the change of a module.
    pub(super) fn rank(&self, module: &str) -> i64 {
        first_match(&self.ranks, module).unwrap_or(self.written.r)
    }

    /// Returns `true` if the adapter is said to change a module.
    pub(super) fn targets(&self, module: &str) -> bool {
        self.targets.contains(module)
    }

    /// The tokens whose rows the adapter has for a table, such as `model.embed_tokens` or `lm_head`.
    pub(super) fn token_indices(&self, module: &str) -> Option<&[i64]> {
        let is_module = |name: &str| {
            let above = module.strip_suffix(name);
            above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        };
        match self.written.trainable_token_indices.as_ref()? {
            TokenIndices::OfEmbedding(indices) => is_module(EMBEDDING).then_some(indices),
            TokenIndices::OfModules(modules) => {
                let mut modules = modules.iter();
                modules
                    .find(|(name, _)| is_module(name))
                    .map(|(_, indices)| indices)
            }
        }
        .map(Vec::as_slice)
        .filter(|indices| !indices.is_empty())
    }

    /// The last token that has a row.
    pub(super) fn last_token(&self) -> Option<i64> {
        match self.written.trainable_token_indices.as_ref()? {
            TokenIndices::OfEmbedding(indices) => indices.iter().max(),
            TokenIndices::OfModules(modules) => modules.values().flatten().max(),
        }
        .copied()
    }

    /// Returns the scale of a module's low-rank product.
    pub(super) fn scale(&self, module: &str) -> f64 {
        let alpha = first_match(&self.alphas, module).unwrap_or(self.written.lora_alpha);
        let rank = self.rank(module) as f64;
        match self.written.use_rslora {
            true => alpha / rank.sqrt(),
            false => alpha / rank,
        }
    }
}

fn check(written: &Written) -> std::result::Result<(), String> {
    if written.peft_type != "LORA" {
        return Err(format!(
            "`peft_type` is `{}`; only `LORA` is supported",
            written.peft_type
        ));
    }
    if written.r < 1 {
        return Err(format!("`r` is {}, but a rank is at least 1", written.r));
    }
    if let Some(bias) = written.bias.as_deref().filter(|bias| *bias != "none") {
        return Err(format!(
            "`bias` is `{bias}`; only `none` is supported; {MERGE}"
        ));
    }
    check_initialisation(written.init_lora_weights.as_ref())?;
    if let Some(indices) = &written.trainable_token_indices {
        check_indices(indices)?;
    }
    let is_off = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        _ => false,
    };
    let option = MUST_BE_OFF.iter().find_map(|name| {
        written
            .others
            .get_key_value(*name)
            .filter(|(_, value)| !is_off(value))
    });
    match option {
        None => Ok(()),
        Some((name, value)) => Err(format!(
            "`{name}` is {value}, which is not supported; {MERGE}"
        )),
    }
}

/// Refuses tokens that are none, or named twice.
fn check_indices(indices: &TokenIndices) -> std::result::Result<(), String> {
    let all: Vec<&Vec<i64>> = match indices {
        TokenIndices::OfEmbedding(indices) => vec![indices],
        TokenIndices::OfModules(modules) => modules.values().collect(),
    };
    for indices in all {
        let mut seen = BTreeSet::new();
        let is_token = |index: i64| (0..=i64::from(i32::MAX)).contains(&index);
        if let Some(index) = indices
            .iter()
            .find(|index| !is_token(**index) || !seen.insert(**index))
        {
            return Err(format!(
                "`trainable_token_indices` has {index}; expected numbers of tokens, each once"
            ));
        }
    }
    Ok(())
}

/// Refuses initialisations after which the adapter belongs to another base than the one it names.
fn check_initialisation(value: Option<&Value>) -> std::result::Result<(), String> {
    match value {
        None | Some(Value::Null | Value::Bool(_)) => Ok(()),
        Some(Value::String(name)) if PLAIN_INITIALISATIONS.contains(&name.as_str()) => Ok(()),
        Some(value) => Err(format!(
            "`init_lora_weights` is {value}, an initialisation that can change the base's weights, so \
             that the adapter alone does not fit the base; convert it in PEFT with \
             `save_pretrained(folder, path_initial_model_for_weight_conversion=...)`"
        )),
    }
}

/// The patterns of an option with their values. A pattern is a regular expression that
/// matches a module's name, or the end of it after a dot.
fn patterns<T>(
    option: &str,
    written: Option<&Map<String, Value>>,
    read: impl Fn(&Value) -> Option<T>,
) -> std::result::Result<Vec<(Regex, T)>, String> {
    let pattern = |(pattern, value): (&String, &Value)| {
        let value = read(value).ok_or_else(|| format!("`{option}` has {value} for `{pattern}`"))?;
        let regex = Regex::new(&format!(r"^(.*\.)?({pattern})$"));
        match regex {
            Ok(regex) => Ok((regex, value)),
            Err(error) => Err(format!("`{option}` has the pattern `{pattern}`: {error}")),
        }
    };
    written.into_iter().flatten().map(pattern).collect()
}

fn first_match<T: Copy>(patterns: &[(Regex, T)], module: &str) -> Option<T> {
    let found = patterns
        .iter()
        .find(|(pattern, _)| pattern.is_match(module));
    found.map(|(_, value)| *value)
}
