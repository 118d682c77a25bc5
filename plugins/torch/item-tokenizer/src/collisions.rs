//! Items with the same codes.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::codes::Codes;
use crate::hash::fnv1a;
use crate::options::{Collisions, ItemTokenizer};
use crate::residual::Level;
use gloss_core::{Catalogue, Error, Result};

/// The codes of all items, without collisions unless the options keep them.
pub(crate) fn resolved(
    mut levels: Vec<Level>,
    options: &ItemTokenizer,
    catalogue: &Catalogue,
) -> Result<Codes> {
    if options.collisions == Collisions::Reassign {
        reassign(&mut levels)?;
    }
    let size = |level: &Level| options.codebook_size.min(level.centroids.len().max(1));
    let mut all: Vec<(Vec<u16>, usize)> = levels
        .into_iter()
        .map(|level| {
            let size = size(&level);
            (level.codes, size)
        })
        .collect();
    if options.collisions == Collisions::FurtherCode {
        all.push(further(&Codes::of_levels(&all))?);
    }
    if options.collisions == Collisions::Hash {
        let codes = Codes::of_levels(&all);
        all.push((
            hashed(&codes, options.hash_buckets, catalogue)?,
            options.hash_buckets,
        ));
    }
    Ok(Codes::of_levels(&all))
}

/// A code that is the hash of an item's id, or the next one that no other item of the same codes has.
fn hashed(codes: &Codes, buckets: usize, catalogue: &Catalogue) -> Result<Vec<u16>> {
    let mut taken: HashMap<&[u16], HashSet<usize>> = HashMap::new();
    let mut all = Vec::new();
    for (codes, item) in codes.iter().zip(catalogue.items()) {
        let taken = taken.entry(codes).or_default();
        let first = (fnv1a(&item.id) % buckets as u64) as usize;
        let free = (0..buckets)
            .map(|step| (first + step) % buckets)
            .find(|bucket| taken.insert(*bucket));
        let bucket = free.and_then(|bucket| u16::try_from(bucket).ok()).ok_or_else(|| {
            Error::Usage(format!(
                "more than {buckets} items have the same codes; give more `tokenizer.hash_buckets` or \
                 `tokenizer.levels`, or a larger `tokenizer.codebook_size`"
            ))
        })?;
        all.push(bucket);
    }
    Ok(all)
}

/// A code that counts the items of the same codes.
fn further(codes: &Codes) -> Result<(Vec<u16>, usize)> {
    let mut counts: HashMap<&[u16], usize> = HashMap::new();
    let mut further = Vec::new();
    for codes in codes.iter() {
        let count = counts.entry(codes).or_default();
        further.push(u16::try_from(*count).map_err(|_| {
            Error::Usage(
                "more than 65,536 items have the same codes; give more `tokenizer.levels`, or a larger \
                 `tokenizer.codebook_size`"
                    .into(),
            )
        })?);
        *count += 1;
    }
    let size = counts.into_values().max().unwrap_or(1);
    Ok((further, size))
}

