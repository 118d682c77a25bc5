//! The split at a point in time.

use super::SplitOptions;
use super::options::Unseen;
use super::sorted::SortedEvents;
use crate::{Error, Example, Report, Result, Splits};

/// The points in time between training, validation and test, in milliseconds since 1970.
pub(super) struct Cuts {
    /// The time of the first interactions to validate on.
    validation: i64,
    /// The time of the first interactions to test on.
    test: i64,
}

impl Cuts {
    /// The cuts for the interactions of the `kept` users. A share of n interactions starts at the
    /// time of the one at ⌊(1 - share) n⌋ in order of time, so that those at one time stay together.
    ///
    /// # Errors
    /// If there is nothing to train or to test on.
    pub(super) fn new(options: &SplitOptions, sorted: &SortedEvents, kept: &[u32]) -> Result<Self> {
        let of = |&user: &u32| sorted.of(user as usize).iter().map(|event| event.time);
        let mut times: Vec<i64> = kept.iter().flat_map(of).collect();
        times.sort_unstable();
        let all = times.len();
        let at = |position: usize| times.get(position).copied().unwrap_or(i64::MAX);
        let first_test = ((1.0 - options.test_share()) * all as f64) as usize;
        let test = options.test_from().unwrap_or_else(|| at(first_test));
        let before = times.partition_point(|time| *time < test);
        let held = (options.validation_share * all as f64) as usize;
        let validation = match held {
            0 => test,
            held => at(before.saturating_sub(held)),
        };
        let training = times.partition_point(|time| *time < validation);
        match training > 0 && before < all {
            true => Ok(Cuts { validation, test }),
            false => Err(Error::Usage(format!(
                "the temporal split leaves {training} of {all} interactions to train on and {} to \
                 test on; set split.test_from or split.test_share and split.validation_share \
                 otherwise{}",
                all - before,
                span(&times)
            ))),
        }
    }

    /// Counts the items that only validation or test have, and removes their interactions if that
    /// is asked for.
    pub(super) fn unseen_items(
        &self,
        options: &SplitOptions,
        sorted: &mut SortedEvents,
        kept: &[u32],
        report: &mut Report,
    ) {
        let mut seen = vec![false; sorted.item_count];
        let held = |time: i64| time >= self.validation;
        for &user in kept {
            for event in sorted
                .of(user as usize)
                .iter()
                .filter(|event| !held(event.time))
            {
                seen[event.item as usize] = true;
            }
        }
        let held_out = || {
            let events = kept.iter().flat_map(|&user| sorted.of(user as usize));
            events.filter(|event| held(event.time))
        };
        let unseen = held_out()
            .filter(|event| !seen[event.item as usize])
            .count();
        let what = "interactions to validate or test on with items that training does not have";
        match options.unseen_items {
            Unseen::Keep => report.count(what, unseen),
            Unseen::Drop => {
                report.drop(what, unseen, held_out().count(), None);
                sorted.retain(|event| !held(event.time) || seen[event.item as usize]);
            }
        }
    }

    /// Counts the users without an interaction to train on, and returns those to evaluate.
    pub(super) fn unseen_users(
        &self,
        options: &SplitOptions,
        sorted: &SortedEvents,
        kept: Vec<u32>,
        report: &mut Report,
    ) -> Vec<u32> {
        let trains = |user: &u32| {
            let first = sorted.of(*user as usize).first();
            first.is_some_and(|event| event.time < self.validation)
        };
        let all = kept.len();
        let known = kept.iter().filter(|user| trains(user)).count();
        let what = "users without an interaction to train on";
        match options.unseen_users {
            Unseen::Keep => {
                report.count(what, all - known);
                let has_any = |user: &u32| !sorted.of(*user as usize).is_empty();
                let kept: Vec<u32> = kept.into_iter().filter(has_any).collect();
                let what = "users whose interactions were all dropped";
                report.drop(what, all - kept.len(), all, None);
                kept
            }
            Unseen::Drop => {
                let example = kept.iter().find(|user| !trains(user));
                let example = example.map(|user| sorted.users[*user as usize].clone());
                report.drop(what, all - known, all, example);
                kept.into_iter().filter(trains).collect()
            }
        }
    }

    /// The examples of the `kept` users, which are numbered in that order.
    pub(super) fn splits(&self, sorted: &SortedEvents, kept: &[u32]) -> Splits {
        let mut splits = Splits::default();
        for (user, &position) in (0..).zip(kept) {
            let events = sorted.of(position as usize);
            let before = |cut: i64| events.partition_point(|event| event.time < cut) as u32;
            let (training, test) = (before(self.validation), before(self.test));
            let example = |history: u32, end: u32| Example {
                user,
                history,
                targets: end - history,
            };
            if training > 0 {
                splits.train.push(example(training - 1, training));
            }
            if test > training {
                splits.validation.push(example(training, test));
            }
            if events.len() as u32 > test {
                splits.test.push(example(test, events.len() as u32));
            }
        }
        splits
    }
}

/// The times of the first and the last interaction, for messages.
fn span(times: &[i64]) -> String {
    let day = |time: Option<&i64>| {
        let time = time.and_then(|time| chrono::DateTime::from_timestamp_millis(*time));
        time.map_or("?".to_string(), |time| time.date_naive().to_string())
    };
    match times.is_empty() {
        true => String::new(),
        false => format!(
            " (the first is of {}, the last of {})",
            day(times.first()),
            day(times.last())
        ),
    }
}
