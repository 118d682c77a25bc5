//! Made-up interactions for tests.

use super::{Event, Interactions};
use crate::Item;

/// Interactions from (user, item, time); users are called `u0`, `u1`, … and items `i0`, `i1`, ….
pub(crate) fn interactions(triples: &[(u32, u32, i64)]) -> Interactions {
    let count = |of: fn(&(u32, u32, i64)) -> u32| triples.iter().map(of).max().map_or(0, |n| n + 1);
    Interactions {
        users: (0..count(|t| t.0)).map(|n| format!("u{n}")).collect(),
        items: (0..count(|t| t.1))
            .map(|n| Item {
                id: format!("i{n}"),
                ..Item::default()
            })
            .collect(),
        events: triples
            .iter()
            .map(|&(user, item, time)| Event {
                user,
                item,
                time,
                rating: 5.0,
            })
            .collect(),
        ..Interactions::default()
    }
}
