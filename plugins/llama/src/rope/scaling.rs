//! Scalings of rotary embeddings for texts that are longer than those of the first training.

use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, TchError, Tensor};

/// The scaling of frequencies, as in transformers.
#[derive(Debug, Clone, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All are divided by this factor.
    Linear(f64),
    /// Not at all in texts of up to so many tokens.
    Dynamic(f64),
    /// Llama 3's.
    Llama3(Llama3),
    /// YaRN.
    Yarn(Yarn),
}

/// Llama 3's scaling: frequencies of long waves are divided by `factor`, those of short waves stay,
/// and those between are interpolated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Llama3 {
    /// The divisor of long waves' frequencies.
    pub factor: f64,
    /// A wave is long from `original_max_position_embeddings / low_freq_factor` positions on.
    pub low_freq_factor: f64,
    /// A wave is short up to `original_max_position_embeddings / high_freq_factor` positions.
    pub high_freq_factor: f64,
    /// The positions that the model was first trained for.
    pub original_max_position_embeddings: f64,
}

/// YaRN (Peng et al., 2023, arXiv 2309.00071): frequencies below a bound are divided by `factor`,
/// those above another stay, and those between are interpolated; cosines and sines are multiplied
/// by a factor of the attention.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Yarn {
    /// The divisor of low frequencies.
    pub factor: f64,
    /// The factor of cosines and sines; computed from the others if it is not given.
    pub attention_factor: Option<f64>,
    /// A frequency stays if it turns so many times within the original positions.
    #[serde(default = "default_beta_fast")]
    pub beta_fast: f64,
    /// A frequency is divided if it turns only so many times.
    #[serde(default = "default_beta_slow")]
    pub beta_slow: f64,
    /// A weight of the attention's factor.
    pub mscale: Option<f64>,
    /// A weight that the attention's factor is divided by.
    pub mscale_all_dim: Option<f64>,
    /// True if the bounds are rounded to whole pairs.
    #[serde(default = "default_truncate")]
    pub truncate: bool,
    /// The positions that the model was first trained for; `max_position_embeddings` by default.
    pub original_max_position_embeddings: Option<f64>,
}

fn default_beta_fast() -> f64 {
    32.0
}

fn default_beta_slow() -> f64 {
    1.0
}

fn default_truncate() -> bool {
    true
}

impl Scaling {
    /// Reads the parameters of `config.json`; `positions` is its `max_position_embeddings`.
    pub(super) fn parse(parameters: &Value, positions: Option<f64>) -> Result<Self, String> {
        let text = |key| parameters.get(key).and_then(Value::as_str);
        let has_scaling = parameters.get("factor").is_some();
        let name = match text("rope_type").or(text("type")) {
            Some(name) => name,
            None if has_scaling => {
                return Err(format!(
                    "the rotary scaling {parameters} has no `rope_type`; add the one that it was \
                     trained with, such as \"linear\""
                ));
            }
            None => "default",
        };
        let failed = |error| format!("the rotary scaling `{name}`: {error}");
        let original = parameters
            .get("original_max_position_embeddings")
            .and_then(Value::as_f64);
        let original = || {
            let positions = original.or(positions);
            positions.ok_or_else(|| failed("`max_position_embeddings` is missing".to_string()))
        };
        let factor = || {
            let factor = parameters.get("factor").and_then(Value::as_f64);
            let factor = factor.filter(|factor| *factor >= 1.0);
            factor.ok_or_else(|| failed("`factor` must be a number from 1 on".to_string()))
        };
        match name {
            "default" => Ok(Scaling::None),
            "linear" => Ok(Scaling::Linear(factor()?)),
            "dynamic" => factor().and_then(|_| Ok(Scaling::Dynamic(original()?))),
            "llama3" => Llama3::deserialize(parameters)
                .map(Scaling::Llama3)
                .map_err(|error| failed(error.to_string())),
            "yarn" => {
                factor()?;
                let mut yarn =
                    Yarn::deserialize(parameters).map_err(|error| failed(error.to_string()))?;
                yarn.original_max_position_embeddings = Some(original()?);
                Ok(Scaling::Yarn(yarn))
            }
            other => Err(format!(
                "the rotary scaling is `{other}`; only `default`, `linear`, `dynamic`, `llama3` and \
                 `yarn` are supported"
            )),
        }
    }

