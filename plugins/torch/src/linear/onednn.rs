//! Matrix products by oneDNN, with weights in its own layout.

use std::ffi::CStr;

use tch::{Kind, Tensor};

use super::Activation;
use crate::libtorch;

/// A weight in oneDNN's layout.
#[derive(Debug)]
pub(super) struct Packed {
    weight: Tensor,
    outputs: i64,
    inputs: i64,
}

impl Packed {
    /// Packs `weight` `[out, in]`; `None` where libtorch has no oneDNN.
    pub(super) fn new(weight: &Tensor) -> Option<Self> {
        let &[outputs, inputs] = weight.size().as_slice() else {
            return None;
        };
        if outputs == 0 || inputs == 0 {
            return None;
        }
        Some(Packed {
            weight: libtorch::pack_linear(&weight.contiguous())?,
            outputs,
            inputs,
        })
    }

    pub(super) fn share(&self) -> Self {
        Packed {
            weight: self.weight.shallow_clone(),
            ..*self
        }
    }

    /// Returns `true` if oneDNN accepts this input.
    fn accepts(&self, input: &Tensor) -> bool {
        let shape = input.size();
        input.kind() == Kind::Float
            && input.is_contiguous()
            && matches!(shape[..], [rows, inputs] if rows > 0 && inputs == self.inputs)
    }

    /// Returns the outputs after an activation; `None` if oneDNN does not support it.
    pub(super) fn activated(
        &self,
        input: &Tensor,
        bias: &Tensor,
        activation: Activation,
    ) -> Option<Tensor> {
        if !self.accepts(input) {
            return None;
        }
        let (name, variant): (&CStr, Option<&CStr>) = match activation {
            Activation::None => (c"none", None),
            Activation::Relu => (c"relu", None),
            Activation::Gelu => (c"gelu", Some(c"none")),
            Activation::GeluTanh => (c"gelu", Some(c"tanh")),
        };
        libtorch::linear(input, &self.weight, bias, name, variant)
    }

    /// Returns the outputs with `other` added; `None` if oneDNN does not support it.
    pub(super) fn added(&self, input: &Tensor, bias: &Tensor, other: &Tensor) -> Option<Tensor> {
        let fits = other.kind() == Kind::Float
            && other.is_contiguous()
            && other.size() == [input.size()[0], self.outputs];
        if !self.accepts(input) || !fits {
            return None;
        }
        libtorch::linear_add(input, other, &self.weight, bias)
    }
}
