//! Data sent to programs in batches: the catalogue, the training examples.

use gloss_core::{Catalogue, Data, Example};

use crate::exchange::Trouble;
use crate::program::Teller;
use crate::protocol::Call;

/// The number of items or examples per message.
const AT_ONCE: usize = 4096;

/// Tells the whole catalogue.
pub(crate) fn catalogue(teller: &mut Teller<'_>, catalogue: &Catalogue) -> Result<(), Trouble> {
    let all = catalogue.items();
    for (start, end) in batches(all.len()) {
        let items = all[start..end].iter();
        let items =
            items.map(|item| (item.id.as_str(), item.text.as_str(), item.fields.as_slice()));
        teller.ask::<()>(&Call::Catalogue {
            fields: catalogue.field_names(),
            items: items.collect(),
            first: start == 0,
            last: end == all.len(),
        })?;
    }
    Ok(())
}

/// Tells all training examples.
pub(crate) fn training(teller: &mut Teller<'_>, data: &Data) -> Result<(), Trouble> {
    let all = &data.splits.train;
    for (start, end) in batches(all.len()) {
        let example = |&example: &Example| {
            (
                data.histories.context(example).items,
                data.histories.targets(example),
            )
        };
        teller.ask::<()>(&Call::Training {
            examples: all[start..end].iter().map(example).collect(),
            first: start == 0,
            last: end == all.len(),
        })?;
    }
    Ok(())
}

/// Returns the ranges of batches of `length` elements; one empty range if there are none.
fn batches(length: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = (0..length.max(1)).step_by(AT_ONCE);
    starts.map(move |start| (start, length.min(start + AT_ONCE)))
}