/// Gives items of the same codes before the last level different ones there.
fn reassign(levels: &mut [Level]) -> Result<()> {
    let Some((last, before)) = levels.split_last_mut() else {
        return Ok(());
    };
    let mut groups: BTreeMap<Vec<u16>, Vec<usize>> = BTreeMap::new();
    for item in 0..last.codes.len() {
        let prefix = before.iter().map(|level| level.codes[item]).collect();
        groups.entry(prefix).or_default().push(item);
    }
    for items in groups.into_values() {
        let mut codes: Vec<u16> = items.iter().map(|item| last.codes[*item]).collect();
        codes.sort_unstable();
        codes.dedup();
        if codes.len() == items.len() {
            continue;
        }
        if items.len() > last.centroids.len() {
            return Err(Error::Usage(format!(
                "{} items have the same codes before the last level, which has {}; give more \
                 `tokenizer.levels`, or `tokenizer.collisions = \"further-code\"`",
                items.len(),
                last.centroids.len()
            )));
        }
        let costs: Vec<Vec<f64>> = items
            .iter()
            .map(|item| {
                let row = last.residuals.row(*item);
                last.centroids
                    .rows()
                    .map(|centroid| distance(row, centroid))
                    .collect()
            })
            .collect();
        for (item, code) in items.iter().zip(assignment(&costs)) {
            last.codes[*item] = code as u16;
        }
    }
    Ok(())
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// The column of each row, all different, of the least sum of costs; there are at least as many columns.
/// The Hungarian method with potentials (Kuhn, 1955), of the order rows² × columns.
fn assignment(costs: &[Vec<f64>]) -> Vec<usize> {
    let columns = costs.first().map_or(0, Vec::len);
    let (mut of_rows, mut of_columns) = (vec![0.0; costs.len() + 1], vec![0.0; columns + 1]);
    // The row that has each column, counted from 1; column 0 is that of the row to be placed.
    let mut holder = vec![0; columns + 1];
    for row in 1..=costs.len() {
        holder[0] = row;
        let mut column = 0;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut from = vec![0; columns + 1];
        let mut used = vec![false; columns + 1];
        while holder[column] != 0 {
            used[column] = true;
            let current = holder[column];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for other in 1..=columns {
                if used[other] {
                    continue;
                }
                let reduced = costs[current - 1][other - 1] - of_rows[current] - of_columns[other];
                if reduced < least[other] {
                    (least[other], from[other]) = (reduced, column);
                }
                if least[other] < delta {
                    (delta, next) = (least[other], other);
                }
            }
            for other in 0..=columns {
                match used[other] {
                    true => {
                        of_rows[holder[other]] += delta;
                        of_columns[other] -= delta;
                    }
                    false => least[other] -= delta,
                }
            }
            column = next;
        }
        while column != 0 {
            holder[column] = holder[from[column]];
            column = from[column];
        }
    }
    let mut columns_of = vec![0; costs.len()];
    for (column, row) in holder.into_iter().enumerate().skip(1) {
        if row > 0 {
            columns_of[row - 1] = column - 1;
        }
    }
    columns_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_dense::Matrix;
    use proptest::prelude::*;

    fn best(costs: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == costs.len() {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for column in 0..costs[0].len() {
            if !taken.contains(&column) {
                taken.push(column);
                least = least.min(costs[row][column] + best(costs, row + 1, taken));
                taken.pop();
            }
        }
        least
    }

    proptest! {
        #[test]
        fn no_other_assignment_costs_less(
            costs in prop::collection::vec(prop::collection::vec(0.0f64..9.0, 5), 1..5),
        ) {
            let found = assignment(&costs);
            let mut different = found.clone();
            different.sort_unstable();
            different.dedup();
            prop_assert_eq!(different.len(), costs.len());
            let sum: f64 = costs.iter().zip(&found).map(|(row, column)| row[*column]).sum();
            prop_assert!((sum - best(&costs, 0, &mut Vec::new())).abs() < 1e-9);
        }
    }

    #[test]
    fn a_further_code_tells_items_apart_and_reassigned_ones_stay_near() {
        let level = || Level {
            codes: vec![0, 0, 1, 0],
            residuals: Matrix::new(vec![0.1, 0.0, 1.0, 0.4], 1),
            centroids: Matrix::new(vec![0.0, 1.0, 0.2, 0.5], 1),
        };
        let (codes, size) = further(&Codes::of_levels(&[(level().codes, 4)])).unwrap();
        assert_eq!((codes, size), (vec![0, 1, 0, 2], 3));
        let mut levels = [level()];
        reassign(&mut levels).unwrap();
        // 1.0 stays at its code; of 0.1, 0.0 and 0.4 the last is nearest to 0.5.
        assert_eq!(levels[0].codes[2..], [1, 3]);
        let mut sorted = levels[0].codes.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
        let mut few = [Level {
            centroids: Matrix::new(vec![0.0, 1.0], 1),
            ..level()
        }];
        assert!(
            reassign(&mut few)
                .unwrap_err()
                .to_string()
                .contains("4 items")
        );
    }
}
