//! Tokens: the codes of items as the network reads and writes them.

use gloss_core::{Context, Data, Error, History, Result};
use gloss_item_tokenizer::{Codes, fnv1a};
use rand::Rng;
use rand::seq::SliceRandom;
use tch::{Device, Kind, TchError, Tensor};

use crate::merges::Merges;

/// The token that fills up, and with which the decoder begins, as in T5.
pub(crate) const PAD: i64 = 0;

/// The numbers of tokens: the padding, the codes of each level, those of users, then those that stand for several codes.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    /// The first token of each level, and the end of the last.
    starts: Vec<i64>,
    user_tokens: usize,
    max_length: usize,
    /// Without these, the codes of an item are read in their order.
    merges: Option<Merges>,
}

impl Vocabulary {
    pub(crate) fn new(codes: &Codes, user_tokens: usize, max_length: usize) -> Self {
        let mut starts = vec![PAD + 1];
        for size in &codes.sizes {
            starts.push(starts[starts.len() - 1] + *size as i64);
        }
        Vocabulary {
            starts,
            user_tokens,
            max_length,
            merges: None,
        }
    }

    /// The same with tokens for several codes.
    pub(crate) fn with_merges(self, merges: Merges) -> Self {
        Vocabulary {
            merges: Some(merges),
            ..self
        }
    }

    /// Learns tokens for several codes from the users' items in the training examples, so that there are `size` tokens.
    pub(crate) fn learned(
        self,
        size: usize,
        codes: &Codes,
        data: &Data,
        context: &Context,
    ) -> Result<Self> {
        let tokens = |item: &u32| self.item(codes, *item).map(|token| token as u32).collect();
        let user = |example: &gloss_core::Example| {
            let history = data.histories.history(example.user);
            let end = (example.history + example.targets) as usize;
            history.items[..end].iter().map(tokens).collect()
        };
        let users = data.splits.train.iter().map(user);
        let first = self.len() as usize;
        let Some(count) = size.checked_sub(first) else {
            return Err(Error::Usage(format!(
                "`vocabulary_size` is {size}, and single codes have {first} tokens already; give more, or fewer \
                 codes by `tokenizer.levels`, `tokenizer.codebook_size` or `tokenizer.hash_buckets`"
            )));
        };
        let merges = Merges::learn(users, first as u32, count, context)?;
        if merges.len() < count {
            let learned = first + merges.len();
            tracing::warn!(
                "the vocabulary has {learned} tokens, not {size}: the users' items have no more pairs of codes"
            );
        }
        Ok(self.with_merges(merges))
    }

    /// The tokens for several codes, if there are such.
    pub(crate) fn merges(&self) -> Option<&Merges> {
        self.merges.as_ref()
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> i64 {
        let merges = self.merges.as_ref().map_or(0, Merges::len);
        self.starts[self.starts.len() - 1] + (self.user_tokens + merges) as i64
    }

    pub(crate) fn token(&self, level: usize, code: u16) -> i64 {
        self.starts[level] + i64::from(code)
    }

    /// The tokens of an item's codes.
    pub(crate) fn item<'a>(
        &'a self,
        codes: &'a Codes,
        item: u32,
    ) -> impl Iterator<Item = i64> + 'a {
        let codes = codes.of(item).iter().enumerate();
        codes.map(|(level, code)| self.token(level, *code))
    }

    /// The encoder's input: the user's token, if there are such, and the codes of the last items. Where there are tokens
    /// for several codes, those of each item are put in random order first.
    pub(crate) fn input(
        &self,
        codes: &Codes,
        user: &str,
        items: &[u32],
        random: &mut impl Rng,
    ) -> Vec<i64> {
        let last = &items[items.len().saturating_sub(self.max_length)..];
        let user = (self.user_tokens > 0).then(|| {
            let share = fnv1a(user) % self.user_tokens as u64;
            self.starts[self.starts.len() - 1] + share as i64
        });
        let Some(merges) = &self.merges else {
            let items = last.iter().flat_map(|item| self.item(codes, *item));
            return user.into_iter().chain(items).collect();
        };
        let mut tokens: Vec<u32> = Vec::with_capacity(last.len() * codes.levels());
        for item in last {
            let start = tokens.len();
            tokens.extend(self.item(codes, *item).map(|token| token as u32));
            tokens[start..].shuffle(random);
        }
        let merged = merges.merge(tokens).into_iter().map(i64::from);
        user.into_iter().chain(merged).collect()
    }
}

