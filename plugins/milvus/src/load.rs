//! Filling a collection.

use std::ops::Range;

use gloss_core::{Error, Result, Task, Unit};
use gloss_http::in_flight;

use crate::collection::Collection;
use crate::config::Server;
use crate::proto::FieldData;

/// The number of times that what a server lost is loaded again.
const ROUNDS: usize = 3;

/// The items that a collection has before it is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Present {
    None,
    Some,
    All,
}

/// A collection that is being filled.
pub(crate) struct Load<'a> {
    collection: &'a Collection,
    server: &'a Server,
    present: Present,
    /// 0, and more if the server lost items.
    pub(crate) round: usize,
    task: Task,
}

impl Load<'_> {
    /// Writes the items at `range`, in requests of which `rows` gives the field.
    ///
    /// # Errors
    /// If the server is lost for good.
    pub(crate) fn write(
        &self,
        range: Range<usize>,
        rows: impl Fn(Range<usize>) -> Result<FieldData> + Sync,
    ) -> Result<()> {
        let batch = self.server.load_batch.max(1);
        let starts: Vec<usize> = range.clone().step_by(batch).collect();
        let context = &self.collection.context;
        in_flight(
            starts.len(),
            self.server.concurrency,
            context,
            |at, check| {
                let positions = starts[at]..range.end.min(starts[at] + batch);
                let is_there = match self.present {
                    Present::None => false,
                    Present::Some => {
                        self.collection.count(Some(positions.clone()))? == positions.len()
                    }
                    Present::All => true,
                };
                if !is_there {
                    let field = rows(positions.clone())?;
                    self.collection.upsert(positions.clone(), field, check)?;
                }
                self.task.advance(positions.len() as u64)
            },
        )?;
        Ok(())
    }
}

/// Fills a collection with `items` by `write`, and again as long as the server lost some of them.
///
/// # Errors
/// As `write`; if items are missing in the end.
pub(crate) fn fill(
    collection: &Collection,
    server: &Server,
    was_there: bool,
    items: usize,
    mut write: impl FnMut(&Load<'_>) -> Result<()>,
) -> Result<()> {
    let mut count = match was_there {
        true => collection.count(None)?,
        false => 0,
    };
    for round in 0..ROUNDS {
        let present = match count {
            0 => Present::None,
            count if count == items => Present::All,
            _ => Present::Some,
        };
        write(&Load {
            collection,
            server,
            present,
            round,
            task: collection
                .context
                .task("Loading items", Some(items as u64), Unit::Count),
        })?;
        collection.flush()?;
        count = collection.count(None)?;
        if count == items {
            return Ok(());
        }
        tracing::warn!(count, items, "the server lost items; loading them again");
    }
    Err(Error::Network(format!(
        "the collection `{}` holds {count} items after {items} were loaded {ROUNDS} times",
        collection.name
    )))
}
