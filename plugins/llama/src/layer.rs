//! A decoder layer, written once for generation and training: what differs between the two, such as
//! attention, is plugged in.

use tch::{TchError, Tensor};

/// A norm of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// Before attention.
    Attention,
    /// Before the perceptron.
    Perceptron,
}

/// A projection of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Projection {
    /// To queries, keys and values, side by side.
    Qkv,
    /// Of the attention's result.
    Output,
    /// To gate and up, side by side.
    GateUp,
    /// Out of the perceptron.
    Down,
}

/// A layer with its weights and whatever its attention needs.
pub(crate) trait LayerForward {
    /// The norm of `input`.
    fn norm(&self, norm: Norm, input: &Tensor) -> Result<Tensor, TchError>;

    /// The projection of `input`.
    fn project(&self, projection: Projection, input: &Tensor) -> Result<Tensor, TchError>;

    /// Attention over the queries, keys and values `qkv`, before the output projection.
    fn attend(&self, qkv: &Tensor) -> Result<Tensor, TchError>;

    /// Returns `true` if tensors that no one else holds may be overwritten, as without gradients.
    fn in_place(&self) -> bool;

    /// The output of the layer for `input`.
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let normed = self.norm(Norm::Attention, input)?;
        let attended = self.attend(&self.project(Projection::Qkv, &normed)?)?;
        let hidden = self.add(self.project(Projection::Output, &attended)?, input)?;
        let normed = self.norm(Norm::Perceptron, &hidden)?;
        let inner = self.gated(&self.project(Projection::GateUp, &normed)?)?;
        self.add(self.project(Projection::Down, &inner)?, &hidden)
    }

    /// The sum of a tensor that no one else holds and another.
    fn add(&self, mut own: Tensor, other: &Tensor) -> Result<Tensor, TchError> {
        match self.in_place() {
            true => own.f_add_(other),
            false => own.f_add(other),
        }
    }

    /// SwiGLU: silu(gate) · up (Shazeer, 2020, arXiv 2002.05202).
    fn gated(&self, gate_up: &Tensor) -> Result<Tensor, TchError> {
        let halves = gate_up.f_chunk(2, -1)?;
        let [gate, up] = halves.as_slice() else {
            return Err(TchError::Shape("gate and up are not two".to_string()));
        };
        match self.in_place() {
            true => gate.f_silu()?.f_mul_(up),
            false => gate.f_silu()?.f_mul(up),
        }
    }
}
