//! The number type of a model's weights and activations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Kind;

/// The number type that a model computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits: precise enough to compare with other implementations, and the slowest.
    F32,
    /// 16 bits with the range of 32: for GPUs from NVIDIA's Ampere on.
    Bf16,
    /// 16 bits with a finer fraction and a small range: for older GPUs.
    F16,
}

impl Precision {
    /// Returns the type of libtorch numbers; f32 for those that have no name here.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::BFloat16 => Precision::Bf16,
            Kind::Half => Precision::F16,
            _ => Precision::F32,
        }
    }

    /// Returns the libtorch type.
    pub fn kind(self) -> Kind {
        match self {
            Precision::F32 => Kind::Float,
            Precision::Bf16 => Kind::BFloat16,
            Precision::F16 => Kind::Half,
        }
    }

    /// Returns the size of one number, in bytes.
    pub fn bytes(self) -> usize {
        self.kind().elt_size_in_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_safetensors_types() {
        for (precision, name, bytes) in [
            (Precision::F32, "\"f32\"", 4),
            (Precision::Bf16, "\"bf16\"", 2),
            (Precision::F16, "\"f16\"", 2),
        ] {
            assert_eq!(serde_json::to_string(&precision).unwrap(), name);
            assert_eq!(serde_json::from_str::<Precision>(name).unwrap(), precision);
            assert_eq!(precision.bytes(), bytes);
        }
    }
}
