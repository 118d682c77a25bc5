//! A batch of prompts that grows by a token a beam and step.
//!
//! Each prompt is computed once, however many beams continue it. What beams write goes into slots
//! behind it, a slot a beam and step, which all beams of a user share: which of them a beam sees is
//! stated by the mask, so that nothing is copied when beams are reordered.

use tch::{Kind, TchError, Tensor};

use crate::attention::{Mask, aligned};
use crate::cache::{Cache, Window};
use crate::model::{ForwardContext, Model};

/// Tokens that are computed at once when prompts are read.
const PREFILL_TOKENS: i64 = 16384;

/// The common prefix of all prompts of a run, computed once.
pub(crate) struct Prefix {
    tokens: Vec<i64>,
    cache: Cache,
}

/// Cosines and sines of all positions that may occur, [positions, head size] each.
pub(crate) struct Positions {
    cosines: Tensor,
    sines: Tensor,
}

/// A batch at work.
pub(crate) struct Decoder<'a> {
    model: &'a Model,
    positions: &'a Positions,
    cache: Cache,
    /// The addend of the attention scores: [users, beams, slots].
    visible: Tensor,
    /// The tokens of each prompt, [users].
    lengths: Tensor,
    prompt_slots: i64,
    steps: i64,
}

impl Positions {
    pub(crate) fn new(model: &Model, count: i64) -> Result<Self, TchError> {
        let shape = &model.architecture;
        let (cosines, sines) =
            shape
                .rope
                .table(count, shape.head_size, model.kind, model.device)?;
        Ok(Positions { cosines, sines })
    }
}

impl Prefix {
    /// Computes `tokens`.
    pub(crate) fn new(
        model: &Model,
        positions: &Positions,
        tokens: &[i64],
    ) -> Result<Self, TchError> {
        let count = tokens.len() as i64;
        let options = (model.kind, model.device);
        let cache = Cache::new(&model.architecture, 1, aligned(count), options)?;
        let batch = Tensor::f_from_slice(tokens)?
            .f_to_device(model.device)?
            .f_unsqueeze(0)?;
        let _ = fill(model, positions, &cache, (0, 1), 0, &batch)?;
        Ok(Prefix {
            tokens: tokens.to_vec(),
            cache,
        })
    }

    /// Returns `true` if `prompt` starts with this prefix.
    pub(crate) fn begins(&self, prompt: &[i64]) -> bool {
        prompt.len() > self.tokens.len() && prompt.starts_with(&self.tokens)
    }
}

/// Computes `tokens` [users, n], which stand behind `before` others, into the cache.
fn fill(
    model: &Model,
    positions: &Positions,
    cache: &Cache,
    users: (i64, i64),
    before: i64,
    tokens: &Tensor,
) -> Result<Tensor, TchError> {
    let count = tokens.size2()?.1;
    let seen = aligned(before + count);
    let options = (model.kind, model.device);
    let place = ForwardContext {
        cosines: positions.cosines.f_narrow(0, before, count)?,
        sines: positions.sines.f_narrow(0, before, count)?,
        cache,
        window: Window {
            users,
            at: before,
            seen,
        },
        mask: Mask::causal(before, count, seen, model.groups(), options)?,
    };
    model.forward(tokens, &place)
}

