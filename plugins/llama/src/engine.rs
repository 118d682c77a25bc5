//! From prompts to texts: batches are formed by length, begin with what they share, and shrink as
//! users are done.

use gloss_core::{Context, Result};
use gloss_decoding::{Decoding, Sequence, Users, decode};
use gloss_torch::torch_error;
use tch::TchError;

use crate::cache::Cache;
use crate::decoder::{Decoder, Positions, Prefix, slots};
use crate::model::Model;

/// Limits of batches.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most users in a batch.
    pub users: usize,
    /// The most bytes of keys and values of a batch.
    pub cache_bytes: i64,
}

/// A model that generates.
pub struct Engine {
    model: Model,
    positions: Positions,
    prefix: Option<Prefix>,
    limits: Limits,
}

impl Engine {
    /// An engine for prompts and texts that together have at most `tokens` tokens; most prompts
    /// begin with `shared`, which is computed now, unless it has so many tokens that none can.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn new(model: Model, shared: &[i64], tokens: usize, limits: Limits) -> Result<Self> {
        let prepare = || {
            let positions = Positions::new(&model, tokens as i64)?;
            let prefix = match (1..tokens).contains(&shared.len()) {
                true => Some(Prefix::new(&model, &positions, shared)?),
                false => None,
            };
            Ok((positions, prefix))
        };
        let (positions, prefix) = tch::no_grad(prepare).map_err(torch_error("run the model"))?;
        Ok(Engine {
            model,
            positions,
            prefix,
            limits,
        })
    }

    /// The model.
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// Limits of batches.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The texts that follow each of `prompts`, best first. Neither the order of the prompts nor
    /// how they fall into batches matters, but for rounding.
    ///
    /// # Errors
    /// If memory runs out, or the person wants to stop.
    pub fn generate(
        &self,
        prompts: &[Vec<i64>],
        decoding: &Decoding<'_>,
        context: &Context,
    ) -> Result<Vec<Vec<Sequence>>> {
        let mut all = vec![Vec::new(); prompts.len()];
        for (prefix, batch) in self.batches(prompts, decoding) {
            context.check()?;
            let run = || self.run(prefix, &batch, prompts, decoding);
            let texts = tch::no_grad(run).map_err(torch_error("generate"))?;
            for (user, texts) in batch.iter().zip(texts) {
                if let Some(place) = all.get_mut(*user) {
                    *place = texts;
                }
            }
        }
        Ok(all)
    }

    /// The users of each batch, longest prompts first, with the prefix that all of them share.
    fn batches(
        &self,
        prompts: &[Vec<i64>],
        decoding: &Decoding<'_>,
    ) -> Vec<(Option<&Prefix>, Vec<usize>)> {
        let prefix = self.prefix.as_ref();
        let begins = |user: &usize| prefix.is_some_and(|prefix| prefix.begins(&prompts[*user]));
        let (with, without): (Vec<usize>, Vec<usize>) = (0..prompts.len())
            .filter(|&user| !decoding.excludes(user))
            .partition(begins);
        let mut batches = Vec::new();
        for (prefix, mut users) in [(None, without), (prefix, with)] {
            users.sort_by_key(|&user| std::cmp::Reverse(prompts[user].len()));
            let mut rest = users.as_slice();
            while let Some(&longest) = rest.first() {
                let fits = self.fits(prompts[longest].len(), decoding);
                let (batch, others) = rest.split_at(fits.min(rest.len()));
                batches.push((prefix, batch.to_vec()));
                rest = others;
            }
        }
        batches
    }

    /// Returns the number of users per batch if the longest of their prompts has `tokens`.
    fn fits(&self, tokens: usize, decoding: &Decoding<'_>) -> usize {
        let (beams, steps) = decoding.shape();
        let slots = slots(tokens as i64, beams, steps - 1).1;
        let bytes = slots * Cache::bytes_per_token(&self.model.architecture, self.model.kind);
        let users = self.limits.cache_bytes / bytes.max(1);
        usize::try_from(users)
            .unwrap_or(1)
            .clamp(1, self.limits.users.max(1))
    }

    fn run(
        &self,
        prefix: Option<&Prefix>,
        batch: &[usize],
        prompts: &[Vec<i64>],
        decoding: &Decoding<'_>,
    ) -> Result<Vec<Vec<Sequence>>, TchError> {
        let own: Vec<&[i64]> = batch.iter().map(|&user| prompts[user].as_slice()).collect();
        let (beams, steps) = decoding.shape();
        let shape = (beams, steps - 1);
        let (mut decoder, logits) =
            Decoder::new(&self.model, &self.positions, prefix, &own, shape)?;
        let users = Users {
            places: batch,
            prompts: &own,
        };
        decode(decoding, users, &mut decoder, logits)
    }
}
