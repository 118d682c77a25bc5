//! The inverted lists of an index: their centroids, and the list of each item.

use gloss_core::Result;
use gloss_dense::{Hash, Matrix, hash_bytes};

use super::open::Stored;
use crate::environment::{Environment, damaged};
use crate::search::{InvertedLists, Partition};

/// The keys of the two values: numbers of 32 bits, the lowest byte first.
const CENTROIDS: u32 = 0;
const LISTS: u32 = 1;

/// Writes lists; the answer is their hash.
pub(super) fn write(environment: &mut Environment, partition: &Partition) -> Result<Hash> {
    let values = partition.centroids.values().iter();
    let centroids: Vec<u8> = values.flat_map(|x| x.to_le_bytes()).collect();
    let lists: Vec<u8> = partition
        .list
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let database = environment.create_lists()?;
    environment.write(|txn| {
        database.put(txn, &CENTROIDS, &centroids)?;
        Ok(database.put(txn, &LISTS, &lists)?)
    })?;
    Ok(hash_bytes(&[centroids, lists].concat()))
}

impl Stored {
    /// The lists with their vectors, searchable.
    pub(crate) fn lists(&self) -> Result<InvertedLists> {
        let vectors = self.vectors()?;
        let database = self.environment.lists()?;
        let values = self.environment.read(|txn| {
            let value = |key| database.get(txn, &key).map(Option::unwrap_or_default);
            Ok([value(CENTROIDS)?.to_vec(), value(LISTS)?.to_vec()])
        })?;
        if Some(hash_bytes(&values.concat())) != self.header.lists {
            return Err(damaged(self.environment.path(), "its lists are not whole"));
        }
        let [centroids, lists] = values
            .each_ref()
            .map(|bytes| bytes.as_chunks::<4>().0.iter());
        let centroids = centroids.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let partition = Partition {
            centroids: Matrix::new(centroids, vectors.dimensions()),
            list: lists.map(|bytes| u32::from_le_bytes(*bytes)).collect(),
        };
        let there = partition.list.len() == vectors.len();
        let most = partition.list.iter().max();
        if !there || most.is_some_and(|most| *most as usize >= partition.centroids.len()) {
            return Err(damaged(
                self.environment.path(),
                "its lists are of other items",
            ));
        }
        Ok(InvertedLists::new(&vectors, partition))
    }
}
