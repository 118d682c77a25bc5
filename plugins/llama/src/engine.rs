//! From prompts to texts: batches are formed by length, begin with what they share, and shrink as
//! users are done.

use gloss_core::{Context, Result};
use gloss_torch::torch_error;
use tch::{Kind, TchError, Tensor};

use crate::beam::{BeamSearch, Search, Sequence};
use crate::cache::Cache;
use crate::constraint::Constraint;
use crate::continuation::Source;
use crate::decoder::{Decoder, Positions, Prefix, slots, to_host};
use crate::model::Model;
use crate::sample::{Sampler, Sampling};

/// Steps between looks at who is done, where looking makes the host wait for the device.
const STEPS_BETWEEN_LOOKS: i64 = 8;

/// A batch is made smaller once this share of its users, or fewer, is still at work.
const SHRINK_AT: f64 = 0.75;

/// Limits of batches.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most users in a batch.
    pub users: usize,
    /// The most bytes of keys and values of a batch.
    pub cache_bytes: i64,
}

/// The decoding mode.
pub enum Decoding<'a> {
    /// The likeliest texts, by beam search.
    BeamSearch(&'a BeamSearch),
    /// The likeliest items of the catalogue, by beam search; for each user, the nodes of the trie
    /// that must not be entered.
    Catalogue(&'a BeamSearch, &'a Constraint, &'a [Vec<i64>]),
    /// Texts drawn by chance.
    Sample(&'a Sampler),
}

/// A model that generates.
pub struct Engine {
    model: Model,
    positions: Positions,
    prefix: Option<Prefix>,
    limits: Limits,
}

/// The decoding state of a batch.
enum DecodeState<'a> {
    Search(Search<'a>, Source<'a>),
    Sampling(Sampling<'a>),
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
        let mut work = decoding.begin(batch, &own, &self.model)?;
        let (mut decoder, mut logits) =
            Decoder::new(&self.model, &self.positions, prefix, &own, shape)?;
        let mut texts = vec![Vec::new(); batch.len()];
        let mut users: Vec<usize> = (0..batch.len()).collect();
        for step in 1..=steps {
            let (parents, tokens) = work.step(&logits)?;
            if step == steps {
                break;
            }
            let looks = !self.model.device.is_cuda() || step % STEPS_BETWEEN_LOOKS == 0;
            let mut next = (parents, tokens);
            if looks && !self.shrink(&mut work, &mut decoder, &mut next, &mut users, &mut texts)? {
                break;
            }
            logits = decoder.advance(&next.0, &next.1)?;
        }
        let rest: Vec<i64> = (0..users.len() as i64).collect();
        collect(&work, &rest, &users, &mut texts)?;
        Ok(texts)
    }

    /// Drops finished users, if there are enough of them; returns whether any user is unfinished.
    fn shrink(
        &self,
        work: &mut DecodeState<'_>,
        decoder: &mut Decoder<'_>,
        next: &mut (Tensor, Tensor),
        users: &mut Vec<usize>,
        texts: &mut [Vec<Sequence>],
    ) -> Result<bool, TchError> {
        let active = to_host(&work.active()?)?;
        let (at_work, done): (Vec<i64>, Vec<i64>) =
            (0..active.len() as i64).partition(|&user| active[user as usize] != 0);
        if at_work.len() as f64 > SHRINK_AT * active.len() as f64 || at_work.is_empty() {
            return Ok(!at_work.is_empty());
        }
        collect(work, &done, users, texts)?;
        let positions = Tensor::f_from_slice(&at_work)?.f_to_device(self.model.device)?;
        work.select(&positions)?;
        decoder.select(&positions)?;
        next.0 = next.0.f_index_select(0, &positions)?;
        next.1 = next.1.f_index_select(0, &positions)?;
        *users = at_work.iter().map(|&user| users[user as usize]).collect();
        Ok(true)
    }
}

/// Puts the texts of the users at `positions` where they belong.
fn collect(
    work: &DecodeState<'_>,
    positions: &[i64],
    users: &[usize],
    texts: &mut [Vec<Sequence>],
) -> Result<(), TchError> {
    for (position, sequences) in positions.iter().zip(work.finished(positions)?) {
        texts[users[*position as usize]] = sequences;
    }
    Ok(())
}

impl Decoding<'_> {
    /// Texts at work of a user, and the most tokens of each.
    fn shape(&self) -> (i64, i64) {
        match self {
            Decoding::BeamSearch(search) | Decoding::Catalogue(search, ..) => {
                (search.beams, search.max_new_tokens)
            }
            Decoding::Sample(sampler) => (sampler.sequences, sampler.max_new_tokens),
        }
    }

    /// Returns `true` if no item is left for `user`: the root of the trie is blocked.
    fn excludes(&self, user: usize) -> bool {
        match self {
            Decoding::Catalogue(_, _, blocked) => blocked[user].first() == Some(&0),
            _ => false,
        }
    }

    fn begin<'b>(
        &'b self,
        batch: &[usize],
        prompts: &[&[i64]],
        model: &Model,
    ) -> Result<DecodeState<'b>, TchError> {
        let users = batch.len() as i64;
        Ok(match self {
            Decoding::BeamSearch(search) => DecodeState::Search(
                Search::new(search, users, model.device)?,
                Source::Vocabulary,
            ),
            Decoding::Catalogue(search, constraint, blocked) => {
                let blocked: Vec<_> = batch.iter().map(|&user| blocked[user].clone()).collect();
                let walk = constraint.walk(&blocked)?;
                let search = Search::new(search, users, model.device)?;
                DecodeState::Search(search, Source::Catalogue(walk))
            }
            Decoding::Sample(sampler) => {
                DecodeState::Sampling(Sampling::new(sampler, prompts, model.device)?)
            }
        })
    }
}

impl DecodeState<'_> {
    /// Takes the logits after the texts at work; gives whose children the next are, and their
    /// tokens, [users, texts] each.
    fn step(&mut self, logits: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        match self {
            DecodeState::Search(search, source) => {
                let next = search.step(logits, source)?;
                Ok((next.parents, next.tokens))
            }
            DecodeState::Sampling(sampling) => {
                let tokens = sampling.step(logits)?;
                let (_, sequences) = tokens.size2()?;
                let own = Tensor::f_arange(sequences, (Kind::Int64, tokens.device()))?;
                Ok((own.f_unsqueeze(0)?.f_expand_as(&tokens)?, tokens))
            }
        }
    }

    fn active(&self) -> Result<Tensor, TchError> {
        match self {
            DecodeState::Search(search, _) => search.active(),
            DecodeState::Sampling(sampling) => sampling.active(),
        }
    }

    fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        match self {
            DecodeState::Search(search, source) => {
                search.select(positions)?;
                source.select(positions)
            }
            DecodeState::Sampling(sampling) => sampling.select(positions),
        }
    }

    fn finished(&self, positions: &[i64]) -> Result<Vec<Vec<Sequence>>, TchError> {
        match self {
            DecodeState::Search(search, _) => {
                let positions = Tensor::f_from_slice(positions)?.f_to_device(search.device())?;
                search.finished(&positions)
            }
            DecodeState::Sampling(sampling) => {
                let positions = Tensor::f_from_slice(positions)?.f_to_device(sampling.device())?;
                sampling.finished(&positions)
            }
        }
    }
}
