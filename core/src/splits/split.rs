//! The splits of each user by themselves: the last interaction, or the last share.

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

/// The examples that leave the last interaction out, of the `kept` users, which are numbered in that
/// order.
pub(crate) fn leave_last_out(
    sorted: &SortedEvents,
    kept: &[u32],
    validation: &HashSet<u32>,
) -> Splits {
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

/// The examples that leave the last share of interactions out, of the `kept` users, which are numbered
/// in that order.
pub(crate) fn ratio(options: &SplitOptions, sorted: &SortedEvents, kept: &[u32]) -> Splits {
    let mut splits = Splits::default();
    for (user, &position) in (0..).zip(kept) {
        let events = sorted.of(position as usize).len() as u32;
        let shares = [options.validation_share, options.test_share()];
        let [training, validation, test] = numbers(events, shares);
        let example = |history: u32, targets: u32| Example {
            user,
            history,
            targets,
        };
        if training > 0 {
            splits.train.push(example(training - 1, 1));
        }
        if validation > 0 {
            splits.validation.push(example(training, validation));
        }
        if test > 0 {
            splits.test.push(example(training + validation, test));
        }
    }
    splits
}

/// The numbers of interactions to train, validate and test on, as RecBole divides them: shares are
/// rounded down, and those below one are one as long as more than one is left to train on.
fn numbers(events: u32, [validation, test]: [f64; 2]) -> [u32; 3] {
    let shares = [validation * f64::from(events), test * f64::from(events)];
    let mut held = shares.map(|share| share as u32);
    let mut training = events - held[0] - held[1];
    for at in [1, 0] {
        if training > 1 && 0.0 < shares[at] && shares[at] < 1.0 {
            held[at] += 1;
            training -= 1;
        }
    }
    [training, held[0], held[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_as_in_recbole() {
        assert_eq!(numbers(10, [0.1, 0.1]), [8, 1, 1]);
        assert_eq!(numbers(3, [0.1, 0.1]), [1, 1, 1]);
        assert_eq!(numbers(2, [0.1, 0.1]), [1, 0, 1]);
        assert_eq!(numbers(1, [0.1, 0.1]), [1, 0, 0]);
        assert_eq!(numbers(29, [0.0, 0.25]), [22, 0, 7]);
    }
}