/// An example: a user's items, oldest first, and the item that follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) user: &'a str,
    pub(crate) items: &'a [u32],
    pub(crate) next: u32,
}

/// Every item of the training examples but a user's first one, with those before it.
pub(crate) fn training_pairs(data: &Data) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    for example in &data.splits.train {
        let history = data.histories.context(*example);
        let all: Vec<u32> = [history.items, data.histories.targets(*example)].concat();
        let first_target = history.items.len();
        pairs.extend((1..first_target).map(|end| Pair {
            user: history.user,
            items: &history.items[..end],
            next: history.items[end],
        }));
        if let (true, Some(next)) = (first_target > 0, all.get(first_target)) {
            pairs.push(Pair {
                user: history.user,
                items: history.items,
                next: *next,
            });
        }
    }
    pairs
}

/// The first target of every validation example.
pub(crate) fn validation_pairs(data: &Data) -> Vec<Pair<'_>> {
    let pair = |example: &gloss_core::Example| {
        let History { user, items, .. } = data.histories.context(*example);
        let next = *data.histories.targets(*example).first()?;
        (!items.is_empty()).then_some(Pair { user, items, next })
    };
    data.splits.validation.iter().filter_map(pair).collect()
}

/// Inputs of one length, those that are shorter filled up at their ends.
pub(crate) struct Inputs {
    /// `[batch, length]`
    pub(crate) tokens: Tensor,
    /// `[batch, 1, 1, length]`: 0, or −∞ where there is no token.
    pub(crate) mask: Tensor,
}

impl Inputs {
    pub(crate) fn new(rows: &[Vec<i64>], device: Device) -> Result<Self, TchError> {
        let length = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let padded = rows.iter().flat_map(|row| {
            let padding = std::iter::repeat_n(PAD, length - row.len());
            row.iter().copied().chain(padding)
        });
        let tokens: Vec<i64> = padded.collect();
        let shape = [rows.len() as i64, length as i64];
        let tokens = Tensor::f_from_slice(&tokens)?
            .f_view(shape)?
            .f_to_device(device)?;
        let mask = Tensor::f_zeros([shape[0], 1, 1, shape[1]], (Kind::Float, device))?
            .f_masked_fill(
                &tokens.f_eq(PAD)?.f_view([shape[0], 1, 1, shape[1]])?,
                f64::NEG_INFINITY,
            )?;
        Ok(Inputs { tokens, mask })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_levels_then_of_users() {
        let codes = Codes::of_levels(&[(vec![1, 0], 4), (vec![2, 0], 3)]);
        let vocabulary = Vocabulary::new(&codes, 5, 2);
        assert_eq!(
            (vocabulary.len(), vocabulary.token(1, 0)),
            (1 + 4 + 3 + 5, 5)
        );
        let mut random = gloss_training::random_stream(1, 1);
        let input = vocabulary.input(&codes, "anna", &[1, 0, 1], &mut random);
        assert_eq!(input[1..], [2, 7, 1, 5]);
        assert!((8..13).contains(&input[0]));
        let inputs = Inputs::new(&[vec![1, 2], vec![3]], Device::Cpu).unwrap();
        assert_eq!(
            Vec::<i64>::try_from(inputs.tokens.view([-1])).unwrap(),
            [1, 2, 3, 0]
        );
    }
}
