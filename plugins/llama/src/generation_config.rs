//! The settings of `generation_config.json`, which transformers' `generate` would follow.

use std::path::Path;

use gloss_core::{Error, Result, read_model_file, warn_once};
use serde_json::{Map, Value};

/// The file, in a checkpoint's folder.
pub(crate) const FILE: &str = "generation_config.json";

/// Keys that are followed, or that change no text.
const WITHOUT_EFFECT: [&str; 14] = [
    "_from_model_config",
    "assistant_confidence_threshold",
    "bos_token_id",
    "cache_implementation",
    "eos_token_id",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "pad_token_id",
    "return_dict_in_generate",
    "torch_dtype",
    "transformers_version",
    "use_cache",
];

/// Keys in whose place the options of the generator count.
const OPTIONS: [&str; 11] = [
    "do_sample",
    "early_stopping",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "num_beams",
    "num_return_sequences",
    "temperature",
    "top_k",
    "top_p",
    "max_time",
];

/// Numbers with which a setting changes nothing.
const NEUTRAL: [(&str, f64); 15] = [
    ("diversity_penalty", 0.0),
    ("encoder_no_repeat_ngram_size", 0.0),
    ("encoder_repetition_penalty", 1.0),
    ("epsilon_cutoff", 0.0),
    ("eta_cutoff", 0.0),
    ("guidance_scale", 1.0),
    ("min_length", 0.0),
    ("min_new_tokens", 0.0),
    ("min_p", 0.0),
    ("no_repeat_ngram_size", 0.0),
    ("num_beam_groups", 1.0),
    ("penalty_alpha", 0.0),
    ("repetition_penalty", 1.0),
    ("top_h", 1.0),
    ("typical_p", 1.0),
];

/// Warns of every setting that `generate` would follow and gloss does not.
///
/// # Errors
/// If the file is there and is not JSON.
pub(crate) fn warn_of_ignored(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(());
    }
    let settings: Map<String, Value> = serde_json::from_slice(&read_model_file(&path)?)
        .map_err(|error| Error::input(&path, format!("this is not a JSON object: {error}")))?;
    let (ignored, replaced) = ignored(&settings);
    let file = path.display();
    if !ignored.is_empty() {
        warn_once(format!(
            "{file}: ignored, although `generate` of transformers would follow it: {}",
            ignored.join(", ")
        ));
    }
    if !replaced.is_empty() {
        warn_once(format!(
            "{file}: ignored, since the options of the generator count instead: {}",
            replaced.join(", ")
        ));
    }
    Ok(())
}

/// The settings that are not followed, and those in whose place there are options; each with its
/// value.
fn ignored(settings: &Map<String, Value>) -> (Vec<String>, Vec<String>) {
    let has_effect = |(name, value): &(&String, &Value)| {
        let neutral = NEUTRAL.iter().find(|(key, _)| key == name);
        let is_neutral = neutral.is_some_and(|(_, neutral)| value.as_f64() == Some(*neutral));
        let is_empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(values) => values.is_empty(),
            Value::Object(values) => values.is_empty(),
            _ => false,
        };
        !is_neutral && !is_empty && !WITHOUT_EFFECT.contains(&name.as_str())
    };
    let (replaced, ignored): (Vec<_>, Vec<_>) = settings
        .iter()
        .filter(has_effect)
        .partition(|(name, _)| OPTIONS.contains(&name.as_str()));
    let named = |all: Vec<(&String, &Value)>| {
        let texts = all
            .iter()
            .map(|(name, value)| format!("`{name}` = {value}"));
        texts.collect()
    };
    (named(ignored), named(replaced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(settings: Value) -> (Vec<String>, Vec<String>) {
        ignored(settings.as_object().unwrap())
    }

    #[test]
    fn settings_that_are_not_followed_are_named_with_their_values() {
        let (ignored, replaced) = read(json!({
            "eos_token_id": [2], "repetition_penalty": 1.3, "no_repeat_ngram_size": 2,
            "suppress_tokens": [5], "forced_bos_token_id": 7, "a_new_one": "x",
            "do_sample": true, "temperature": 0.6,
        }));
        assert_eq!(
            ignored,
            [
                "`repetition_penalty` = 1.3",
                "`no_repeat_ngram_size` = 2",
                "`suppress_tokens` = [5]",
                "`forced_bos_token_id` = 7",
                "`a_new_one` = \"x\"",
            ]
        );
        assert_eq!(replaced, ["`do_sample` = true", "`temperature` = 0.6"]);
    }

    #[test]
    fn settings_that_change_nothing_are_not_named() {
        let (ignored, replaced) = read(json!({
            "_from_model_config": true, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0,
            "bad_words_ids": null, "suppress_tokens": [], "do_sample": false, "use_cache": true,
            "renormalize_logits": false, "transformers_version": "5.17.0",
        }));
        assert!(ignored.is_empty() && replaced.is_empty());
    }
}
