//! Measurements of codes.

use gloss_core::{Catalogue, Data};
use serde::Serialize;

use crate::codes::Codes;

/// The usual name of the report in the folder of a trained model.
pub const REPORT: &str = "codes.json";

/// A level of which a smaller share of codes is in use has collapsed.
const COLLAPSED: f64 = 0.5;

/// Measurements of the codes of a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The levels from coarse to fine.
    pub levels: Vec<LevelReport>,
    /// The number of items whose codes another item has too.
    pub collisions: usize,
    /// The most items of the same codes.
    pub largest_collision: usize,
    /// The mean number of first codes that two items share which a user bought one after the other.
    pub shared_by_neighbours: f64,
    /// The same for items that are far apart in the catalogue.
    pub shared_by_others: f64,
}

/// Measurements of a level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelReport {
    /// The number of codes.
    pub size: usize,
    /// The number of codes that some item has.
    pub used: usize,
    /// The number of codes that would be as hard to guess if all were as frequent.
    pub perplexity: f64,
}

impl Report {
    /// The report of the codes of the items in `data`.
    pub fn new(codes: &Codes, data: &Data) -> Self {
        let groups = codes.groups();
        let sizes: Vec<usize> = groups.values().map(Vec::len).collect();
        Report {
            levels: (0..codes.levels())
                .map(|level| LevelReport::new(codes, level))
                .collect(),
            collisions: sizes.iter().filter(|size| **size > 1).sum(),
            largest_collision: sizes.iter().copied().max().unwrap_or(0),
            shared_by_neighbours: mean(neighbours(data).map(|(a, b)| shared(codes, a, b))),
            shared_by_others: mean(others(&data.catalogue).map(|(a, b)| shared(codes, a, b))),
        }
    }

    /// Warns of levels of which few codes are in use.
    pub fn warn(&self) {
        for (number, level) in self.levels.iter().enumerate() {
            let share = level.used as f64 / level.size.max(1) as f64;
            if share < COLLAPSED {
                tracing::warn!(
                    "level {number} of the codes has collapsed: {} of {} are in use; standardize the vectors, \
                     use `rq-kmeans` or `balanced`, or a smaller `codebook_size`",
                    level.used,
                    level.size
                );
            }
        }
    }
}

impl LevelReport {
    fn new(codes: &Codes, level: usize) -> Self {
        let size = codes.sizes[level];
        let mut counts = vec![0usize; size];
        for codes in codes.iter() {
            counts[usize::from(codes[level])] += 1;
        }
        let all = codes.len().max(1) as f64;
        let shares = counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| *count as f64 / all);
        let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
        LevelReport {
            size,
            used: counts.iter().filter(|count| **count > 0).count(),
            perplexity: entropy.exp(),
        }
    }
}

/// Items that follow each other in a training example.
fn neighbours(data: &Data) -> impl Iterator<Item = (u32, u32)> + '_ {
    let items = data
        .splits
        .train
        .iter()
        .map(|example| data.histories.context(*example).items);
    items.flat_map(|items| items.windows(2).map(|pair| (pair[0], pair[1])))
}

/// Each item, and the one half a catalogue further.
fn others(catalogue: &Catalogue) -> impl Iterator<Item = (u32, u32)> {
    let count = catalogue.len() as u32;
    (0..count).map(move |item| (item, (item + count / 2) % count))
}

fn shared(codes: &Codes, a: u32, b: u32) -> usize {
    let both = codes.of(a).iter().zip(codes.of(b));
    both.take_while(|(a, b)| a == b).count()
}

fn mean(numbers: impl Iterator<Item = usize>) -> f64 {
    let (sum, count) = numbers.fold((0, 0usize), |(sum, count), number| {
        (sum + number, count + 1)
    });
    sum as f64 / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::{Example, Histories, Item};

    #[test]
    fn use_perplexity_collisions_and_neighbours() {
        let codes = Codes::of_levels(&[(vec![0, 0, 1, 1], 4), (vec![0, 0, 1, 0], 2)]);
        let items = (0..4).map(|number| Item {
            id: format!("i{number}"),
            ..Item::default()
        });
        let mut data = Data {
            catalogue: Catalogue::new(items.collect(), Vec::new()).unwrap(),
            ..Data::default()
        };
        let mut histories = Histories::new();
        histories.push("u".into(), [(0, 1, 1.0), (1, 2, 1.0), (3, 3, 1.0)]);
        data.histories = histories;
        data.splits.train.push(Example {
            user: 0,
            history: 3,
            targets: 0,
        });
        let report = Report::new(&codes, &data);
        assert_eq!((report.levels[0].used, report.levels[0].size), (2, 4));
        assert!((report.levels[0].perplexity - 2.0).abs() < 1e-12);
        assert_eq!((report.collisions, report.largest_collision), (2, 2));
        // 0 and 1 share both codes, 1 and 3 none; 0 and 2, 1 and 3, 2 and 0, 3 and 1 none.
        assert_eq!(
            (report.shared_by_neighbours, report.shared_by_others),
            (1.0, 0.0)
        );
    }
}
