//! The loop of decoding, for any network: it steps, drops users who are done, and collects texts.

use tch::{Device, Kind, TchError, Tensor};

use crate::beam::{BeamSearch, Search, Sequence};
use crate::constraint::Constraint;
use crate::continuation::Source;
use crate::sample::{Sampler, Sampling};

/// Steps between looks at who is done, where looking makes the host wait for the device.
const STEPS_BETWEEN_LOOKS: i64 = 8;

/// A batch is made smaller once this share of its users, or fewer, is still at work.
const SHRINK_AT: f64 = 0.75;

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

/// A network that has read a batch of inputs, with its cache of keys and values.
pub trait Decoder {
    /// Continues each beam with its token of `tokens` `[users, beams]`, as a child of the beam in
    /// `parents` `[users, beams]`; of the input at first. Returns the logits after that, `[users × beams, vocabulary]`.
    ///
    /// # Errors
    /// If libtorch fails.
    fn advance(&mut self, parents: &Tensor, tokens: &Tensor) -> Result<Tensor, TchError>;

    /// Goes on with the users at `positions` `[n]` alone.
    ///
    /// # Errors
    /// If libtorch fails.
    fn select(&mut self, positions: &Tensor) -> Result<(), TchError>;
}

/// The users of a batch: their places in what a [`Decoding`] has for all users, and their inputs.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    /// The place of each.
    pub places: &'a [usize],
    /// The tokens that each one's texts follow.
    pub prompts: &'a [&'a [i64]],
}

/// The decoding state of a batch.
enum DecodeState<'a> {
    Search(Search<'a>, Source<'a>),
    Sampling(Sampling<'a>),
}

/// Decodes a batch: the texts of each of `users`, the best first. `logits` `[users, vocabulary]` are those after their
/// inputs, which `decoder` has read.
///
/// # Errors
/// If libtorch fails.
pub fn decode(
    decoding: &Decoding<'_>,
    users: Users<'_>,
    decoder: &mut impl Decoder,
    mut logits: Tensor,
) -> Result<Vec<Vec<Sequence>>, TchError> {
    let device = logits.device();
    let (_, steps) = decoding.shape();
    let mut batch = Batch {
        work: decoding.begin(users, device)?,
        users: (0..users.places.len()).collect(),
        texts: vec![Vec::new(); users.places.len()],
    };
    for step in 1..=steps {
        let mut next = batch.work.step(&logits)?;
        if step == steps {
            break;
        }
        let looks = !device.is_cuda() || step % STEPS_BETWEEN_LOOKS == 0;
        if looks && !batch.shrink(decoder, &mut next)? {
            break;
        }
        logits = decoder.advance(&next.0, &next.1)?;
    }
    let rest: Vec<i64> = (0..batch.users.len() as i64).collect();
    batch.collect(&rest)?;
    Ok(batch.texts)
}

/// The users who are at work, and the texts of those who are done.
struct Batch<'a> {
    work: DecodeState<'a>,
    /// The users at work, as places in `texts`.
    users: Vec<usize>,
    texts: Vec<Vec<Sequence>>,
}

impl Batch<'_> {
    /// Drops finished users, if there are enough of them; returns whether any user is unfinished.
    fn shrink(
        &mut self,
        decoder: &mut impl Decoder,
        next: &mut (Tensor, Tensor),
    ) -> Result<bool, TchError> {
        let active = self.work.active()?;
        let device = active.device();
        let active: Vec<i64> = Vec::try_from(&active.f_to_kind(Kind::Int64)?)?;
        let (at_work, done): (Vec<i64>, Vec<i64>) =
            (0..active.len() as i64).partition(|&user| active[user as usize] != 0);
        if at_work.len() as f64 > SHRINK_AT * active.len() as f64 || at_work.is_empty() {
            return Ok(!at_work.is_empty());
        }
        self.collect(&done)?;
        let positions = Tensor::f_from_slice(&at_work)?.f_to_device(device)?;
        self.work.select(&positions)?;
        decoder.select(&positions)?;
        next.0 = next.0.f_index_select(0, &positions)?;
        next.1 = next.1.f_index_select(0, &positions)?;
        let kept = at_work.iter().map(|&user| self.users[user as usize]);
        self.users = kept.collect();
        Ok(true)
    }

    /// Puts the texts of the users at `positions` where they belong.
    fn collect(&mut self, positions: &[i64]) -> Result<(), TchError> {
        for (position, sequences) in positions.iter().zip(self.work.finished(positions)?) {
            self.texts[self.users[*position as usize]] = sequences;
        }
        Ok(())
    }
}

impl Decoding<'_> {
    /// Texts at work of a user, and the most tokens of each.
    pub fn shape(&self) -> (i64, i64) {
        match self {
            Decoding::BeamSearch(search) | Decoding::Catalogue(search, ..) => {
                (search.beams, search.max_new_tokens)
            }
            Decoding::Sample(sampler) => (sampler.sequences, sampler.max_new_tokens),
        }
    }

    /// Returns `true` if no item is left for `user`: the root of the trie is blocked.
    pub fn excludes(&self, user: usize) -> bool {
        match self {
            Decoding::Catalogue(_, _, blocked) => blocked[user].first() == Some(&0),
            _ => false,
        }
    }

    fn begin<'b>(&'b self, users: Users<'_>, device: Device) -> Result<DecodeState<'b>, TchError> {
        let count = users.places.len() as i64;
        Ok(match self {
            Decoding::BeamSearch(search) => {
                DecodeState::Search(Search::new(search, count, device)?, Source::Vocabulary)
            }
            Decoding::Catalogue(search, constraint, blocked) => {
                let blocked: Vec<_> = users.places.iter().map(|&at| blocked[at].clone()).collect();
                let walk = constraint.walk(&blocked)?;
                let search = Search::new(search, count, device)?;
                DecodeState::Search(search, Source::Catalogue(walk))
            }
            Decoding::Sample(sampler) => {
                DecodeState::Sampling(Sampling::new(sampler, users.prompts, device)?)
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
