//! The draw of validation users, and the examples of each user.

use hashbrown::HashSet;

use super::SplitOptions;
use super::sample::random_sample;
use super::sorted::SortedEvents;
use crate::{Example, Splits};

/// The positions, among all `users` with any interaction, of those drawn for validation.
pub(crate) fn validation_users(options: &SplitOptions, users: usize) -> HashSet<u32> {
    let share = (options.validation_share * users as f64) as u32;
    random_sample(users as u32, share, options.validation_seed)
        .into_iter()
        .collect()
}

/// The cases of the `kept` users, which are numbered in that order.
pub(crate) fn splits(sorted: &SortedEvents, kept: &[u32], validation: &HashSet<u32>) -> Splits {
    let mut splits = Splits::default();
    for (user, &position) in (0..).zip(kept) {
        let events = sorted.of(position as usize).len() as u32;
        // The example whose target is the `held`-th interaction from the end.
        let example = |held: u32| {
            events.checked_sub(held).map(|history| Example {
                user,
                history,
                targets: 1,
            })
        };
        splits.test.extend(example(1));
        if validation.contains(&position) {
            splits.validation.extend(example(2));
            splits.train.extend(example(3));
        } else {
            splits.train.extend(example(2));
        }
    }
    splits
}
