//! Prompts: a history as text, and as tokens of limited number.

use std::sync::atomic::{AtomicUsize, Ordering};

use gloss_core::{Catalogue, Error, Item, Result};
use rayon::prelude::*;

use crate::codes::CodeTokens;
use crate::tokenizer::Tokenizer;

pub use format::{Format, Truncation};

mod format;

/// For how many items it is tried out how a tokenizer treats the prompt's seams.
const TRIED: usize = 32;

/// Makes prompts of histories, which are catalogue positions, oldest first.
pub struct Prompts<'a> {
    tokenizer: Tokenizer,
    catalogue: &'a Catalogue,
    format: Format,
    truncation: Truncation,
    /// The token that an item's text ends with; codes have none, as every item has as many.
    end: Option<i64>,
    /// The number of tokens left for the text, besides those that enclose every text.
    room: usize,
    /// The tokens that every whole prompt begins with, without BOS.
    shared: Vec<i64>,
    /// The tokens that what is before the purchases has on its own; its last may be joined to what
    /// follows.
    instruction: Vec<i64>,
    /// The tokens that what is after the purchases has on its own.
    next_item: Vec<i64>,
    /// Of a list the tokens of each item's line, its end included, or of its codes, by catalogue position. A line's
    /// tokens are the same wherever it stands, even if the tokenizer, given all at once, joined the
    /// end of a title to that of the line.
    lines: Vec<Vec<i64>>,
    truncated: AtomicUsize,
}

impl<'a> Prompts<'a> {
    /// The paper's prompts, of at most `max_length` tokens, BOS included. The paper leaves 50 of
    /// 1,024 tokens for the next item, and uses 974.
    ///
    /// # Errors
    /// If `max_length` leaves no room for what must stay, or if the tokenizer treats a text after
    /// another one in a way that cannot be predicted.
    pub fn new(
        tokenizer: &Tokenizer,
        catalogue: &'a Catalogue,
        truncation: Truncation,
        max_length: usize,
    ) -> Result<Self> {
        Self::of_format(Format::Paper, tokenizer, catalogue, truncation, max_length)
    }

    /// [`Prompts::new`] of any format of texts.
    ///
    /// # Errors
    /// As [`Prompts::new`]; or if the tokenizer has no token of its own for the end of a line, which
    /// ends an item of a list.
    pub fn of_format(
        format: Format,
        tokenizer: &Tokenizer,
        catalogue: &'a Catalogue,
        truncation: Truncation,
        max_length: usize,
    ) -> Result<Self> {
        let end = Some(end(format, tokenizer)?);
        let mut prompts = Prompts::empty(format, tokenizer, catalogue, end)?;
        if format == Format::List {
            let items = catalogue.items().par_iter();
            prompts.lines = items
                .map(|item| prompts.line(item))
                .collect::<Result<_>>()?;
        }
        prompts.limited(truncation, max_length)
    }

    /// Prompts of the codes of items, whose tokens are those of `tokenizer`.
    ///
    /// # Errors
    /// As [`Prompts::new`].
    pub fn of_codes(
        codes: &CodeTokens,
        tokenizer: &Tokenizer,
        catalogue: &'a Catalogue,
        truncation: Truncation,
        max_length: usize,
    ) -> Result<Self> {
        let mut prompts = Prompts::empty(Format::SemanticIds, tokenizer, catalogue, None)?;
        let items = 0..catalogue.len() as u32;
        prompts.lines = items.map(|item| codes.of(item)).collect();
        prompts.limited(truncation, max_length)
    }

    /// Prompts without lines and without a limit.
    fn empty(
        format: Format,
        tokenizer: &Tokenizer,
        catalogue: &'a Catalogue,
        end: Option<i64>,
    ) -> Result<Self> {
        Ok(Prompts {
            format,
            end,
            shared: Vec::new(),
            instruction: tokenizer.encode_bare(format.before())?,
            next_item: tokenizer.encode_bare(format.after())?,
            lines: Vec::new(),
            tokenizer: tokenizer.clone(),
            catalogue,
            truncation: Truncation::default(),
            room: 0,
            truncated: AtomicUsize::new(0),
        })
    }

    /// The same with at most `max_length` tokens.
    fn limited(mut self, truncation: Truncation, max_length: usize) -> Result<Self> {
        self.truncation = truncation;
        self.room = max_length.saturating_sub(self.tokenizer.enclosing());
        self.shared = self.bare(&[])?;
        let (least, what) = match truncation {
            Truncation::Left => (1, "a prompt that is truncated on the left"),
            Truncation::OldestItems => {
                let parts = self.instruction.len() + self.next_item.len();
                (self.shared.len().max(parts), "the instruction alone")
            }
        };
        if self.room < least {
            return Err(Error::Usage(format!(
                "a prompt may have {max_length} tokens, but {what} has {}; allow more tokens",
                least + self.tokenizer.enclosing()
            )));
        }
        if self.format == Format::Paper {
            self.try_seams()?;
        }
        Ok(self)
    }

    /// The tokens of an item's line in a list.
    fn line(&self, item: &Item) -> Result<Vec<i64>> {
        let mut tokens = self.continuation(&item.text)?;
        if self.end.is_some_and(|end| tokens.contains(&end)) {
            return Err(Error::Usage(format!(
                "the text of item {}, `{}`, has more than one line, so that it cannot stand in a \
                 list; leave its line breaks out, or use `format = \"paper\"`",
                item.id, item.text
            )));
        }
        tokens.extend(self.end);
        Ok(tokens)
    }

