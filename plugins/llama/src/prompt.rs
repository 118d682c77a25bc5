//! The paper's prompt: a history as text, and as tokens of limited number.

use std::sync::atomic::{AtomicUsize, Ordering};

use gloss_core::{Catalogue, Error, Result};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tokenizer::Tokenizer;

/// Everything before the purchases. Two of its lines end with a space.
const INSTRUCTION: &str = "\
Below is a customer's purchase history on Amazon, listed in chronological order (earliest to latest). \n\
Each item is represented by the following format: Title: <item title> \n\
Based on this history, predict **only one** item the customer is most likely to purchase next in the same format.\n\
\n\
### Purchase history:\n";

/// Everything between the purchases and the next item.
const NEXT_ITEM: &str = "\n\n### Next item:\n";

/// For how many items it is tried out how a tokenizer treats the prompt's seams.
const TRIED: usize = 32;

/// What is left out of a prompt that has too many tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Truncation {
    /// The first tokens of the prompt, whatever they are: the instruction goes before the oldest
    /// purchase does. What the paper does.
    #[default]
    Left,
    /// The oldest purchases, each as a whole; the instruction stays.
    OldestItems,
}

/// Makes prompts of histories, which are catalogue positions, oldest first.
pub struct Prompts<'a> {
    tokenizer: Tokenizer,
    catalogue: &'a Catalogue,
    truncation: Truncation,
    /// How many tokens are left for the text, besides those that enclose every text.
    room: usize,
    /// The tokens that every whole prompt begins with, without BOS.
    instruction: Vec<i64>,
    /// The tokens that [`NEXT_ITEM`] has on its own.
    next_item: Vec<i64>,
    truncated: AtomicUsize,
}

impl<'a> Prompts<'a> {
    /// Prompts of at most `max_length` tokens, BOS included. The paper leaves 50 of 1,024 tokens
    /// for the next item, and uses 974.
    ///
    /// # Errors
    /// If `max_length` leaves no room for what must stay, or if the tokenizer treats a text after
    /// another one in a way that cannot be foretold.
    pub fn new(
        tokenizer: &Tokenizer,
        catalogue: &'a Catalogue,
        truncation: Truncation,
        max_length: usize,
    ) -> Result<Self> {
        let mut prompts = Prompts {
            next_item: tokenizer.encode_bare(NEXT_ITEM)?,
            tokenizer: tokenizer.clone(),
            catalogue,
            truncation,
            room: max_length.saturating_sub(tokenizer.enclosing()),
            instruction: Vec::new(),
            truncated: AtomicUsize::new(0),
        };
        prompts.instruction = tokenizer.encode_bare(&prompts.text(&[]))?;
        let (least, what) = match truncation {
            Truncation::Left => (1, "a prompt that is truncated on the left"),
            Truncation::OldestItems => (prompts.instruction.len(), "the instruction alone"),
        };
        if prompts.room < least {
            return Err(Error::Usage(format!(
                "a prompt may have {max_length} tokens, but {what} has {}; allow more tokens",
                least + tokenizer.enclosing()
            )));
        }
        prompts.try_seams()?;
        Ok(prompts)
    }

    /// Tries items from all over the catalogue: shortens `instruction` to what is the same before
    /// all, and makes sure that an item's tokens depend on no more context than
    /// [`Prompts::continuation`] gives them.
    fn try_seams(&mut self) -> Result<()> {
        let items = self.catalogue.len();
        for item in (0..items as u32).step_by(items.div_ceil(TRIED).max(1)) {
            let prompt = self.text(&[item]);
            let tokens = self.tokenizer.encode_bare(&prompt)?;
            let same = self.instruction.iter().zip(&tokens);
            let same = same.take_while(|(a, b)| a == b).count();
            self.instruction.truncate(same);
            let text = &self.catalogue.item(item).text;
            let whole = self.tokenizer.encode_bare(&(prompt + text))?;
            if whole.strip_prefix(&*tokens) != self.continuation(text).ok().as_deref() {
                return Err(Error::Usage(format!(
                    "the tokens of `{text}` at the end of a prompt depend on the purchases before; \
                     such a tokenizer cannot be used"
                )));
            }
        }
        Ok(())
    }

