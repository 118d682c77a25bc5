//! Who is a validation user, and which cases everybody gives.

use hashbrown::HashSet;

use super::Protocol;
use super::sample::random_sample;
use super::sorted::SortedEvents;
use crate::{Case, Splits};

/// The positions, among all `users` with any interaction, of those drawn for validation.
pub(crate) fn validation_users(protocol: &Protocol, users: usize) -> HashSet<u32> {
    let share = (protocol.validation_share * users as f64) as u32;
    random_sample(users as u32, share, protocol.validation_seed)
        .into_iter()
        .collect()
}

/// The cases of the `kept` users, which are numbered in that order.
pub(crate) fn splits(sorted: &SortedEvents, kept: &[u32], validation: &HashSet<u32>) -> Splits {
    let mut splits = Splits::default();
    for (user, &position) in (0..).zip(kept) {
        let events = sorted.of(position as usize).len() as u32;
        // The case in which the `held`-th interaction from the end is to be foretold.
        let case = |held: u32| {
            events.checked_sub(held).map(|history| Case {
                user,
                history,
                targets: 1,
            })
        };
        splits.test.extend(case(1));
        if validation.contains(&position) {
            splits.validation.extend(case(2));
            splits.train.extend(case(3));
        } else {
            splits.train.extend(case(2));
        }
    }
    splits
}
