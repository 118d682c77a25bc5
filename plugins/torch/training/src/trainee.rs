//! The interface between the loop and a model in training.

use std::path::Path;

use gloss_core::Result;
use tch::TchError;

use crate::parameters::Parameters;

/// A model in training.
pub trait Trainee {
    /// The numbers that are trained, and their gradient.
    fn parameters(&self) -> &Parameters;

    /// The number of training examples.
    fn examples(&self) -> usize;

    /// Computes the gradient of the largest examples, so that memory that does not suffice runs out
    /// before the first step. Does nothing by default.
    ///
    /// # Errors
    /// Those of libtorch.
    fn rehearse(&self) -> Result<(), TchError> {
        Ok(())
    }

    /// Puts the gradient of the mean loss of `examples` in that of the parameters. Random numbers
    /// follow from `step`, so that a training that is resumed ends in the same bytes.
    ///
    /// # Errors
    /// Those of libtorch.
    fn gradient(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError>;

    /// The mean loss of the validation examples; `None` if there are none.
    ///
    /// # Errors
    /// Those of libtorch.
    fn validation_loss(&self) -> Result<Option<f64>, TchError>;

    /// The loss of a model that knows nothing. A training whose loss is twice that stops.
    fn loss_of_guessing(&self) -> f64;

    /// Writes the weights into `folder`, which need not exist.
    ///
    /// # Errors
    /// If a file cannot be written.
    fn write(&self, folder: &Path) -> Result<()>;
}

/// The measurements of a gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gradient {
    /// The mean loss.
    pub loss: f64,
    /// The predictions that the mean is over.
    pub predictions: usize,
    /// The tokens (or items) of the examples.
    pub tokens: usize,
}
