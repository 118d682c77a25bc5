//! The continuations of beams: any token, or those that lead to an item of the catalogue.

use tch::{Kind, TchError, Tensor};

use crate::candidates::{Candidates, best};
use crate::constraint::TrieCursor;

/// The source of candidates.
pub(crate) enum Source<'a> {
    /// All tokens.
    Vocabulary,
    /// The trie of the catalogue.
    Catalogue(TrieCursor<'a>),
}

impl Source<'_> {
    /// The `kept` best ways to go on from beams with `scores` [users, beams], after which the model
    /// gives `logits` [users × beams, vocabulary].
    pub(crate) fn candidates(
        &self,
        logits: &Tensor,
        scores: &Tensor,
        kept: i64,
    ) -> Result<Candidates, TchError> {
        let log_probabilities = logits.f_log_softmax(-1, Kind::Float)?;
        match self {
            Source::Vocabulary => of_all(&log_probabilities, scores, kept),
            Source::Catalogue(walk) => walk.candidates(&log_probabilities, scores, kept),
        }
    }

    /// Goes on with the candidates `best` [users, beams].
    pub(crate) fn go_on(&mut self, from: &Candidates, best: &Tensor) -> Result<(), TchError> {
        if let (Source::Catalogue(walk), Some(nodes)) = (self, &from.nodes) {
            walk.go_on(nodes.f_gather(1, best, false)?);
        }
        Ok(())
    }

    /// Goes on with the users at `positions` [n] alone.
    pub(crate) fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        match self {
            Source::Vocabulary => Ok(()),
            Source::Catalogue(walk) => walk.select(positions),
        }
    }
}

/// The best of each beam first, then the best of those: the whole vocabulary is looked through once.
fn of_all(log_probabilities: &Tensor, scores: &Tensor, kept: i64) -> Result<Candidates, TchError> {
    let (users, beams) = scores.size2()?;
    let each = kept.min(log_probabilities.size2()?.1);
    let (values, tokens) = log_probabilities.f_topk(each, 1, true, true)?;
    let values = values
        .f_view([users, beams, each])?
        .f_add(&scores.f_unsqueeze(2)?)?;
    let (scores, at) = best(&values.f_view([users, beams * each])?, kept)?;
    let tokens = tokens.f_view([users, beams * each])?;
    Ok(Candidates {
        scores,
        parents: at.f_floor_divide_scalar(each)?,
        tokens: tokens.f_gather(1, &at, false)?,
        nodes: None,
    })
}
