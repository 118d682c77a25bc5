//! Rotary position embeddings.

mod scaling;

use serde_json::Value;
use tch::{Device, Kind, TchError, Tensor};

pub use scaling::{Llama3, Scaling, Yarn};

/// Rotary embedding of queries and keys: pair i of a head of size d turns by position / theta^(2i/d)
/// (Su et al., 2021, arXiv 2104.09864).
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub theta: f64,
    /// The scaling for longer texts.
    pub scaling: Scaling,
}

const DEFAULT_THETA: f64 = 10000.0;

impl Rope {
    /// Reads `rope_scaling` of transformers 4 or `rope_parameters` of transformers 5; `positions` is
    /// `max_position_embeddings`.
    pub(crate) fn parse(
        theta: Option<f64>,
        parameters: Option<&Value>,
        positions: Option<f64>,
    ) -> Result<Self, String> {
        let inside = parameters
            .and_then(|parameters| parameters.get("rope_theta"))
            .and_then(Value::as_f64);
        Ok(Rope {
            theta: inside.or(theta).unwrap_or(DEFAULT_THETA),
            scaling: match parameters.filter(|value| !value.is_null()) {
                Some(parameters) => Scaling::parse(parameters, positions)?,
                None => Scaling::None,
            },
        })
    }

    /// Checks that texts can have so many tokens.
    pub(crate) fn check(&self, tokens: usize) -> Result<(), String> {
        match self.scaling {
            Scaling::Dynamic(most) if tokens as f64 > most => Err(format!(
                "the rotary scaling `dynamic` changes in texts of more than {most} tokens, which is \
                 not supported; lower `max_length` from {tokens}"
            )),
            _ => Ok(()),
        }
    }

    /// The frequencies of a head's pairs, as f32: shape [head_size / 2].
    fn frequencies(&self, head_size: i64) -> Result<Tensor, TchError> {
        let options = (Kind::Float, Device::Cpu);
        let exponents =
            Tensor::f_arange_start_step(0, head_size, 2, options)?.f_div_scalar(head_size)?;
        let frequencies = Tensor::f_pow_scalar(self.theta, &exponents)?.f_reciprocal()?;
        self.scaling.apply(frequencies, self.theta)
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
        let factor = self.scaling.attention_factor();
        let place = |table: Tensor| {
            let table = match factor == 1.0 {
                true => table,
                false => table.f_mul_scalar(factor)?,
            };
            table.f_to_kind(kind)?.f_to_device(device)
        };
        Ok((place(angles.f_cos()?)?, place(angles.f_sin()?)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The frequencies are those of transformers 5.24; `tests/golden/rope.py` prints them.
    #[test]
    fn scaled_frequencies_are_those_of_transformers() {
        let examples = [
            (
                json!({ "rope_type": "linear", "factor": 4.0 }),
                [
                    0.25,
                    0.079056941,
                    0.0250000004,
                    0.00790569466,
                    0.00249999994,
                    0.000790569466,
                    0.000250000012,
                    7.90569466e-5,
                ],
                1.0,
            ),
            (
                json!({ "type": "dynamic", "factor": 4.0 }),
                [
                    1.0,
                    0.316227764,
                    0.100000001,
                    0.0316227786,
                    0.00999999978,
                    0.00316227786,
                    0.00100000005,
                    0.000316227786,
                ],
                1.0,
            ),
            (
                json!({ "rope_type": "yarn", "factor": 4.0 }),
                [
                    1.0,
                    0.25693506,
                    0.0625,
                    0.0138349654,
                    0.00249999994,
                    0.000790569466,
                    0.000250000012,
                    7.90569466e-5,
                ],
                1.138629436111989,
            ),
            (
                json!({
                    "rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 128,
                    "beta_fast": 16.0, "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 0.9,
                }),
                [
                    1.0,
                    0.223994657,
                    0.0416666642,
                    0.00395284733,
                    0.00124999997,
                    0.000395284733,
                    0.000125000006,
                    3.95284733e-5,
                ],
                0.9649674935890178,
            ),
            (
                json!({
                    "rope_type": "yarn", "factor": 4.0, "truncate": false, "attention_factor": 1.5,
                }),
                [
                    1.0,
                    0.301406473,
                    0.0703986362,
                    0.0143833589,
                    0.00249999994,
                    0.000790569466,
                    0.000250000012,
                    7.90569466e-5,
                ],
                1.5,
            ),
        ];
        for (parameters, expected, factor) in examples {
            let rope = Rope::parse(None, Some(&parameters), Some(512.0)).unwrap();
            assert!((rope.scaling.attention_factor() - factor).abs() < 1e-12);
            let found: Vec<f32> = Vec::try_from(rope.frequencies(16).unwrap()).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                let error = (f64::from(*found) - expected).abs() / expected;
                assert!(error < 1e-6, "{parameters}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn a_dynamic_scaling_has_a_longest_text() {
        let parameters = json!({ "rope_type": "dynamic", "factor": 2.0 });
        let rope = Rope::parse(None, Some(&parameters), Some(512.0)).unwrap();
        rope.check(512).unwrap();
        assert!(rope.check(513).unwrap_err().contains("lower `max_length`"));
    }
}
