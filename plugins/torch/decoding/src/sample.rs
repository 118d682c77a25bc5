//! Sampling: each token is drawn from the model's distribution, tempered and cut.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, TchError, Tensor};

use crate::beam::Sequence;

/// The settings of sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampler {
    /// Texts of a user.
    pub sequences: i64,
    /// The divisor of the logits.
    pub temperature: f64,
    /// Only so many of the likeliest tokens are drawn from; 0 for all.
    pub top_k: i64,
    /// Only the likeliest tokens that together have this probability are drawn from.
    pub top_p: f64,
    /// Decides all draws, together with the prompt.
    pub seed: u64,
    /// The most tokens of a text, EOS included.
    pub max_new_tokens: i64,
    /// The tokens that end a text.
    pub eos: Vec<i64>,
}

/// The sampling of a batch of users.
pub(crate) struct Sampling<'a> {
    settings: &'a Sampler,
    eos: Tensor,
    /// A number in [0, 1) for each draw: [users, sequences, tokens].
    draws: Tensor,
    /// [users, sequences, tokens], -1 behind the end.
    tokens: Tensor,
    /// [users, sequences]
    log_probabilities: Tensor,
    ended: Tensor,
    steps: i64,
}

impl Sampler {
    /// The numbers of a prompt's draws: the same, whichever batch it is in.
    fn draws(&self, prompt: &[i64]) -> Vec<f32> {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.seed.to_le_bytes());
        for token in prompt {
            hash.update(&token.to_le_bytes());
        }
        let mut random = ChaCha8Rng::from_seed(*hash.finalize().as_bytes());
        let count = self.sequences * self.max_new_tokens;
        (0..count).map(|_| random.random()).collect()
    }

    /// Probabilities [rows, n] of the tokens that may be drawn, likeliest first, and which they
    /// are; the others have 0.
    fn cut(&self, logits: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let vocabulary = logits.size2()?.1;
        let tempered = logits.f_div_scalar(self.temperature)?;
        let (sorted, tokens) = match self.top_k {
            1.. => tempered.f_topk(self.top_k.min(vocabulary), 1, true, true)?,
            _ => tempered.f_sort_stable(true, 1, true)?,
        };
        let probabilities = sorted.f_softmax(1, Kind::Float)?;
        if self.top_p >= 1.0 {
            return Ok((probabilities, tokens));
        }
        let before = probabilities
            .f_cumsum(1, Kind::Float)?
            .f_sub(&probabilities)?;
        // The likeliest token stays, however small `top_p` is: nothing is before it.
        let outside = before.f_ge(self.top_p.max(f64::from(f32::MIN_POSITIVE)))?;
        Ok((probabilities.f_masked_fill(&outside, 0.0)?, tokens))
    }
}

impl<'a> Sampling<'a> {
    pub(crate) fn new(
        settings: &'a Sampler,
        prompts: &[&[i64]],
        device: tch::Device,
    ) -> Result<Self, TchError> {
        let draws: Vec<f32> = prompts.iter().flat_map(|p| settings.draws(p)).collect();
        let size = [prompts.len() as i64, settings.sequences];
        let all = [size[0], size[1], settings.max_new_tokens];
        Ok(Sampling {
            eos: Tensor::f_from_slice(&settings.eos)?.f_to_device(device)?,
            draws: Tensor::f_from_slice(&draws)?
                .f_view(all)?
                .f_to_device(device)?,
            tokens: Tensor::f_full(all, -1, (Kind::Int64, device))?,
            log_probabilities: Tensor::f_zeros(size, (Kind::Float, device))?,
            ended: Tensor::f_zeros(size, (Kind::Bool, device))?,
            steps: 0,
            settings,
        })
    }

    /// Draws a token for each sequence after `logits` [users × sequences or users, vocabulary].
    pub(crate) fn step(&mut self, logits: &Tensor) -> Result<Tensor, TchError> {
        let (users, sequences) = self.ended.size2()?;
        let logits = match logits.size2()?.0 == users {
            true => logits.f_repeat_interleave_self_int(sequences, 0, None)?,
            false => logits.shallow_clone(),
        };
        let (probabilities, candidates) = self.settings.cut(&logits)?;
        let cumulated = probabilities.f_cumsum(1, Kind::Float)?;
        let width = cumulated.size2()?.1;
        let total = cumulated.f_narrow(1, width - 1, 1)?;
        let draw = self
            .draws
            .f_select(2, self.steps)?
            .f_reshape([users * sequences, 1])?;
        let at = draw.f_mul(&total)?;
        let at = at.f_searchsorted(&cumulated, false, true, "right", None::<&Tensor>)?;
        let drawable = probabilities
            .f_gt(0.0)?
            .f_sum_dim_intlist(1, true, Kind::Int64)?;
        // Nothing can be drawn after logits that are not finite; the log-probability tells of it.
        let at = at.f_minimum(&drawable.f_sub_scalar(1)?)?.f_clamp_min(0)?;
        let token = candidates.f_gather(1, &at, false)?;
        let log_probability = logits
            .f_log_softmax(1, Kind::Float)?
            .f_gather(1, &token, false)?;
        self.append(
            &token.f_view([users, sequences])?,
            &log_probability.f_view([users, sequences])?,
        )
    }

    fn append(&mut self, token: &Tensor, log_probability: &Tensor) -> Result<Tensor, TchError> {
        let log_probability = log_probability.f_masked_fill(&self.ended, 0.0)?;
        self.log_probabilities = self.log_probabilities.f_add(&log_probability)?;
        let kept = token.f_masked_fill(&self.ended, -1)?;
        self.tokens.f_select(2, self.steps)?.f_copy_(&kept)?;
        let ends = Tensor::f_isin(token, &self.eos, false, false)?;
        self.ended = self.ended.f_logical_or(&ends)?;
        self.steps += 1;
        Ok(token.shallow_clone())
    }

    /// Whose texts have not all ended, [users].
    pub(crate) fn active(&self) -> Result<Tensor, TchError> {
        self.ended.f_all_dim(1, false)?.f_logical_not()
    }

    /// The device of the state.
    pub(crate) fn device(&self) -> tch::Device {
        self.ended.device()
    }

    pub(crate) fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        for tensor in [
            &mut self.draws,
            &mut self.tokens,
            &mut self.log_probabilities,
            &mut self.ended,
        ] {
            *tensor = tensor.f_index_select(0, positions)?;
        }
        Ok(())
    }

    /// The texts of the users at `positions` [n], likeliest first; equal ones in the order in which
    /// they were drawn.
    pub(crate) fn finished(&self, positions: &Tensor) -> Result<Vec<Vec<Sequence>>, TchError> {
        let log_probabilities = self.log_probabilities.f_index_select(0, positions)?;
        let log_probabilities: Vec<Vec<f32>> = Vec::try_from(log_probabilities)?;
        let tokens: Vec<Vec<Vec<i64>>> = Vec::try_from(self.tokens.f_index_select(0, positions)?)?;
        let of = |(log_probabilities, tokens): (Vec<f32>, Vec<Vec<i64>>)| {
            let texts = log_probabilities.into_iter().zip(tokens);
            let mut sequences: Vec<Sequence> = texts
                .map(|(log_probability, tokens)| Sequence {
                    tokens: tokens.into_iter().take_while(|token| *token >= 0).collect(),
                    score: log_probability,
                    log_probability,
                })
                .collect();
            sequences.sort_by(|a, b| b.score.total_cmp(&a.score));
            sequences
        };
        Ok(log_probabilities.into_iter().zip(tokens).map(of).collect())
    }
}
