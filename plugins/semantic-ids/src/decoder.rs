//! The decoder of T5 at work on beams, with a cache of keys and values.

use gloss_decoding::Decoder;
use gloss_training::{Leaves, Pass};
use tch::{Kind, TchError, Tensor};

use crate::attention::KeysValues;
use crate::network::T5;
use crate::sequence::{Inputs, PAD};

/// A batch of users at work. Those of a user's beams share the encoder's output.
pub(crate) struct BeamDecoder<'a> {
    network: &'a T5,
    leaves: &'a Leaves,
    /// Of the encoder's output in each layer, `[users, heads, length, width of a head]`.
    encoded: Vec<KeysValues>,
    /// Hides the padding of the encoder's output, `[users, 1, 1, length]`.
    mask: Tensor,
    /// Of the tokens so far in each layer, `[users × beams, heads, steps, width of a head]`.
    own: Vec<Option<KeysValues>>,
    /// `[1, heads, steps, steps]`
    bias: Tensor,
    users: i64,
    beams: i64,
    steps: i64,
}

impl<'a> BeamDecoder<'a> {
    /// Reads `inputs`, which at most `steps` tokens are to follow. Also gives the logits of the first, `[users, tokens]`.
    pub(crate) fn new(
        network: &'a T5,
        leaves: &'a Leaves,
        inputs: &Inputs,
        steps: i64,
    ) -> Result<(Self, Tensor), TchError> {
        let encoded = network.encode(leaves, inputs, Pass::Evaluation)?;
        let users = encoded.size3()?.0;
        let mut decoder = BeamDecoder {
            encoded: network.cross_keys_values(leaves, &encoded)?,
            mask: inputs.mask.shallow_clone(),
            own: (0..network.decoder_layers()).map(|_| None).collect(),
            bias: network.decoder_bias(leaves, steps)?,
            network,
            leaves,
            users,
            beams: 1,
            steps: 0,
        };
        let first = Tensor::f_full([users], PAD, (Kind::Int64, encoded.device()))?;
        let logits = decoder.step(&first)?;
        Ok((decoder, logits))
    }

    fn step(&mut self, tokens: &Tensor) -> Result<Tensor, TchError> {
        let own = self.bias.f_narrow(2, self.steps, 1)?;
        let bias = own.f_narrow(3, 0, self.steps + 1)?;
        let encoded = (&*self.encoded, &self.mask);
        self.steps += 1;
        self.network
            .step(self.leaves, tokens, &bias, &mut self.own, encoded)
    }

    fn keep(&mut self, rows: &Tensor) -> Result<(), TchError> {
        for own in self.own.iter_mut().flatten() {
            *own = own.select(rows)?;
        }
        Ok(())
    }

    /// The rows of all beams of the users at `positions`.
    fn rows(&self, positions: &Tensor) -> Result<Tensor, TchError> {
        let beams = Tensor::f_arange(self.beams, (Kind::Int64, positions.device()))?;
        let first = positions.f_mul_scalar(self.beams)?.f_unsqueeze(1)?;
        first.f_add(&beams)?.f_flatten(0, 1)
    }
}

impl Decoder for BeamDecoder<'_> {
    fn advance(&mut self, parents: &Tensor, tokens: &Tensor) -> Result<Tensor, TchError> {
        let options = (Kind::Int64, tokens.device());
        let first = Tensor::f_arange(self.users, options)?.f_mul_scalar(self.beams)?;
        self.keep(&parents.f_add(&first.f_unsqueeze(1)?)?.f_flatten(0, 1)?)?;
        self.beams = tokens.size2()?.1;
        self.step(&tokens.f_flatten(0, 1)?)
    }

    fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        self.keep(&self.rows(positions)?)?;
        for encoded in &mut self.encoded {
            *encoded = encoded.select(positions)?;
        }
        self.mask = self.mask.f_index_select(0, positions)?;
        self.users = positions.size1()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Shape;
    use gloss_training::Builder;
    use tch::Device;

    /// Two steps of two beams, the second after the first user is gone, beside the whole texts at once.
    #[test]
    fn logits_are_those_of_whole_texts() {
        let shape = Shape {
            d_model: 8,
            d_kv: 4,
            d_ff: 16,
            num_layers: 1,
            num_decoder_layers: 2,
            num_heads: 2,
            ..Shape::default()
        };
        let mut builder = Builder::default();
        let network = T5::new(&mut builder, &shape, 11);
        let parameters = builder.draw(5, Device::Cpu).unwrap();
        let leaves = Leaves::fixed(&parameters).unwrap();
        let users = [vec![3, 9, 4, 7], vec![5, 6], vec![8, 2, 10]];
        let whole = |user: usize, tokens: &[i64]| {
            let inputs = Inputs::new(&users[user..=user], Device::Cpu).unwrap();
            let encoded = network.encode(&leaves, &inputs, Pass::Evaluation).unwrap();
            let tokens = Tensor::from_slice(tokens).unsqueeze(0);
            let logits = network.decode(&leaves, (&inputs, &encoded), &tokens, Pass::Evaluation);
            logits.unwrap().select(1, -1).squeeze_dim(0)
        };
        let close = |logits: &Tensor, row: i64, expected: &Tensor| {
            let far = (logits.get(row) - expected).abs().max().double_value(&[]);
            assert!(far < 1e-5, "row {row} is off by {far}");
        };
        let inputs = Inputs::new(&users, Device::Cpu).unwrap();
        let (mut decoder, first) = BeamDecoder::new(&network, &leaves, &inputs, 3).unwrap();
        for user in 0..3 {
            close(&first, user, &whole(user as usize, &[PAD]));
        }
        let matrix = |rows: &[i64]| Tensor::from_slice(rows).view([-1, 2]);
        let parents = matrix(&[0, 0, 0, 0, 0, 0]);
        let second = decoder
            .advance(&parents, &matrix(&[1, 2, 3, 4, 5, 6]))
            .unwrap();
        for (row, token) in (0..6).zip(1..) {
            close(&second, row, &whole(row as usize / 2, &[PAD, token]));
        }
        decoder.select(&Tensor::from_slice(&[1_i64, 2])).unwrap();
        let third = decoder
            .advance(&matrix(&[1, 1, 1, 0]), &matrix(&[7, 8, 9, 10]))
            .unwrap();
        let texts = [(1, 4, 7), (1, 4, 8), (2, 6, 9), (2, 5, 10)];
        for (row, (user, first, second)) in (0..).zip(texts) {
            close(&third, row, &whole(user, &[PAD, first, second]));
        }
    }
}
