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
