use super::testing::interactions;
use super::*;
use crate::{Example, Splits};
use proptest::prelude::*;

fn apply(options: &SplitOptions, triples: &[(u32, u32, i64)]) -> Result<Data> {
    options.apply(interactions(triples), &Context::default())
}

fn all_validate() -> SplitOptions {
    SplitOptions {
        validation_share: 1.0,
        ..SplitOptions::default()
    }
}

fn ids(data: &Data, items: &[u32]) -> Vec<String> {
    let id = |&item: &u32| data.catalogue.item(item).id.clone();
    items.iter().map(id).collect()
}

#[test]
fn users_are_sorted_as_text_and_equal_times_keep_file_order() {
    let mut triples: Vec<_> = (0..3).map(|item| (10, item, 7)).collect();
    triples.extend([(2, 3, 5), (2, 1, 4), (2, 2, 5)]);
    let data = apply(&SplitOptions::default(), &triples).unwrap();
    assert_eq!(data.histories.users(), ["u10", "u2"]);
    assert_eq!(
        ids(&data, data.histories.history(0).items),
        ["i0", "i1", "i2"]
    );
    assert_eq!(
        ids(&data, data.histories.history(1).items),
        ["i1", "i3", "i2"]
    );
    assert_eq!(data.report.get("timestamp ties"), Some(3));
    assert_eq!(data.report.get("users with any interaction"), Some(2));
}

#[test]
fn poor_users_and_their_items_are_left_out_but_may_be_drawn() {
    let triples = [(0, 0, 1), (1, 3, 1), (1, 1, 2), (1, 3, 3)];
    let data = apply(&all_validate(), &triples).unwrap();
    assert_eq!(data.histories.users(), ["u1"]);
    assert_eq!(ids(&data, &[0, 1]), ["i1", "i3"]);
    assert_eq!(data.catalogue.len(), 2);
    let counts = [
        ("users with any interaction", 2),
        ("users with too few interactions", 1),
        ("interactions of users with too few", 1),
        ("users evaluated", 1),
        ("interactions kept", 4),
        ("items without a kept interaction", 2),
        ("catalogue items", 2),
        ("validation users drawn", 2),
        ("validation users evaluated", 1),
    ];
    for (what, count) in counts {
        assert_eq!(data.report.get(what), Some(count), "{what}");
    }
}

#[test]
fn a_validation_user_gives_three_cases_and_others_two() {
    let example = |history| Example {
        user: 0,
        history,
        targets: 1,
    };
    let triples: Vec<_> = (0..4).map(|n| (0, n, i64::from(n))).collect();
    let drawn = apply(&all_validate(), &triples).unwrap().splits;
    assert_eq!(drawn.test, [example(3)]);
    assert_eq!(drawn.validation, [example(2)]);
    assert_eq!(drawn.train, [example(1)]);
    let other = apply(&SplitOptions::default(), &triples).unwrap().splits;
    assert_eq!(other.test, [example(3)]);
    assert_eq!(other.validation, []);
    assert_eq!(other.train, [example(2)]);
}

#[test]
fn three_interactions_leave_a_validation_user_an_empty_training_history() {
    let triples = [(0, 0, 0), (0, 1, 1), (0, 2, 2)];
    let splits = apply(&all_validate(), &triples).unwrap().splits;
    assert_eq!(splits.train.len(), 1);
    assert_eq!(splits.train[0].history, 0);
}

#[test]
fn with_two_interactions_a_validation_user_has_nothing_to_train_on() {
    let options = SplitOptions {
        minimum_interactions: 2,
        ..all_validate()
    };
    let splits = apply(&options, &[(0, 0, 0), (0, 1, 1)]).unwrap().splits;
    assert_eq!(splits.train, []);
    assert_eq!(splits.validation[0].history, 0);
    assert_eq!(splits.test[0].history, 1);
}

#[test]
fn rows_that_are_equal_in_everything_are_counted_and_kept() {
    let mut data = interactions(&[(0, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 0, 1)]);
    data.events[3].rating = 4.0;
    let data = SplitOptions::default()
        .apply(data, &Context::default())
        .unwrap();
    assert_eq!(data.report.get("repeated interactions"), Some(1));
    assert_eq!(data.report.get("interactions kept"), Some(5));
}