    /// The whole prompt of a history; the next item's text is to follow.
    pub fn text(&self, history: &[u32]) -> String {
        let items = history.iter().map(|&item| self.catalogue.item(item));
        let items: Vec<&str> = items.map(|item| item.text.as_str()).collect();
        [INSTRUCTION, &items.join("\n"), NEXT_ITEM].concat()
    }

    /// The tokens of the prompt of a history, truncated. The tokens that the tokenizer puts before
    /// every text, such as BOS, are never cut off, as is so in transformers.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokens(&self, history: &[u32]) -> Result<Vec<i64>> {
        self.fit(history, |items| {
            self.tokenizer.encode_bare(&self.text(items))
        })
    }

    /// [`Prompts::tokens`] of many histories, in parallel.
    ///
    /// # Errors
    /// As [`Prompts::tokens`].
    pub fn tokens_batch(&self, histories: &[&[u32]]) -> Result<Vec<Vec<i64>>> {
        histories
            .par_iter()
            .map(|items| self.tokens(items))
            .collect()
    }

    /// The tokens of a text to train on: prompt, next item and the end of the text, together at
    /// most `max_length`.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn training(&self, history: &[u32], target: u32) -> Result<Vec<i64>> {
        let target = &self.catalogue.item(target).text;
        self.fit(history, |items| {
            let text = self.text(items) + target;
            let mut tokens = self.tokenizer.encode_bare(&text)?;
            tokens.push(self.tokenizer.end_of_text());
            Ok(tokens)
        })
    }

    /// The tokens that every prompt begins with that is not truncated on the left, BOS included.
    pub fn shared(&self) -> Vec<i64> {
        [self.tokenizer.before(), &self.instruction].concat()
    }

    /// The tokens that follow those of a prompt if the text of an item follows its text.
    ///
    /// # Errors
    /// If the prompt's own tokens are others then, or if the tokenizer fails.
    pub fn continuation(&self, item_text: &str) -> Result<Vec<i64>> {
        let whole = [NEXT_ITEM, item_text].concat();
        let tokens = self.tokenizer.encode_bare(&whole)?;
        match tokens.strip_prefix(&*self.next_item) {
            Some(tokens) => Ok(tokens.to_vec()),
            None => Err(Error::Usage(format!(
                "the tokenizer joins the beginning of `{item_text}` to the end of the prompt, so \
                 that this text cannot be written after a prompt"
            ))),
        }
    }

    /// How many of the histories so far were too long and were truncated.
    pub fn truncated(&self) -> usize {
        self.truncated.load(Ordering::Relaxed)
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What `tokens` makes of as much of a history as there is room for.
    fn fit(
        &self,
        history: &[u32],
        tokens: impl Fn(&[u32]) -> Result<Vec<i64>>,
    ) -> Result<Vec<i64>> {
        let all = tokens(history)?;
        if all.len() <= self.room {
            return Ok(self.tokenizer.enclose(&all));
        }
        self.truncated.fetch_add(1, Ordering::Relaxed);
        let kept = match self.truncation {
            Truncation::Left => all[all.len() - self.room..].to_vec(),
            Truncation::OldestItems => self.fit_newest(history, tokens)?,
        };
        Ok(self.tokenizer.enclose(&kept))
    }

    /// The tokens with as many of the newest items as fit. If not even one does, as much of its
    /// end as fits behind the instruction.
    fn fit_newest(
        &self,
        history: &[u32],
        tokens: impl Fn(&[u32]) -> Result<Vec<i64>>,
    ) -> Result<Vec<i64>> {
        let newest = |count: usize| tokens(&history[history.len() - count.min(history.len())..]);
        let (mut fits, mut too_many) = (None, history.len());
        loop {
            let least = fits.as_ref().map_or(0, |(count, _)| *count);
            if too_many <= least + 1 {
                break;
            }
            let middle = least.midpoint(too_many);
            let candidate = newest(middle)?;
            match candidate.len() <= self.room {
                true => fits = Some((middle, candidate)),
                false => too_many = middle,
            }
        }
        if let Some((_, tokens)) = fits {
            return Ok(tokens);
        }
        let one = newest(1)?;
        let rest = self.room - self.instruction.len();
        Ok([&self.instruction, &one[one.len() - rest..]].concat())
    }
}