impl<'a> Decoder<'a> {
    /// Reads `prompts`, all of which begin with `prefix` if there is one; `steps` more tokens will
    /// follow each, for each of its `beams`. Also gives the logits after each prompt, [users,
    /// vocabulary].
    pub(crate) fn new(
        model: &'a Model,
        positions: &'a Positions,
        prefix: Option<&Prefix>,
        prompts: &[&[i64]],
        (beams, steps): (i64, i64),
    ) -> Result<(Self, Tensor), TchError> {
        let before = prefix.map_or(0, |prefix| prefix.tokens.len());
        let users = prompts.len() as i64;
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0) as i64;
        let (prompt_slots, slots) = slots(longest, beams, steps);
        let options = (model.kind, model.device);
        let cache = Cache::new(&model.architecture, users, slots, options)?;
        if let Some(prefix) = prefix {
            cache.begin_with(&prefix.cache, before as i64)?;
        }
        let lengths: Vec<i64> = prompts.iter().map(|prompt| prompt.len() as i64).collect();
        let lengths = Tensor::f_from_slice(&lengths)?.f_to_device(model.device)?;
        let slot = Tensor::f_arange(slots, (Kind::Int64, model.device))?;
        let hidden = slot.f_unsqueeze(0)?.f_ge_tensor(&lengths.f_unsqueeze(1)?)?;
        let visible = Tensor::f_zeros([users, slots], options)?
            .f_masked_fill(&hidden, f64::NEG_INFINITY)?
            .f_unsqueeze(1)?
            .f_repeat([1, beams, 1])?;
        let decoder = Decoder {
            model,
            positions,
            cache,
            visible,
            lengths,
            prompt_slots,
            steps: 0,
        };
        let logits = decoder.read(before, prompts)?;
        Ok((decoder, logits))
    }

    /// Computes the prompts without their first `before` tokens, some users at a time.
    fn read(&self, before: usize, prompts: &[&[i64]]) -> Result<Tensor, TchError> {
        let mut last = Vec::new();
        let mut first = 0;
        while let Some(rest) = prompts.get(first..).filter(|rest| !rest.is_empty()) {
            let mut longest = 0;
            let fits = rest.iter().enumerate().take_while(|(others, prompt)| {
                longest = longest.max((prompt.len() - before) as i64);
                *others == 0 || (*others as i64 + 1) * longest <= PREFILL_TOKENS
            });
            let users = &rest[..fits.count()];
            last.push(self.read_users(first as i64, before, users)?);
            first += users.len();
        }
        self.model.logits(&Tensor::f_cat(&last, 0)?)
    }

    /// The features of the last token of each of `prompts`, [users, hidden].
    fn read_users(
        &self,
        first: i64,
        before: usize,
        prompts: &[&[i64]],
    ) -> Result<Tensor, TchError> {
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0) - before;
        let mut tokens = Vec::with_capacity(prompts.len() * longest);
        let mut ends = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let own = prompt.get(before..).unwrap_or_default();
            ends.push((tokens.len() + own.len()) as i64 - 1);
            tokens.extend_from_slice(own);
            tokens.resize(ends.len() * longest, 0);
        }
        let place = |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device(self.model.device);
        let users = prompts.len() as i64;
        let tokens = place(&tokens)?.f_view([users, longest as i64])?;
        let before = before as i64;
        let cache = &self.cache;
        let hidden = fill(
            self.model,
            self.positions,
            cache,
            (first, users),
            before,
            &tokens,
        )?;
        hidden.f_flatten(0, 1)?.f_index_select(0, &place(&ends)?)
    }
}

impl gloss_decoding::Decoder for Decoder<'_> {
    fn advance(&mut self, parents: &Tensor, tokens: &Tensor) -> Result<Tensor, TchError> {
        let (users, beams, slots) = self.visible.size3()?;
        if self.steps > 0 {
            let offsets = Tensor::f_arange(users, (Kind::Int64, self.model.device))?
                .f_mul_scalar(beams)?
                .f_unsqueeze(1)?;
            let rows = parents.f_add(&offsets)?.f_flatten(0, 1)?;
            let visible = self.visible.f_view([users * beams, slots])?;
            self.visible = visible
                .f_index_select(0, &rows)?
                .f_view([users, beams, slots])?;
        }
        let slot = self.prompt_slots + self.steps * beams;
        let own = Tensor::f_full(
            [beams, beams],
            f64::NEG_INFINITY,
            (self.model.kind, self.model.device),
        )?
        .f_fill_diagonal_(0.0, false)?;
        let mut new = self.visible.f_narrow(2, slot, beams)?;
        new.f_copy_(&own.f_unsqueeze(0)?.f_expand_as(&new)?)?;
        let at = self.lengths.f_add_scalar(self.steps)?;
        let turn = |table: &Tensor| table.f_index_select(0, &at)?.f_unsqueeze(1)?.f_unsqueeze(1);
        let seen = aligned(slot + beams);
        let place = ForwardContext {
            cosines: turn(&self.positions.cosines)?,
            sines: turn(&self.positions.sines)?,
            cache: &self.cache,
            window: Window {
                users: (0, users),
                at: slot,
                seen,
            },
            mask: Mask::new(&self.visible.f_narrow(2, 0, seen)?, self.model.groups())?,
        };
        let hidden = self.model.forward(tokens, &place)?;
        self.steps += 1;
        self.model.logits(&hidden.f_flatten(0, 1)?)
    }

    fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        self.cache.select(positions)?;
        self.visible = self.visible.f_index_select(0, positions)?;
        self.lengths = self.lengths.f_index_select(0, positions)?;
        Ok(())
    }
}

/// Slots of the prompts, and in all, of a user.
pub(crate) fn slots(longest: i64, beams: i64, steps: i64) -> (i64, i64) {
    let prompt = aligned(longest);
    (prompt, aligned(prompt + steps * beams))
}