    /// The tokens of the prompt of a history, whole, without those that enclose every text.
    fn bare(&self, history: &[u32]) -> Result<Vec<i64>> {
        if self.format == Format::Paper {
            return self.tokenizer.encode_bare(&self.text(history));
        }
        let mut tokens = self.instruction.clone();
        for &item in history {
            tokens.extend_from_slice(&self.lines[item as usize]);
        }
        Ok(tokens)
    }

    /// Tries items from all over the catalogue: shortens `shared` to what is the same in all, and makes
    /// sure that an item's tokens depend on no more context than [`Prompts::continuation`] gives them.
    fn try_seams(&mut self) -> Result<()> {
        let items = self.catalogue.len();
        for item in (0..items as u32).step_by(items.div_ceil(TRIED).max(1)) {
            let prompt = self.text(&[item]);
            let tokens = self.tokenizer.encode_bare(&prompt)?;
            self.shared.truncate(common(&self.shared, &tokens));
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

    /// Returns everything in prompts but purchases.
    pub(crate) fn template() -> String {
        [
            Format::Paper.before(),
            Format::Paper.after(),
            Format::List.before(),
        ]
        .concat()
    }

    /// The whole prompt of a history; the next item's text is to follow.
    pub fn text(&self, history: &[u32]) -> String {
        self.format.texts().text(self.catalogue, history)
    }

    /// The tokens of the prompt of a history, truncated. The tokens that the tokenizer puts before
    /// every text, such as BOS, are never cut off, as is so in transformers.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokens(&self, history: &[u32]) -> Result<Vec<i64>> {
        self.fit(history, |items| self.bare(items))
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
        self.fit(history, |items| {
            if let Some(line) = self.lines.get(target as usize) {
                return Ok([&self.bare(items)?[..], line].concat());
            }
            let text = self.text(items) + &self.catalogue.item(target).text;
            let mut tokens = self.tokenizer.encode_bare(&text)?;
            tokens.extend(self.end);
            Ok(tokens)
        })
    }

    /// The tokens that every prompt begins with that is not truncated on the left, BOS included.
    pub fn shared(&self) -> Vec<i64> {
        [self.tokenizer.before(), &self.shared].concat()
    }

    /// The tokens that follow those of a prompt if the text of an item follows its text.
    ///
    /// # Errors
    /// If the prompt's own tokens are others then, or if the tokenizer fails.
    pub fn continuation(&self, item_text: &str) -> Result<Vec<i64>> {
        let whole = [self.format.after(), item_text].concat();
        let tokens = self.tokenizer.encode_bare(&whole)?;
        match tokens.strip_prefix(&*self.next_item) {
            Some(tokens) => Ok(tokens.to_vec()),
            None => Err(Error::Usage(format!(
                "the tokenizer joins the beginning of `{item_text}` to the end of the prompt, so \
                 that this text cannot be written after a prompt"
            ))),
        }
    }

    /// Returns the number of histories so far that were truncated.
    pub fn truncated(&self) -> usize {
        self.truncated.load(Ordering::Relaxed)
    }

    /// The tokens of an item as the next one, its end included.
    ///
    /// # Errors
    /// As [`Prompts::continuation`].
    pub(crate) fn next(&self, item: u32) -> Result<Vec<i64>> {
        if let Some(line) = self.lines.get(item as usize) {
            return Ok(line.clone());
        }
        let mut tokens = self.continuation(&self.catalogue.item(item).text)?;
        tokens.extend(self.end);
        Ok(tokens)
    }

    /// The tokens of each item's codes; `None` of prompts of texts.
    pub(crate) fn codes(&self) -> Option<&[Vec<i64>]> {
        (self.format == Format::SemanticIds).then_some(&self.lines)
    }

    /// The catalogue.
    pub(crate) fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }

    /// The tokens that end an item of the catalogue: one for texts, none for codes.
    pub(crate) fn ends_of_items(&self) -> Vec<i64> {
        self.end.into_iter().collect()
    }

    /// The tokens that end a text that is written freely.
    pub fn ends(&self) -> Vec<i64> {
        let mut ends = self.tokenizer.eos().to_vec();
        ends.extend(self.end.filter(|end| !ends.contains(end)));
        ends
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Returns the tokens of the longest part of a history that fits.
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
        let kept = common(&self.instruction, &one);
        let cut = one.len() - self.room;
        Ok([&one[..kept], &one[kept + cut..]].concat())
    }
}

/// The token that an item's text ends with.
fn end(format: Format, tokenizer: &Tokenizer) -> Result<i64> {
    match format {
        Format::Paper => Ok(tokenizer.end_of_text()),
        Format::SemanticIds => Err(Error::Internal(
            "prompts of semantic IDs are made without their codes".to_string(),
        )),
        Format::List => match *tokenizer.encode_bare("\n")? {
            [end] => Ok(end),
            _ => Err(Error::Usage(
                "the tokenizer has no single token for the end of a line, so that `format = \
                 \"list\"` cannot be used; use `paper`"
                    .to_string(),
            )),
        },
    }
}

/// Returns the length of the common prefix of two sequences.
fn common(a: &[i64], b: &[i64]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