    /// Returns the factor of cosines and sines.
    pub(super) fn attention_factor(&self) -> f64 {
        match self {
            Scaling::Yarn(yarn) => yarn.attention_factor(),
            _ => 1.0,
        }
    }

    /// The scaled frequencies, which are those of the base `theta`.
    pub(super) fn apply(&self, frequencies: Tensor, theta: f64) -> Result<Tensor, TchError> {
        match self {
            Scaling::None | Scaling::Dynamic(_) => Ok(frequencies),
            Scaling::Linear(factor) => frequencies.f_div_scalar(*factor),
            Scaling::Llama3(scaling) => scaling.apply(&frequencies),
            Scaling::Yarn(scaling) => scaling.apply(&frequencies, theta),
        }
    }
}

impl Llama3 {
    fn apply(&self, frequencies: &Tensor) -> Result<Tensor, TchError> {
        let waves = frequencies
            .f_reciprocal()?
            .f_mul_scalar(std::f64::consts::TAU)?;
        let original = self.original_max_position_embeddings;
        let divided = frequencies.f_div_scalar(self.factor)?;
        let (low, high) = (self.low_freq_factor, self.high_freq_factor);
        let share = waves
            .f_reciprocal()?
            .f_mul_scalar(original)?
            .f_sub_scalar(low)?
            .f_div_scalar(high - low)?;
        let kept = frequencies.f_mul(&share)?;
        let between = share
            .f_neg()?
            .f_add_scalar(1.0)?
            .f_mul(&divided)?
            .f_add(&kept)?;
        let long = waves.f_gt(original / low)?;
        let short = waves.f_lt(original / high)?;
        let outside = divided.f_where_self(&long, frequencies)?;
        outside.f_where_self(&long.f_logical_or(&short)?, &between)
    }
}

impl Yarn {
    fn attention_factor(&self) -> f64 {
        let scale = |weight: f64| match self.factor <= 1.0 {
            true => 1.0,
            false => 0.1 * weight * self.factor.ln() + 1.0,
        };
        let weights = (
            self.mscale.unwrap_or(0.0),
            self.mscale_all_dim.unwrap_or(0.0),
        );
        match (self.attention_factor, weights) {
            (Some(factor), _) => factor,
            (None, (own, all)) if own != 0.0 && all != 0.0 => scale(own) / scale(all),
            (None, _) => scale(1.0),
        }
    }

    fn apply(&self, frequencies: &Tensor, theta: f64) -> Result<Tensor, TchError> {
        let pairs = frequencies.size1()?;
        let size = (2 * pairs) as f64;
        let original = self.original_max_position_embeddings.unwrap_or_default();
        // The pair that turns so many times within the original positions.
        let pair = |turns: f64| {
            size * (original / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln())
        };
        let (low, high) = (pair(self.beta_fast), pair(self.beta_slow));
        let (low, high) = match self.truncate {
            true => (low.floor(), high.ceil()),
            false => (low, high),
        };
        let (low, high) = (low.max(0.0), high.min(size - 1.0));
        let width = match low == high {
            true => 0.001,
            false => high - low,
        };
        let divided = Tensor::f_arange(pairs, (Kind::Float, Device::Cpu))?
            .f_sub_scalar(low)?
            .f_div_scalar(width)?
            .f_clamp(0.0, 1.0)?;
        let kept = divided.f_neg()?.f_add_scalar(1.0)?;
        let scaled = frequencies.f_div_scalar(self.factor)?.f_mul(&divided)?;
        frequencies.f_mul(&kept)?.f_add(&scaled)
    }
}
