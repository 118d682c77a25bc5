//! Linear layers, on the processor by the faster of the libraries that libtorch has for them.

mod onednn;

use tch::{Device, Kind, TchError, Tensor};

use onednn::Packed;

/// The activation after a linear layer, computed in the same pass where possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `x Φ(x)` with the distribution function Φ of the normal distribution (Hendrycks and Gimpel,
    /// 2016, arXiv 1606.08415).
    Gelu,
    /// The same with Φ approximated by tanh.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

/// A linear layer that is not trained: `x Wᵀ + b`.
///
/// On x86 processors, MKL multiplies matrices for libtorch in f32. oneDNN, which libtorch has as well,
/// was a third faster on an AMD Zen 4 with weights that are laid out for it. So those of a layer in f32
/// on the processor are, beside the plain ones, which MKL multiplies by where oneDNN is missing: such a
/// layer takes the memory of its weights twice.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`
    weight: Tensor,
    /// [out]
    bias: Tensor,
    packed: Option<Packed>,
}

impl Linear {
    /// The layer of `weight` `[out, in]` and `bias` `[out]`, where they are and with their numbers.
    pub fn new(weight: Tensor, bias: Tensor) -> Self {
        let suits = weight.device() == Device::Cpu && weight.kind() == Kind::Float;
        Linear {
            packed: suits.then(|| Packed::new(&weight)).flatten(),
            weight,
            bias,
        }
    }

    /// Another handle on the same weights, for another thread.
    pub fn share(&self) -> Self {
        Linear {
            weight: self.weight.shallow_clone(),
            bias: self.bias.shallow_clone(),
            packed: self.packed.as_ref().map(Packed::share),
        }
    }

    /// The activations `[rows, out]` of `input` `[rows, in]`.
    ///
    /// # Errors
    ///
    /// Whatever libtorch fails with.
    pub fn forward(&self, input: &Tensor, activation: Activation) -> Result<Tensor, TchError> {
        let packed = self.packed.as_ref();
        if let Some(output) = packed.and_then(|p| p.activated(input, &self.bias, activation)) {
            return Ok(output);
        }
        let mut output = input.f_linear(&self.weight, Some(&self.bias))?;
        match activation {
            Activation::None => Ok(output),
            Activation::Gelu => output.f_gelu_("none"),
            Activation::GeluTanh => output.f_gelu_("tanh"),
            Activation::Relu => output.f_relu_(),
        }
    }

    /// The outputs `[rows, out]` of `input` `[rows, in]`, with `other` `[rows, out]` added.
    ///
    /// # Errors
    ///
    /// Whatever libtorch fails with.
    pub fn forward_add(&self, input: &Tensor, other: &Tensor) -> Result<Tensor, TchError> {
        let packed = self.packed.as_ref();
        match packed.and_then(|packed| packed.added(input, &self.bias, other)) {
            Some(output) => Ok(output),
            None => input
                .f_linear(&self.weight, Some(&self.bias))?
                .f_add_(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn both_libraries_give_the_same() {
        tch::manual_seed(3);
        let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
        for (rows, inputs, outputs) in [(1, 7, 5), (33, 64, 192), (320, 384, 1536), (0, 8, 8)] {
            let (weight, bias) = (random(&[outputs, inputs]), random(&[outputs]));
            let (input, other) = (random(&[rows, inputs]), random(&[rows, outputs]));
            let plain = Linear {
                weight: weight.shallow_clone(),
                bias: bias.shallow_clone(),
                packed: None,
            };
            let layer = Linear::new(weight, bias).share();
            if rows == 0 {
                let found = layer.forward(&input, Activation::Gelu).unwrap();
                assert_eq!(found.size(), [0, outputs]);
                continue;
            }
            for activation in [
                Activation::None,
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
            ] {
                let found = layer.forward(&input, activation).unwrap();
                let expected = plain.forward(&input, activation).unwrap();
                assert!(difference(&found, &expected) < 1e-4, "{activation:?}");
            }
            let found = layer.forward_add(&input, &other).unwrap();
            assert!(difference(&found, &plain.forward_add(&input, &other).unwrap()) < 1e-4);
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_weights_are_laid_out_for_onednn() {
        let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
        let layer = Linear::new(random(&[16, 8]), random(&[16]));
        let packed = layer.packed.as_ref().unwrap();
        let (input, bias) = (random(&[4, 8]), &layer.bias);
        assert!(packed.activated(&input, bias, Activation::Gelu).is_some());
        assert!(packed.added(&input, bias, &random(&[4, 16])).is_some());
        assert!(packed.added(&input, bias, &random(&[4, 17])).is_none());
        let half = Linear::new(random(&[16, 8]).to_kind(Kind::BFloat16), random(&[16]));
        assert!(half.packed.is_none());
    }
}
