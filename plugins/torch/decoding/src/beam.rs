//! Beam search, as Hugging Face's transformers defines it.
//!
//! A step takes the best `(1 + number of EOS tokens) × beams` continuations, at least twice the
//! beams. Those among the first `beams` that end are finished; the best of those that do not end go
//! on. A finished text's score is its log-probability divided by its length, EOS included, to the
//! power of the length penalty. The state is on the device: nothing is waited for but now and then
//! the number of users who are done.

use tch::{Device, Kind, TchError, Tensor};

use crate::candidates::Candidates;
use crate::continuation::Source;

/// When a user's search ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlyStopping {
    /// Once the best beam at work, at its present length, is worse than the worst finished text.
    #[default]
    Heuristic,
    /// Once there are as many finished texts as beams.
    Full,
    /// As `Heuristic`, but at the length that is best for the beam: the largest, if the length
    /// penalty is positive.
    Never,
}

/// The settings of a beam search.
#[derive(Debug, Clone, PartialEq)]
pub struct BeamSearch {
    /// Beams of a user.
    pub beams: i64,
    /// The power of the length that divides a finished text's log-probability.
    pub length_penalty: f64,
    /// When a user's search ends.
    pub early_stopping: EarlyStopping,
    /// The most tokens of a text, EOS included.
    pub max_new_tokens: i64,
    /// The tokens that end a text.
    pub eos: Vec<i64>,
}

/// A text that was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Its tokens, with the EOS that ended it, if one did.
    pub tokens: Vec<i64>,
    /// The log-probability divided by the length to the power of the length penalty.
    pub score: f32,
    /// The natural logarithm of the text's probability.
    pub log_probability: f32,
}

impl Sequence {
    /// In the place of a user's texts if the model's logits were not finite.
    fn broken() -> Self {
        Sequence {
            tokens: Vec::new(),
            score: f32::NAN,
            log_probability: f32::NAN,
        }
    }
}

/// The score of what does not exist.
const NOTHING: f64 = -1e9;

impl BeamSearch {
    /// The settings as they are used: a single beam is greedy, so that its first text is its last.
    fn early_stopping(&self) -> EarlyStopping {
        match self.beams {
            1 => EarlyStopping::Full,
            _ => self.early_stopping,
        }
    }

    /// Returns the number of continuations that a step considers.
    pub(crate) fn kept(&self) -> i64 {
        (1 + self.eos.len() as i64).max(2) * self.beams
    }

    fn penalty(&self, length: i64) -> f64 {
        (length as f64).powf(self.length_penalty)
    }
}

/// The search of a batch of users; all tensors begin with the users.
pub(crate) struct Search<'a> {
    settings: &'a BeamSearch,
    eos: Tensor,
    /// The beams at work: scores [users, beams], tokens [users, beams, tokens].
    scores: Tensor,
    tokens: Tensor,
    finished: Finished,
    /// True if a beam at work may still displace a finished text, [users].
    improvable: Tensor,
    /// True if the model's logits were not finite, [users].
    broken: Tensor,
    steps: i64,
}

/// The best texts so far.
struct Finished {
    /// [users, beams]
    scores: Tensor,
    log_probabilities: Tensor,
    /// True if the place is taken, [users, beams].
    taken: Tensor,
    /// [users, beams, tokens], -1 behind the end.
    tokens: Tensor,
}

