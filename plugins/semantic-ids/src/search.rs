//! Beam search inside the catalogue.

use gloss_core::{Error, Result};
use gloss_decoding::{
    BeamSearch, Constraint, Decoding, EarlyStopping, Sequence, Trie, Users, decode,
};
use gloss_item_tokenizer::Codes;
use gloss_torch::torch_error;
use gloss_training::Leaves;
use tch::{Device, TchError};

use crate::decoder::BeamDecoder;
use crate::network::T5;
use crate::sequence::{Inputs, Vocabulary};

/// A network with the catalogue that it searches.
pub(crate) struct Searcher {
    network: T5,
    leaves: Leaves,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) codes: Codes,
    constraint: Constraint,
    device: Device,
    search: BeamSearch,
}

impl Searcher {
    /// # Errors
    /// If memory runs out.
    pub(crate) fn new(
        (network, leaves): (T5, Leaves),
        vocabulary: Vocabulary,
        codes: Codes,
        device: Device,
        num_beams: usize,
    ) -> Result<Self> {
        let tokens = |item: u32| vocabulary.item(&codes, item).collect();
        let paths: Vec<Vec<i64>> = (0..codes.len() as u32).map(tokens).collect();
        Ok(Searcher {
            constraint: Constraint::new(Trie::new(&paths), device)?,
            search: BeamSearch {
                beams: num_beams as i64,
                length_penalty: 0.0,
                early_stopping: EarlyStopping::Never,
                max_new_tokens: codes.levels() as i64,
                eos: Vec::new(),
            },
            network,
            leaves,
            vocabulary,
            codes,
            device,
        })
    }

    /// The best items of each input with their log-probabilities, the highest first: those of at most
    /// `num_beams` sequences of codes. Items of the same codes are in catalogue order. None is one of `hidden`, which
    /// are catalogue positions.
    pub(crate) fn search(
        &self,
        inputs: &[Vec<i64>],
        hidden: &[&[u32]],
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let blocked = hidden.iter().map(|items| match items.is_empty() {
            true => Vec::new(),
            false => self.constraint.trie().blocked(items),
        });
        let blocked: Vec<Vec<i64>> = blocked.collect();
        let decoding = Decoding::Catalogue(&self.search, &self.constraint, &blocked);
        let places: Vec<usize> = (0..inputs.len())
            .filter(|at| !decoding.excludes(*at))
            .collect();
        let mut all = vec![Vec::new(); inputs.len()];
        if places.is_empty() {
            return Ok(all);
        }
        let found = self.decode(&decoding, inputs, &places);
        let found = found.map_err(torch_error("search the catalogue"))?;
        for (place, sequences) in places.iter().zip(found) {
            all[*place] = self.items(&sequences, hidden[*place])?;
        }
        Ok(all)
    }

    fn decode(
        &self,
        decoding: &Decoding<'_>,
        inputs: &[Vec<i64>],
        places: &[usize],
    ) -> Result<Vec<Vec<Sequence>>, TchError> {
        let inputs: Vec<Vec<i64>> = places.iter().map(|at| inputs[*at].clone()).collect();
        let prompts: Vec<&[i64]> = inputs.iter().map(Vec::as_slice).collect();
        let steps = self.search.max_new_tokens;
        let read = Inputs::new(&inputs, self.device)?;
        let (mut decoder, logits) = BeamDecoder::new(&self.network, &self.leaves, &read, steps)?;
        let users = Users {
            places,
            prompts: &prompts,
        };
        decode(decoding, users, &mut decoder, logits)
    }

    fn items(&self, sequences: &[Sequence], hidden: &[u32]) -> Result<Vec<(u32, f32)>> {
        let mut items = Vec::new();
        for sequence in sequences {
            let score = sequence.log_probability;
            if !score.is_finite() {
                let message = "its scores are not finite; are the weights damaged?";
                return Err(Error::component("the network", message));
            }
            let found = self.constraint.items(&sequence.tokens, hidden);
            items.extend(found.map(|item| (item, score)));
        }
        items.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(items)
    }
}
