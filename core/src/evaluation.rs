//! Rankings with the grades of their items, in the form in which metrics read them.

use crate::{Catalogue, Error, Ragged, Result};

/// The gains of one user's ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct UserGains<'a> {
    /// The grade of the item at each rank, best rank first; 0 for an irrelevant one.
    pub gains: &'a [f32],
    /// The grades of all relevant items (each above 0), highest first, ranked or not.
    pub ideal: &'a [f32],
    /// The ranks, from 0, of items that were judged irrelevant, by the grade 0. All other items of gain 0
    /// were not judged; so trec_eval takes grades below 0.
    pub irrelevant_ranks: &'a [u32],
    /// The number of items that were judged irrelevant, ranked or not.
    pub irrelevant: usize,
}

/// The result of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// A value per user, in the evaluation's order; the metric is their mean.
    PerUser(Vec<f64>),
    /// One value over all users together.
    Overall(f64),
}

impl Scores {
    /// The mean over users (0 if there are none), or the overall value.
    pub fn value(&self) -> f64 {
        match self {
            Scores::PerUser(values) if values.is_empty() => 0.0,
            Scores::PerUser(values) => values.iter().sum::<f64>() / values.len() as f64,
            Scores::Overall(value) => *value,
        }
    }
}

/// All users' rankings and relevant items, from which metrics are computed.
#[derive(Debug, Clone)]
pub struct Evaluation<'a> {
    rankings: &'a Ragged<u32>,
    gains: Ragged<f32>,
    ideal: Ragged<f32>,
    irrelevant: Irrelevant,
    catalogue: Option<&'a Catalogue>,
    training_counts: Option<&'a [u64]>,
}

/// Items that were judged irrelevant, of which recommendation data have none as a rule. Lists
/// of users end with the last user who has one.
#[derive(Debug, Clone, Default)]
struct Irrelevant {
    ranks: Ragged<u32>,
    counts: Vec<usize>,
}

impl Irrelevant {
    /// Sets those of the user `user`, of whom some were judged irrelevant.
    fn set(&mut self, user: usize, ranking: &[u32], graded: &[(u32, f32)]) {
        while self.counts.len() < user {
            self.ranks.push([]);
            self.counts.push(0);
        }
        let is_irrelevant = |item: &u32| {
            let found = graded.binary_search_by_key(item, |(item, _)| *item);
            found.is_ok_and(|at| graded[at].1 == 0.0)
        };
        let ranked = (0..).zip(ranking).filter(|(_, item)| is_irrelevant(item));
        self.ranks.push(ranked.map(|(rank, _)| rank));
        self.counts
            .push(graded.iter().filter(|(_, grade)| *grade == 0.0).count());
    }

    fn get(&self, user: usize) -> (&[u32], usize) {
        match self.counts.get(user) {
            Some(count) => (self.ranks.get(user), *count),
            None => (&[], 0),
        }
    }
}

impl<'a> Evaluation<'a> {
    /// Looks up the grades of `rankings` (each user's catalogue positions, best first, no item
    /// twice) in `relevant` (the same users' relevant items with their grades; grades of 0 or less
    /// are irrelevant, an item graded twice has its last grade).
    ///
    /// # Errors
    /// [`Error::Internal`] if there are not as many rankings as lists of relevant items.
    pub fn new(rankings: &'a Ragged<u32>, relevant: &Ragged<(u32, f32)>) -> Result<Self> {
        if rankings.len() != relevant.len() {
            return Err(Error::Internal(format!(
                "{} rankings for {} users",
                rankings.len(),
                relevant.len()
            )));
        }
        let mut gains = Ragged::with_capacity(rankings.len(), rankings.values().len());
        let mut ideal = Ragged::with_capacity(rankings.len(), relevant.values().len());
        let mut graded = Vec::new();
        let mut irrelevant = Irrelevant::default();
        for (user, (ranking, relevant)) in rankings.iter().zip(relevant.iter()).enumerate() {
            let judged = relevant.iter().any(|(_, grade)| *grade <= 0.0);
            match relevant {
                [only] if !judged => grade_only(ranking, *only, &mut gains, &mut ideal),
                _ => grade(ranking, relevant, &mut graded, &mut gains, &mut ideal),
            }
            if judged {
                irrelevant.set(user, ranking, &graded);
            }
        }
        Ok(Evaluation {
            rankings,
            gains,
            ideal,
            irrelevant,
            catalogue: None,
            training_counts: None,
        })
    }

