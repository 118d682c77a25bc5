//! The two kinds of pass through a network.

use tch::{TchError, Tensor};

/// A pass through a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// With dropout.
    Training,
    /// Without.
    Evaluation,
}

impl Pass {
    /// Drops a share of the numbers in training.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn dropout(self, input: &Tensor, share: f64) -> Result<Tensor, TchError> {
        match self == Pass::Training && share > 0.0 {
            true => input.f_dropout(share, true),
            false => Ok(input.shallow_clone()),
        }
    }
}
