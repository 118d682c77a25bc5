//! Tests of the order at one time, and of the splits besides leave-last-out.

use super::testing::interactions;
use super::*;
use crate::Example;
use proptest::prelude::*;

type Triples = Vec<(u32, u32, i64)>;

fn apply(options: &SplitOptions, triples: &[(u32, u32, i64)]) -> Result<Data> {
    options.apply(interactions(triples), &Context::default())
}

fn ids(data: &Data, user: u32) -> Vec<String> {
    let items = data.histories.history(user).items;
    let id = |&item: &u32| data.catalogue.item(item).id.clone();
    items.iter().map(id).collect()
}

fn example(user: u32, history: u32, targets: u32) -> Example {
    Example {
        user,
        history,
        targets,
    }
}

fn ordered(same_day: SameDay, same_day_seed: u64) -> SplitOptions {
    SplitOptions {
        same_day,
        same_day_seed,
        ..SplitOptions::default()
    }
}

#[test]
fn items_of_one_day_are_ordered_by_file_or_id() {
    let triples = [(0, 2, 5), (0, 0, 9), (0, 1, 5), (0, 10, 5)];
    let of = |same_day| ids(&apply(&ordered(same_day, 0), &triples).unwrap(), 0);
    assert_eq!(of(SameDay::File), ["i2", "i1", "i10", "i0"]);
    assert_eq!(of(SameDay::Id), ["i1", "i10", "i2", "i0"]);
}

#[test]
fn a_shuffle_depends_on_the_seed_and_draws_evenly() {
    let triples: Triples = (0..2000)
        .flat_map(|user| [(user, 0, 0), (user, 1, 5), (user, 2, 5)])
        .collect();
    let last = |seed| {
        let data = apply(&ordered(SameDay::Shuffle, seed), &triples).unwrap();
        let users = 0..data.histories.len() as u32;
        users
            .map(|user| data.histories.history(user).items[2])
            .collect::<Vec<_>>()
    };
    let (one, two) = (last(1), last(2));
    assert_ne!(one, two);
    for drawn in [one, two] {
        let ones = drawn.iter().filter(|item| **item == 1).count();
        assert!((900..1100).contains(&ones), "{ones}");
    }
}

fn temporal() -> SplitOptions {
    SplitOptions {
        minimum_interactions: 2,
        strategy: SplitStrategy::Temporal,
        ..SplitOptions::default()
    }
}

/// User 0 trains, validates and tests; user 1 tests alone, on an item that nobody trained on.
const TIMES: [(u32, u32, i64); 8] = [
    (0, 0, 1),
    (0, 1, 2),
    (0, 2, 3),
    (0, 0, 8),
    (0, 1, 9),
    (0, 2, 10),
    (1, 3, 9),
    (1, 0, 10),
];