    /// Adds what metrics beyond accuracy need: the catalogue, and how often each item occurs in
    /// the training examples (see [`Data::training_counts`](crate::Data::training_counts)).
    pub fn with_catalogue(mut self, catalogue: &'a Catalogue, training_counts: &'a [u64]) -> Self {
        self.catalogue = Some(catalogue);
        self.training_counts = Some(training_counts);
        self
    }

    /// The number of users.
    pub fn users(&self) -> usize {
        self.rankings.len()
    }

    /// The gains of each user, in order.
    pub fn user_gains(&self) -> impl ExactSizeIterator<Item = UserGains<'_>> {
        let users = self.gains.iter().zip(self.ideal.iter()).enumerate();
        users.map(|(user, (gains, ideal))| {
            let (irrelevant_ranks, irrelevant) = self.irrelevant.get(user);
            UserGains {
                gains,
                ideal,
                irrelevant_ranks,
                irrelevant,
            }
        })
    }

    /// Computes a value per user from the gains alone.
    pub fn per_user(&self, value: impl Fn(UserGains<'_>) -> f64) -> Scores {
        Scores::PerUser(self.user_gains().map(value).collect())
    }

    /// The rankings themselves, as catalogue positions.
    pub fn rankings(&self) -> &Ragged<u32> {
        self.rankings
    }

    /// The catalogue, if there is one (there is none when a TREC file is evaluated).
    pub fn catalogue(&self) -> Option<&'a Catalogue> {
        self.catalogue
    }

    /// Returns the number of times that each item occurs in the training examples, by catalogue position.
    pub fn training_counts(&self) -> Option<&'a [u64]> {
        self.training_counts
    }
}

/// The gains of a user with one relevant item, by far the most common case.
fn grade_only(
    ranking: &[u32],
    (only, grade): (u32, f32),
    gains: &mut Ragged<f32>,
    ideal: &mut Ragged<f32>,
) {
    let gain = |item: &u32| if *item == only { grade } else { 0.0 };
    gains.push(ranking.iter().map(gain));
    ideal.push([grade]);
}

/// Looks up the grade of every ranked item, and sorts the grades of the relevant ones. Leaves the last
/// grade of each item in `graded`, by item.
fn grade(
    ranking: &[u32],
    relevant: &[(u32, f32)],
    graded: &mut Vec<(u32, f32)>,
    gains: &mut Ragged<f32>,
    ideal: &mut Ragged<f32>,
) {
    graded.clear();
    graded.extend_from_slice(relevant);
    graded.reverse();
    graded.sort_by_key(|(item, _)| *item);
    graded.dedup_by_key(|(item, _)| *item);
    gains.push(ranking.iter().map(|item| {
        graded
            .binary_search_by_key(item, |(item, _)| *item)
            .map_or(0.0, |at| graded[at].1.max(0.0))
    }));
    let relevant = graded.iter().map(|(_, grade)| *grade);
    let mut highest_first: Vec<f32> = relevant.filter(|grade| *grade > 0.0).collect();
    highest_first.sort_by(|a, b| b.total_cmp(a));
    ideal.push(highest_first);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_follow_the_ranking_and_ideal_the_grades() {
        let rankings: Ragged<u32> = [vec![7, 3, 9], vec![], vec![1]].into_iter().collect();
        let relevant: Ragged<(u32, f32)> =
            [vec![(9, 1.0), (3, 0.0), (5, 3.0)], vec![(2, 2.0)], vec![]]
                .into_iter()
                .collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let judged: Vec<_> = evaluation.user_gains().collect();
        assert_eq!(judged[0].gains, [0.0, 0.0, 1.0]);
        assert_eq!(judged[0].ideal, [3.0, 1.0]);
        assert_eq!((judged[1].gains, judged[1].ideal), (&[][..], &[2.0][..]));
        assert_eq!((judged[2].gains, judged[2].ideal), (&[0.0][..], &[][..]));
        let irrelevant = |user: usize| (judged[user].irrelevant_ranks, judged[user].irrelevant);
        assert_eq!(irrelevant(0), (&[1][..], 1));
        assert_eq!(irrelevant(2), (&[][..], 0));
    }
}
