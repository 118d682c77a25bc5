//! Gated recurrent units.

use tch::{TchError, Tensor};

use gloss_training::{Builder, Init, Leaves, Weight};

/// Layers of gated recurrent units (Cho et al., 2014, arXiv 1406.1078), as in PyTorch.
pub(crate) struct Gru {
    weights: Vec<Weight>,
    layers: i64,
    hidden: i64,
}

impl Gru {
    /// From `inputs` to `hidden` numbers.
    pub(crate) fn new(
        builder: &mut Builder,
        name: &str,
        [inputs, hidden]: [i64; 2],
        layers: i64,
    ) -> Self {
        let mut weights = Vec::new();
        for layer in 0..layers {
            let inputs = if layer == 0 { inputs } else { hidden };
            for (part, columns) in [("ih", inputs), ("hh", hidden)] {
                let init = Init::Uniform((6.0 / (3 * hidden + columns) as f64).sqrt());
                let name = format!("{name}.weight_{part}_l{layer}");
                weights.push(builder.add(name, &[3 * hidden, columns], init));
            }
            for part in ["ih", "hh"] {
                let name = format!("{name}.bias_{part}_l{layer}");
                weights.push(builder.add(name, &[3 * hidden], Init::Constant(0.0)));
            }
        }
        Gru {
            weights,
            layers,
            hidden,
        }
    }

    /// From [batch, length, inputs] to [batch, length, hidden].
    pub(crate) fn forward(&self, leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        let (batch, _, _) = input.size3()?;
        let start = Tensor::f_zeros(
            [self.layers, batch, self.hidden],
            (input.f_kind()?, input.device()),
        )?;
        let weights: Vec<&Tensor> = self.weights.iter().map(|&weight| &leaves[weight]).collect();
        let (output, _) =
            input.f_gru(&start, &weights, true, self.layers, 0.0, false, false, true)?;
        Ok(output)
    }
}