#[test]
fn no_user_with_enough_is_an_error_that_counts() {
    let error = apply(&SplitOptions::default(), &[(0, 0, 0), (0, 1, 1), (1, 0, 0)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no user has 3 interactions: there are 2 users with 3 interactions of known items in all, \
         at most 2 of one user; lower minimum_interactions, or use more data"
    );
    let error = apply(&SplitOptions::default(), &[]).unwrap_err();
    assert!(error.to_string().contains("not one interaction"), "{error}");
}

#[test]
fn an_interaction_of_an_unlisted_item_is_the_loaders_fault() {
    let mut data = interactions(&[(0, 0, 0), (0, 1, 1), (0, 2, 2)]);
    data.items.pop();
    let error = SplitOptions::default().apply(data, &Context::default());
    assert!(matches!(error, Err(Error::Internal(_))));
}

#[test]
fn the_k_core_is_taken_first() {
    let options = SplitOptions {
        k_core: 3,
        ..SplitOptions::default()
    };
    let mut triples: Vec<_> = (0..9).map(|n| (n / 3, n % 3, i64::from(n))).collect();
    triples.push((0, 3, 100));
    let data = apply(&options, &triples).unwrap();
    assert_eq!(data.catalogue.len(), 3);
    assert_eq!(data.histories.interactions(), 9);
    assert_eq!(data.report.get("interactions outside the k-core"), Some(1));
}

fn any_triples() -> impl Strategy<Value = Vec<(u32, u32, i64)>> {
    prop::collection::vec((0u32..12, 0u32..9, 0i64..6), 1..120)
}

fn any_protocol() -> impl Strategy<Value = SplitOptions> {
    let parts = (2u32..5, 0.0..=1.0f64, any::<u64>(), 0u32..4);
    parts.prop_map(
        |(minimum_interactions, validation_share, validation_seed, k_core)| SplitOptions {
            minimum_interactions,
            validation_share,
            validation_seed,
            k_core,
            ..SplitOptions::default()
        },
    )
}

proptest! {
    #[test]
    fn everybody_is_tested_once_on_their_last(options in any_protocol(), triples in any_triples()) {
        let Ok(data) = apply(&options, &triples) else { return Ok(()) };
        prop_assert_eq!(data.splits.test.len(), data.histories.len());
        for (user, example) in (0..).zip(&data.splits.test) {
            prop_assert_eq!(example.user, user);
            prop_assert_eq!(example.history as usize + 1, data.histories.history(user).items.len());
            prop_assert!(example.history + 1 >= options.minimum_interactions);
        }
    }

    #[test]
    fn no_target_is_seen_in_an_earlier_split(options in any_protocol(), triples in any_triples()) {
        let Ok(data) = apply(&options, &triples) else { return Ok(()) };
        let Splits { train, validation, test } = &data.splits;
        for example in train.iter().chain(validation) {
            prop_assert!(example.history < test[example.user as usize].history);
        }
        for example in validation {
            let trained = train.iter().filter(|c| c.user == example.user);
            prop_assert!(trained.into_iter().all(|c| c.history < example.history));
        }
        prop_assert!(validation.is_sorted_by(|a, b| a.user < b.user));
        prop_assert!(train.is_sorted_by(|a, b| a.user < b.user));
        prop_assert!(validation.len() <= (options.validation_share * 12.0) as usize);
    }

    #[test]
    fn histories_are_the_interactions_in_order_of_time(triples in any_triples()) {
        let Ok(data) = apply(&SplitOptions::default(), &triples) else { return Ok(()) };
        for (user, id) in (0..).zip(data.histories.users()) {
            let number: u32 = id[1..].parse().unwrap();
            let mut own: Vec<_> = triples.iter().filter(|t| t.0 == number).collect();
            own.sort_by_key(|t| t.2);
            let history = data.histories.history(user);
            prop_assert_eq!(history.times, own.iter().map(|t| t.2).collect::<Vec<_>>());
            let expected: Vec<_> = own.iter().map(|t| format!("i{}", t.1)).collect();
            prop_assert_eq!(ids(&data, history.items), expected);
        }
    }

    #[test]
    fn the_order_in_which_users_are_listed_is_without_effect(
        options in any_protocol(), triples in any_triples()
    ) {
        let listed = interactions(&triples);
        let mut reversed = listed.clone();
        reversed.users.reverse();
        for event in &mut reversed.events {
            event.user = listed.users.len() as u32 - 1 - event.user;
        }
        let context = Context::default();
        let (one, other) = (options.apply(listed, &context), options.apply(reversed, &context));
        match (one, other) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(one.histories.users(), other.histories.users());
                prop_assert_eq!(one.splits, other.splits);
                prop_assert_eq!(one.report, other.report);
                prop_assert_eq!(one.catalogue.items(), other.catalogue.items());
            }
            (one, other) => prop_assert!(one.is_err() && other.is_err()),
        }
    }

    #[test]
    fn each_catalogue_item_occurs_and_keeps_its_order(
        options in any_protocol(), triples in any_triples()
    ) {
        let Ok(data) = apply(&options, &triples) else { return Ok(()) };
        let mut occurs = vec![false; data.catalogue.len()];
        for user in 0..data.histories.len() as u32 {
            for &item in data.histories.history(user).items {
                occurs[item as usize] = true;
            }
        }
        prop_assert!(occurs.into_iter().all(|occurs| occurs));
        prop_assert!(data.catalogue.items().is_sorted_by(|a, b| a.id < b.id));
    }
}
