//! From the features of tokens to one vector of their text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The pooling of a text's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The mean of all tokens.
    Mean,
    /// The first token.
    Cls,
    /// The largest of all tokens, feature by feature.
    Max,
}

impl Pooling {
    /// The vectors [texts, hidden] of texts of equal length, from their tokens' features [texts,
    /// length, hidden]; in f32.
    pub(crate) fn pool(self, features: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Pooling::Mean => features.f_mean_dim(1, false, Kind::Float),
            Pooling::Cls => features.f_select(1, 0)?.f_to_kind(Kind::Float),
            Pooling::Max => features.f_amax([1], false)?.f_to_kind(Kind::Float),
        }
    }
}

/// `vectors` [texts, dimensions] at length 1; one of length 0 stays as it is.
pub(crate) fn unit(vectors: &Tensor) -> Result<Tensor, TchError> {
    let lengths = vectors.f_norm_scalaropt_dim(2.0, [1], true)?;
    vectors.f_div(&lengths.f_clamp_min(1e-12)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_takes_what_it_says() {
        let features = Tensor::f_from_slice(&[1.0_f32, -4.0, 3.0, -2.0]).unwrap();
        let features = features.f_view([1, 2, 2]).unwrap();
        for (pooling, expected) in [
            (Pooling::Mean, [2.0_f32, -3.0]),
            (Pooling::Cls, [1.0, -4.0]),
            (Pooling::Max, [3.0, -2.0]),
        ] {
            let vector = pooling.pool(&features).unwrap().f_view([-1]).unwrap();
            assert_eq!(Vec::<f32>::try_from(vector).unwrap(), expected);
        }
    }

    #[test]
    fn a_vector_of_zeros_stays_one() {
        let vectors = Tensor::f_from_slice(&[3.0_f32, 4.0, 0.0, 0.0]).unwrap();
        let unit = unit(&vectors.f_view([2, 2]).unwrap()).unwrap();
        let unit = Vec::<f32>::try_from(unit.f_view([-1]).unwrap()).unwrap();
        assert_eq!(unit, [0.6, 0.8, 0.0, 0.0]);
    }
}