/// The beams that go on: from which they come, with which token.
pub(crate) struct Next {
    pub(crate) parents: Tensor,
    pub(crate) tokens: Tensor,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        settings: &'a BeamSearch,
        users: i64,
        device: Device,
    ) -> Result<Self, TchError> {
        let size = [users, settings.beams];
        let nothing = || Tensor::f_full(size, NOTHING, (Kind::Float, device));
        let tokens = || {
            let size = [users, settings.beams, settings.max_new_tokens];
            Tensor::f_full(size, -1, (Kind::Int64, device))
        };
        Ok(Search {
            eos: Tensor::f_from_slice(&settings.eos)?.f_to_device(device)?,
            scores: Tensor::f_zeros([users, 1], (Kind::Float, device))?,
            tokens: tokens()?.f_narrow(1, 0, 1)?,
            finished: Finished {
                scores: nothing()?,
                log_probabilities: nothing()?,
                taken: Tensor::f_zeros(size, (Kind::Bool, device))?,
                tokens: tokens()?,
            },
            improvable: Tensor::f_ones([users], (Kind::Bool, device))?,
            broken: Tensor::f_zeros([users], (Kind::Bool, device))?,
            steps: 0,
            settings,
        })
    }

    /// Takes the logits [users × beams at work, vocabulary] after the beams at work.
    pub(crate) fn step(
        &mut self,
        logits: &Tensor,
        source: &mut Source<'_>,
    ) -> Result<Next, TchError> {
        let kept = self.settings.kept();
        let candidates = source.candidates(logits, &self.scores, kept)?;
        let last = self.steps + 1 == self.settings.max_new_tokens;
        // One logit that is not finite makes all log-probabilities of its row NaN.
        let broken = candidates.scores.f_isnan()?.f_any_dim(1, false)?;
        self.broken = self.broken.f_logical_or(&broken)?;
        let real = candidates.scores.f_gt(NOTHING / 10.0)?;
        let ends = match last {
            true => real,
            false => self.ends(&candidates.tokens)?.f_logical_and(&real)?,
        };
        let tokens = self.continued(&candidates)?;
        self.finish(&candidates, &ends, &tokens)?;
        let next = self.go_on(&candidates, &ends, &tokens, source)?;
        self.steps += 1;
        self.settle()?;
        Ok(next)
    }

    fn ends(&self, tokens: &Tensor) -> Result<Tensor, TchError> {
        Tensor::f_isin(tokens, &self.eos, false, false)
    }

    /// The tokens of all candidates, [users, kept, tokens].
    fn continued(&self, candidates: &Candidates) -> Result<Tensor, TchError> {
        let tokens = gather_rows(&self.tokens, &candidates.parents)?;
        let mut new = tokens.f_select(2, self.steps)?;
        new.f_copy_(&candidates.tokens)?;
        Ok(tokens)
    }

    /// Puts the candidates that end among the finished texts, if they are good enough.
    fn finish(
        &mut self,
        candidates: &Candidates,
        ends: &Tensor,
        tokens: &Tensor,
    ) -> Result<(), TchError> {
        let beams = self.settings.beams;
        let device = ends.device();
        let first = Tensor::f_arange(self.settings.kept(), (Kind::Int64, device))?.f_lt(beams)?;
        let mut open = self.improvable.f_unsqueeze(1)?;
        if self.settings.early_stopping() == EarlyStopping::Full {
            let full = self.finished.taken.f_all_dim(1, true)?;
            open = open.f_logical_and(&full.f_logical_not()?)?;
        }
        let new = ends.f_logical_and(&first)?.f_logical_and(&open)?;
        let scores = candidates
            .scores
            .f_div_scalar(self.settings.penalty(self.steps + 1))?;
        let scores = scores.f_masked_fill(&new.f_logical_not()?, NOTHING)?;
        let all = Finished {
            scores: Tensor::f_cat(&[&self.finished.scores, &scores], 1)?,
            log_probabilities: Tensor::f_cat(
                &[&self.finished.log_probabilities, &candidates.scores],
                1,
            )?,
            taken: Tensor::f_cat(&[&self.finished.taken, &new], 1)?,
            tokens: Tensor::f_cat(&[&self.finished.tokens, tokens], 1)?,
        };
        let (scores, best) = all.scores.f_topk(beams, 1, true, true)?;
        self.finished = Finished {
            scores,
            log_probabilities: all.log_probabilities.f_gather(1, &best, false)?,
            taken: all.taken.f_gather(1, &best, false)?,
            tokens: gather_rows(&all.tokens, &best)?,
        };
        Ok(())
    }

    /// Makes the best candidates that do not end the beams at work.
    fn go_on(
        &mut self,
        candidates: &Candidates,
        ends: &Tensor,
        tokens: &Tensor,
        source: &mut Source<'_>,
    ) -> Result<Next, TchError> {
        let open = candidates.scores.f_masked_fill(ends, NOTHING)?;
        let (scores, best) = open.f_topk(self.settings.beams, 1, true, true)?;
        self.scores = scores;
        self.tokens = gather_rows(tokens, &best)?;
        source.go_on(candidates, &best)?;
        Ok(Next {
            parents: candidates.parents.f_gather(1, &best, false)?,
            tokens: candidates.tokens.f_gather(1, &best, false)?,
        })
    }

    /// Finds whose search may still improve.
    fn settle(&mut self) -> Result<(), TchError> {
        let settings = self.settings;
        let longest = match settings.early_stopping() {
            EarlyStopping::Never if settings.length_penalty > 0.0 => settings.max_new_tokens,
            _ => self.steps,
        };
        let best = self
            .scores
            .f_select(1, 0)?
            .f_div_scalar(settings.penalty(longest))?;
        let worst = self
            .finished
            .scores
            .f_masked_fill(&self.finished.taken.f_logical_not()?, NOTHING)?
            .f_amin([1], false)?;
        self.improvable = self.improvable.f_logical_and(&best.f_gt_tensor(&worst)?)?;
        Ok(())
    }

    /// Whose search is not over, [users].
    pub(crate) fn active(&self) -> Result<Tensor, TchError> {
        match self.settings.early_stopping() {
            EarlyStopping::Full => {
                let full = self.finished.taken.f_all_dim(1, false)?;
                self.improvable.f_logical_and(&full.f_logical_not()?)
            }
            _ => Ok(self.improvable.shallow_clone()),
        }
    }

    /// The device of the state.
    pub(crate) fn device(&self) -> Device {
        self.scores.device()
    }

    /// Goes on with the users at `positions` [n] alone.
    pub(crate) fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        let finished = &mut self.finished;
        for tensor in [
            &mut self.scores,
            &mut self.tokens,
            &mut self.improvable,
            &mut self.broken,
            &mut finished.scores,
            &mut finished.log_probabilities,
            &mut finished.taken,
            &mut finished.tokens,
        ] {
            *tensor = tensor.f_index_select(0, positions)?;
        }
        Ok(())
    }

    /// The finished texts of the users at `positions` [n], best first. A user whose logits were not
    /// finite has one text without tokens, with the log-probability NaN.
    pub(crate) fn finished(&self, positions: &Tensor) -> Result<Vec<Vec<Sequence>>, TchError> {
        let of = |tensor: &Tensor, kind| tensor.f_index_select(0, positions)?.f_to_kind(kind);
        let finished = &self.finished;
        let scores: Vec<Vec<f32>> = Vec::try_from(of(&finished.scores, Kind::Float)?)?;
        let log_probabilities: Vec<Vec<f32>> =
            Vec::try_from(of(&finished.log_probabilities, Kind::Float)?)?;
        let taken: Vec<Vec<i64>> = Vec::try_from(of(&finished.taken, Kind::Int64)?)?;
        let tokens: Vec<Vec<Vec<i64>>> = Vec::try_from(of(&finished.tokens, Kind::Int64)?)?;
        let broken: Vec<i64> = Vec::try_from(of(&self.broken, Kind::Int64)?)?;
        let users = scores
            .into_iter()
            .zip(log_probabilities)
            .zip(taken)
            .zip(tokens)
            .zip(broken);
        Ok(users
            .map(|((((scores, log_probabilities), taken), tokens), broken)| {
                if broken != 0 {
                    return vec![Sequence::broken()];
                }
                let beams = scores
                    .into_iter()
                    .zip(log_probabilities)
                    .zip(taken)
                    .zip(tokens);
                beams
                    .filter(|((_, taken), _)| *taken != 0)
                    .map(|(((score, log_probability), _), tokens)| Sequence {
                        tokens: tokens.into_iter().take_while(|token| *token >= 0).collect(),
                        score,
                        log_probability,
                    })
                    .collect()
            })
            .collect())
    }
}

/// For each user the rows `which` [users, n] of `rows` [users, m, width].
fn gather_rows(rows: &Tensor, which: &Tensor) -> Result<Tensor, TchError> {
    let (users, count) = which.size2()?;
    let width = rows.size3()?.2;
    let which = which
        .f_unsqueeze(2)?
        .f_expand([users, count, width], false)?;
    rows.f_gather(1, &which, false)
}