fn at(milliseconds: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(milliseconds).unwrap();
    time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

#[test]
fn a_temporal_split_tests_on_what_came_later() {
    let options = SplitOptions {
        test_from: Some(at(9)),
        validation_share: 0.2,
        ..temporal()
    };
    let data = apply(&options, &TIMES).unwrap();
    assert_eq!(data.splits.train, [example(0, 2, 1)]);
    assert_eq!(data.splits.validation, [example(0, 3, 1)]);
    assert_eq!(data.splits.test, [example(0, 4, 2), example(1, 0, 2)]);
    assert_eq!(
        data.report.get("users without an interaction to train on"),
        Some(1)
    );
    let items = "interactions to validate or test on with items that training does not have";
    assert_eq!(data.report.get(items), Some(1));
}

#[test]
fn unseen_users_and_items_are_dropped_by_choice() {
    let options = SplitOptions {
        test_from: Some(at(9)),
        validation_share: 0.0,
        unseen_items: Unseen::Drop,
        ..temporal()
    };
    let data = apply(&options, &TIMES).unwrap();
    assert_eq!(ids(&data, 1), ["i0"]);
    assert_eq!(data.catalogue.len(), 3);
    assert_eq!(data.splits.train, [example(0, 3, 1)]);
    assert_eq!(data.report.dropped.len(), 1);

    let unseen_users = Unseen::Drop;
    let options = SplitOptions {
        unseen_users,
        ..options
    };
    let data = apply(&options, &TIMES).unwrap();
    assert_eq!(data.histories.users(), ["u0"]);
    assert_eq!(data.report.dropped[1].example.as_deref(), Some("u1"));
}

#[test]
fn a_user_without_any_interaction_left_is_dropped() {
    let options = SplitOptions {
        test_from: Some(at(9)),
        validation_share: 0.0,
        unseen_items: Unseen::Drop,
        ..temporal()
    };
    let mut triples = TIMES.to_vec();
    // All that user 1 has are items that nobody trained on.
    triples[7].1 = 3;
    let data = apply(&options, &triples).unwrap();
    assert_eq!(data.histories.users(), ["u0"]);
    let what = "users whose interactions were all dropped";
    assert_eq!(data.report.get(what), Some(1));
    assert_eq!(data.report.get("users evaluated"), Some(1));
}

#[test]
fn a_share_that_ends_within_a_day_takes_the_whole_day() {
    let options = SplitOptions {
        test_share: Some(0.2),
        validation_share: 0.0,
        ..temporal()
    };
    // ⌊0.8 · 8⌋ is the seventh, at 10; the other one at 10 belongs to the test too.
    let data = apply(&options, &TIMES).unwrap();
    assert_eq!(data.splits.test, [example(0, 5, 1), example(1, 1, 1)]);
}

#[test]
fn a_cut_outside_the_data_is_a_mistake_that_names_its_span() {
    for from in ["1969-12-31", "2030-01-01"] {
        let options = SplitOptions {
            test_from: Some(from.into()),
            ..temporal()
        };
        let message = apply(&options, &TIMES).unwrap_err().to_string();
        assert!(message.contains("the first is of 1970-01-01"), "{message}");
    }
}

#[test]
fn options_of_other_strategies_are_refused() {
    let faults = |options: &SplitOptions| {
        let faults = options.check().into_iter();
        faults.map(|fault| fault.key).collect::<Vec<_>>()
    };
    let wrong = SplitOptions {
        test_share: Some(0.5),
        test_from: Some("May".into()),
        unseen_users: Unseen::Drop,
        unseen_items: Unseen::Drop,
        same_day_seed: 1,
        validation_seed: 7,
        ..SplitOptions::default()
    };
    let keys = [
        "split.test_share",
        "split.test_from",
        "split.test_share",
        "split.test_from",
        "split.unseen_users",
        "split.unseen_items",
        "split.same_day_seed",
    ];
    assert_eq!(faults(&wrong), keys);
    assert!(apply(&wrong, &TIMES).is_err());
    let all = SplitOptions {
        test_share: Some(0.95),
        validation_seed: 7,
        ..temporal()
    };
    let keys = ["split.validation_share", "split.validation_seed"];
    assert_eq!(faults(&all), keys);
    assert_eq!(faults(&temporal()), [""; 0]);
}

fn events() -> impl Strategy<Value = Triples> {
    prop::collection::vec((0u32..6, 0u32..8, 0i64..12), 8..60)
}

fn any_strategy() -> impl Strategy<Value = SplitOptions> {
    let strategy = prop_oneof![
        Just(SplitStrategy::LeaveLastOut),
        Just(SplitStrategy::Temporal),
        Just(SplitStrategy::Ratio)
    ];
    (strategy, 0.05f64..0.5, 0.0f64..0.4, any::<[bool; 2]>()).prop_map(
        |(strategy, share, validation_share, [users, items])| {
            let temporal = strategy == SplitStrategy::Temporal;
            let unseen = |drop| {
                if drop && temporal {
                    Unseen::Drop
                } else {
                    Unseen::Keep
                }
            };
            SplitOptions {
                minimum_interactions: 2,
                strategy,
                test_share: (strategy != SplitStrategy::LeaveLastOut).then_some(share),
                validation_share,
                unseen_users: unseen(users),
                unseen_items: unseen(items),
                ..SplitOptions::default()
            }
        },
    )
}

proptest! {
    /// Training comes before validation, and validation before the test.
    #[test]
    fn parts_do_not_overlap(triples in events(), options in any_strategy()) {
        let Ok(data) = apply(&options, &triples) else { return Ok(()) };
        let end = |of: &[Example], user| {
            let mine = of.iter().filter(|example| example.user == user);
            mine.map(|example| (example.history, example.history + example.targets)).collect::<Vec<_>>()
        };
        for user in 0..data.histories.len() as u32 {
            prop_assert!(!data.histories.history(user).items.is_empty());
            let splits = &data.splits;
            let parts = [&splits.train, &splits.validation, &splits.test].map(|of| end(of, user));
            for part in &parts {
                prop_assert!(part.len() <= 1);
            }
            let parts: Vec<_> = parts.concat();
            prop_assert!(parts.iter().all(|(start, end)| start < end));
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{parts:?}");
        }
        if options.strategy == SplitStrategy::Temporal {
            let time = |user, at: u32| data.histories.history(user).times[at as usize];
            let latest = data.splits.train.iter().map(|e| time(e.user, e.history)).max();
            let first = data.splits.test.iter().map(|e| time(e.user, e.history)).min();
            prop_assert!(latest.zip(first).is_none_or(|(latest, first)| latest < first));
        }
    }

    /// The order of the file changes nothing but the order of items.
    #[test]
    fn a_shuffle_does_not_depend_on_the_file(
        (triples, shuffled) in events().prop_flat_map(|mut triples| {
            triples.sort_unstable();
            triples.dedup();
            (Just(triples.clone()), Just(triples).prop_shuffle())
        }),
        seed: u64,
    ) {
        let options = SplitOptions { minimum_interactions: 2, ..ordered(SameDay::Shuffle, seed) };
        let (Ok(one), Ok(two)) = (apply(&options, &triples), apply(&options, &shuffled)) else {
            return Ok(());
        };
        prop_assert_eq!(one.histories.users(), two.histories.users());
        for user in 0..one.histories.len() as u32 {
            prop_assert_eq!(ids(&one, user), ids(&two, user));
        }
    }
}
