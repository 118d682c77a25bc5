//! Rotary position embeddings.

use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, TchError, Tensor};

/// Rotary embedding of queries and keys: pair i of a head of size d turns by position / theta^(2i/d)
/// (Su et al., 2021, arXiv 2104.09864).
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub theta: f64,
    /// Llama 3's scaling for longer texts, if the checkpoint has it.
    pub scaling: Option<Scaling>,
}

/// Llama 3's scaling: frequencies of long waves are divided by `factor`, those of short waves stay,
/// and those between are interpolated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Scaling {
    /// The divisor of long waves' frequencies.
    pub factor: f64,
    /// A wave is long from `original_max_position_embeddings / low_freq_factor` positions on.
    pub low_freq_factor: f64,
    /// A wave is short up to `original_max_position_embeddings / high_freq_factor` positions.
    pub high_freq_factor: f64,
    /// The positions that the model was first trained for.
    pub original_max_position_embeddings: f64,
}

const DEFAULT_THETA: f64 = 10000.0;

impl Rope {
    /// Reads `rope_scaling` of transformers 4 or `rope_parameters` of transformers 5.
    pub(crate) fn parse(theta: Option<f64>, parameters: Option<&Value>) -> Result<Self, String> {
        let Some(parameters) = parameters.filter(|value| !value.is_null()) else {
            return Ok(Rope {
                theta: theta.unwrap_or(DEFAULT_THETA),
                scaling: None,
            });
        };
        let text = |key| parameters.get(key).and_then(Value::as_str);
        let scaling = match text("rope_type").or(text("type")).unwrap_or("default") {
            "default" => None,
            "llama3" => Some(
                Scaling::deserialize(parameters)
                    .map_err(|error| format!("the rotary scaling `llama3`: {error}"))?,
            ),
            other => {
                return Err(format!(
                    "the rotary scaling is `{other}`; only `default` and `llama3` are supported"
                ));
            }
        };
        let inside = parameters.get("rope_theta").and_then(Value::as_f64);
        Ok(Rope {
            theta: inside.or(theta).unwrap_or(DEFAULT_THETA),
            scaling,
        })
    }

    /// The frequencies of a head's pairs, as f32: shape [head_size / 2].
    fn frequencies(&self, head_size: i64) -> Result<Tensor, TchError> {
        let options = (Kind::Float, Device::Cpu);
        let exponents =
            Tensor::f_arange_start_step(0, head_size, 2, options)?.f_div_scalar(head_size)?;
        let frequencies = Tensor::f_pow_scalar(self.theta, &exponents)?.f_reciprocal()?;
        match &self.scaling {
            None => Ok(frequencies),
            Some(scaling) => scaling.apply(&frequencies),
        }
    }

    /// Cosines and sines for positions 0 to `positions`, each of shape [positions, head_size]:
    /// both halves of a head hold the same.
    pub(crate) fn table(
        &self,
        positions: i64,
        head_size: i64,
        kind: Kind,
        device: Device,
    ) -> Result<(Tensor, Tensor), TchError> {
        let at = Tensor::f_arange(positions, (Kind::Float, Device::Cpu))?;
        let angles = at.f_outer(&self.frequencies(head_size)?)?;
        let angles = Tensor::f_cat(&[&angles, &angles], 1)?;
        let place = |table: Tensor| table.f_to_kind(kind)?.f_to_device(device);
        Ok((place(angles.f_cos()?)?, place(angles.f_sin()?)?))
    }
}

impl Scaling {
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

/// Turns `heads` [..., n, head_size] by the rows of `cosines` and `sines` that belong to their
/// positions, of a shape that broadcasts to theirs.
pub(crate) fn rotate(heads: &Tensor, cosines: &Tensor, sines: &Tensor) -> Result<Tensor, TchError> {
    let halves = heads.f_chunk(2, -1)?;
    let [first, second] = halves.as_slice() else {
        return Err(TchError::Shape("a head has no two halves".to_string()));
    };
    let crossed = Tensor::f_cat(&[&second.f_neg()?, first], -1)?;
    heads.f_mul(cosines)?.f_add(&crossed.f_mul(sines)?)
}
