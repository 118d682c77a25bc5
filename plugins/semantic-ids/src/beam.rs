//! Beam search inside the catalogue.

use gloss_core::Result;
use gloss_torch::torch_error;
use gloss_training::{Leaves, Pass};
use tch::{Device, Kind, TchError, Tensor};

use crate::network::T5;
use crate::sequence::{Inputs, PAD, Vocabulary};
use crate::trie::{Node, Trie, is_exhausted};

/// A network with the catalogue that it searches.
pub(crate) struct Searcher {
    pub(crate) network: T5,
    pub(crate) leaves: Leaves,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) trie: Trie,
    pub(crate) device: Device,
    pub(crate) num_beams: usize,
}

/// The codes that were written, as tokens, their node and the sum of their log-probabilities.
#[derive(Clone)]
struct Beam {
    tokens: Vec<i64>,
    node: Node,
    score: f32,
}

impl Searcher {
    /// The best items of each input with their log-probabilities, the highest first: those of at most
    /// `num_beams` sequences of codes. Equal scores are in the order of codes; items of the same codes in catalogue
    /// order. No beam ends in items at `hidden` alone, places in the tree that ascend.
    pub(crate) fn search(
        &self,
        inputs: &[Vec<i64>],
        hidden: &[Vec<usize>],
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let failed = || torch_error("search the catalogue");
        let inputs = Inputs::new(inputs, self.device).map_err(failed())?;
        let encoded = self
            .network
            .encode(&self.leaves, &inputs, Pass::Evaluation)
            .map_err(failed())?;
        let root = Beam {
            tokens: vec![PAD],
            node: self.trie.root(),
            score: 0.0,
        };
        let mut beams = vec![vec![root]; hidden.len()];
        for level in 0..self.trie.codes().levels() {
            let read = self.read(&beams).map_err(failed())?;
            let logits = self
                .network
                .decode(&self.leaves, &encoded, &read, Pass::Evaluation);
            let scores = logits
                .and_then(|logits| self.scores(&logits, level))
                .map_err(failed())?;
            let width = self.vocabulary.level(level).count();
            let most = read.size()[1] as usize;
            for (row, (beams, hidden)) in beams.iter_mut().zip(hidden).enumerate() {
                let scores = &scores[row * most * width..][..most * width];
                *beams = self.extended(beams, scores, level, hidden);
            }
        }
        Ok(beams
            .into_iter()
            .zip(hidden)
            .map(|(beams, hidden)| self.items(&beams, hidden))
            .collect())
    }

    /// The tokens of all beams, `[batch, beams, length]`; rows with fewer are filled up.
    fn read(&self, beams: &[Vec<Beam>]) -> Result<Tensor, TchError> {
        let most = beams.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let length = beams
            .iter()
            .flatten()
            .next()
            .map_or(1, |beam| beam.tokens.len());
        let mut tokens = Vec::with_capacity(beams.len() * most * length);
        for row in beams {
            tokens.extend(row.iter().flat_map(|beam| &beam.tokens));
            tokens.extend(std::iter::repeat_n(PAD, (most - row.len()) * length));
        }
        Tensor::f_from_slice(&tokens)?
            .f_view([beams.len() as i64, most as i64, length as i64])?
            .f_to_device(self.device)
    }

    /// The log-probabilities of the next level's codes after each beam, among all tokens.
    fn scores(&self, logits: &Tensor, level: usize) -> Result<Vec<f32>, TchError> {
        let tokens = self.vocabulary.level(level);
        let scores = logits
            .f_select(2, -1)?
            .f_log_softmax(-1, Kind::Float)?
            .f_narrow(2, tokens.start, tokens.end - tokens.start)?;
        Vec::try_from(
            scores
                .f_to_device(Device::Cpu)?
                .f_contiguous()?
                .f_view([-1])?,
        )
    }

    /// The best continuations of a row's beams.
    fn extended(
        &self,
        beams: &[Beam],
        scores: &[f32],
        level: usize,
        hidden: &[usize],
    ) -> Vec<Beam> {
        let width = self.vocabulary.level(level).count();
        let mut candidates: Vec<(f32, usize, u16, Node)> = Vec::new();
        for (at, beam) in beams.iter().enumerate() {
            let own = &scores[at * width..][..width];
            for (code, node) in self.trie.children(&beam.node, level) {
                if !is_exhausted(&node, hidden) {
                    candidates.push((beam.score + own[usize::from(code)], at, code, node));
                }
            }
        }
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.3.start.cmp(&b.3.start)));
        candidates.truncate(self.num_beams);
        let extend = |(score, at, code, node): (f32, usize, u16, Node)| Beam {
            tokens: [&beams[at].tokens[..], &[self.vocabulary.token(level, code)]].concat(),
            node,
            score,
        };
        candidates.into_iter().map(extend).collect()
    }

    fn items(&self, beams: &[Beam], hidden: &[usize]) -> Vec<(u32, f32)> {
        let of_beam = |beam: &Beam| {
            let places = beam.node.clone().zip(self.trie.items(&beam.node));
            let shown = places.filter(|(place, _)| hidden.binary_search(place).is_err());
            shown
                .map(|(_, item)| (*item, beam.score))
                .collect::<Vec<_>>()
        };
        let mut items: Vec<(u32, f32)> = beams.iter().flat_map(of_beam).collect();
        items.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        items
    }
}
