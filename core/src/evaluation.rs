//! Rankings beside what was relevant, in the form in which metrics read them.

use crate::{Catalogue, Error, Result};

/// One list of values per user, in one allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Lists<T> {
    offsets: Vec<usize>,
    values: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists {
            offsets: vec![0],
            values: Vec::new(),
        }
    }
}

impl<T> Lists<T> {
    /// No lists yet, with room for some.
    pub fn with_capacity(lists: usize, values: usize) -> Self {
        let mut offsets = Vec::with_capacity(lists + 1);
        offsets.push(0);
        Lists {
            offsets,
            values: Vec::with_capacity(values),
        }
    }

    /// Appends a list.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.values.extend(list);
        self.offsets.push(self.values.len());
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The list at `index`. Panics if there is none, as indexing does.
    pub fn get(&self, index: usize) -> &[T] {
        &self.values[self.offsets[index]..self.offsets[index + 1]]
    }

    /// The lists in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.offsets.windows(2).map(|w| &self.values[w[0]..w[1]])
    }

    /// All values, list after list.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

impl<T> FromIterator<Vec<T>> for Lists<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(lists: I) -> Self {
        let mut all = Lists::default();
        lists.into_iter().for_each(|list| all.push(list));
        all
    }
}

/// One user's ranking, judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged<'a> {
    /// The grade of the item at each rank, best rank first; 0 for an irrelevant one.
    pub gains: &'a [f32],
    /// The grades of all relevant items (each above 0), highest first, ranked or not.
    pub ideal: &'a [f32],
}

/// What metrics are computed from: all users' rankings and relevant items.
#[derive(Debug, Clone)]
pub struct Evaluation<'a> {
    rankings: &'a Lists<u32>,
    gains: Lists<f32>,
    ideal: Lists<f32>,
    catalogue: Option<&'a Catalogue>,
    training_counts: Option<&'a [u64]>,
}

impl<'a> Evaluation<'a> {
    /// Judges `rankings` (each user's item numbers, best first, no item twice) by `relevant`
    /// (the same users' relevant items with their grades; grades of 0 or less are irrelevant, an
    /// item graded twice has its last grade).
    ///
    /// # Errors
    /// [`Error::Internal`] if there are not as many rankings as lists of relevant items.
    pub fn new(rankings: &'a Lists<u32>, relevant: &Lists<(u32, f32)>) -> Result<Self> {
        if rankings.len() != relevant.len() {
            return Err(Error::Internal(format!(
                "{} rankings for {} users",
                rankings.len(),
                relevant.len()
            )));
        }
        let mut gains = Lists::with_capacity(rankings.len(), rankings.values().len());
        let mut ideal = Lists::with_capacity(rankings.len(), relevant.values().len());
        let mut graded = Vec::new();
        for (ranking, relevant) in rankings.iter().zip(relevant.iter()) {
            judge(ranking, relevant, &mut graded, &mut gains, &mut ideal);
        }
        Ok(Evaluation {
            rankings,
            gains,
            ideal,
            catalogue: None,
            training_counts: None,
        })
    }

    /// Adds what metrics beyond accuracy need: the catalogue, and how often each item occurs in
    /// the training cases (see [`Data::training_counts`](crate::Data::training_counts)).
    pub fn with_catalogue(mut self, catalogue: &'a Catalogue, training_counts: &'a [u64]) -> Self {
        self.catalogue = Some(catalogue);
        self.training_counts = Some(training_counts);
        self
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.rankings.len()
    }

    /// The users' judged rankings, in order.
    pub fn judged(&self) -> impl ExactSizeIterator<Item = Judged<'_>> {
        self.gains
            .iter()
            .zip(self.ideal.iter())
            .map(|(gains, ideal)| Judged { gains, ideal })
    }

    /// Computes a value per user from the judged ranking alone.
    pub fn per_user(&self, value: impl Fn(Judged<'_>) -> f64) -> crate::Scores {
        crate::Scores::PerUser(self.judged().map(value).collect())
    }

    /// The rankings themselves, as catalogue positions.
    pub fn rankings(&self) -> &Lists<u32> {
        self.rankings
    }

    /// The catalogue, if there is one (there is none when a TREC file is evaluated).
    pub fn catalogue(&self) -> Option<&'a Catalogue> {
        self.catalogue
    }

    /// How often each item occurs in the training cases, by catalogue position.
    pub fn training_counts(&self) -> Option<&'a [u64]> {
        self.training_counts
    }
}

/// Looks up the grade of every ranked item, and sorts the grades of the relevant ones.
fn judge(
    ranking: &[u32],
    relevant: &[(u32, f32)],
    graded: &mut Vec<(u32, f32)>,
    gains: &mut Lists<f32>,
    ideal: &mut Lists<f32>,
) {
    if let [(only, grade)] = relevant {
        // By far the most common case: one held-out item.
        let grade = grade.max(0.0);
        gains.push(
            ranking
                .iter()
                .map(|item| if item == only { grade } else { 0.0 }),
        );
        ideal.push((grade > 0.0).then_some(grade));
        return;
    }
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
    graded.retain(|(_, grade)| *grade > 0.0);
    graded.sort_by(|a, b| b.1.total_cmp(&a.1));
    ideal.push(graded.iter().map(|(_, grade)| *grade));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_follow_the_ranking_and_ideal_the_grades() {
        let rankings: Lists<u32> = [vec![7, 3, 9], vec![], vec![1]].into_iter().collect();
        let relevant: Lists<(u32, f32)> =
            [vec![(9, 1.0), (3, 0.0), (5, 3.0)], vec![(2, 2.0)], vec![]]
                .into_iter()
                .collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let judged: Vec<_> = evaluation.judged().collect();
        assert_eq!(judged[0].gains, [0.0, 0.0, 1.0]);
        assert_eq!(judged[0].ideal, [3.0, 1.0]);
        assert_eq!((judged[1].gains, judged[1].ideal), (&[][..], &[2.0][..]));
        assert_eq!((judged[2].gains, judged[2].ideal), (&[0.0][..], &[][..]));
    }
}
