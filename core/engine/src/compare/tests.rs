use std::path::Path;

use gloss_core::Segment;
use serde_json::json;

use super::*;
use crate::finished::UserValues;

/// A method with values of recall for users `a`, `b` and so on.
fn method(name: &str, source: &str, recall: &[f64]) -> MethodValues {
    let users = (b'a'..).take(recall.len());
    let values = UserValues {
        users: users.map(|letter| char::from(letter).to_string()).collect(),
        interactions: (0..recall.len() as u32).collect(),
        metrics: vec![("recall@5".into(), recall.to_vec())],
    };
    MethodValues {
        method: name.into(),
        seen: Some(Seen::Exclude),
        split: Some("test".into()),
        fingerprint: Some("f00d".into()),
        same_day: Some("file".into()),
        segments: vec![Segment::new("few", 0, Some(1))],
        configuration: json!({"method": name}),
        seeds: vec![json!(source)],
        ..MethodValues::of_file(Path::new(source), values, Vec::new())
    }
}

fn refused(one: MethodValues, two: MethodValues, parts: &[&str]) {
    let error = compare(
        &Competitor::group(vec![one, two]),
        &CompareOptions::default(),
    );
    let message = error.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_method_is_compared_user_by_user_overall_and_by_segment() {
    let one = method("one", "x", &[0.0, 1.0, 0.0, 0.0]);
    let mut two = method("two", "y", &[1.0, 0.0, 1.0, 1.0]);
    // Users in another order.
    two.values.users.reverse();
    two.values.metrics[0].1.reverse();
    let comparison = compare(
        &Competitor::group(vec![one, two]),
        &CompareOptions::default(),
    )
    .unwrap();
    assert_eq!((comparison.baseline.as_str(), comparison.users), ("one", 4));
    let [one, two] = &comparison.rows[..] else {
        panic!()
    };
    assert_eq!(one.values[0].difference, None);
    assert_eq!((one.values[0].mean, two.values[0].mean), (0.25, 0.75));
    let difference = two.values[0].difference.as_ref().unwrap();
    assert_eq!(
        (difference.mean, difference.wins, difference.losses),
        (0.5, 3, 1)
    );
    // Two of the 16 assignments of signs have a sum of 4, eight one of 2, and as many of the opposite.
    assert_eq!(difference.p.randomization, 10.0 / 16.0);
    let (name, users, rows) = &comparison.segments[0];
    assert_eq!((name.as_str(), *users), ("few", 2));
    assert_eq!(rows[1].values[0].difference.as_ref().unwrap().mean, 0.0);
}

#[test]
fn a_lower_value_wins_where_lower_is_better() {
    let methods = [("one", [0.5, 0.5]), ("two", [0.1, 0.9])].map(|(name, values)| MethodValues {
        lower_is_better: vec!["recall@5".into()],
        ..method(name, name, &values)
    });
    let comparison = compare(
        &Competitor::group(methods.into()),
        &CompareOptions::default(),
    )
    .unwrap();
    let difference = comparison.rows[1].values[0].difference.as_ref().unwrap();
    assert_eq!((difference.wins, difference.losses), (1, 1));
}

#[test]
fn all_pairs_are_one_family() {
    let methods = vec![
        method("one", "one", &[0.0, 0.0, 0.0]),
        method("two", "two", &[1.0, 1.0, 1.0]),
        method("three", "three", &[1.0, 1.0, 0.0]),
    ];
    let options = CompareOptions {
        all_pairs: true,
        ..CompareOptions::default()
    };
    let comparison = compare(&Competitor::group(methods), &options).unwrap();
    let told: Vec<_> = comparison
        .pairs
        .iter()
        .map(|pair| {
            (
                pair.first.as_str(),
                pair.second.as_str(),
                pair.difference.mean,
            )
        })
        .collect();
    let third = 1.0 / 3.0;
    let expected = [
        ("one", "two", -1.0),
        ("one", "three", -2.0 * third),
        ("two", "three", third),
    ];
    assert_eq!(told, expected);
    // Signs of three differences: 2 of 8 are as far from 0.
    let p = |at: usize| {
        let difference = &comparison.pairs[at].difference;
        (
            difference.p.randomization,
            difference.corrected.randomization,
        )
    };
    assert_eq!(p(0), (0.25, 0.75));
    assert_eq!(p(2), (1.0, 1.0));
}

#[test]
fn seeds_of_one_method_are_one_row_with_their_deviation() {
    let methods = vec![
        method("base", "a", &[0.0, 0.0]),
        method("other", "a", &[0.0, 1.0]),
        method("other", "b", &[1.0, 1.0]),
    ];
    let comparison = compare(&Competitor::group(methods), &CompareOptions::default()).unwrap();
    assert_eq!(comparison.rows.len(), 2);
    let value = &comparison.rows[1].values[0];
    assert_eq!((comparison.rows[1].seeds, value.mean), (2, 0.75));
    assert!((value.deviation - 0.125_f64.sqrt()).abs() < 1e-12);
    assert_eq!(value.difference.as_ref().unwrap().mean, 0.75);
}

#[test]
fn one_name_for_two_configurations_is_two_methods() {
    let other = MethodValues {
        configuration: json!({"k1": 2}),
        ..method("same", "y", &[1.0])
    };
    let grouped = Competitor::group(vec![method("same", "x", &[0.0]), other]);
    let names: Vec<&str> = grouped
        .iter()
        .map(|competitor| competitor.name.as_str())
        .collect();
    assert_eq!(names, ["same (x)", "same (y)"]);
}

#[test]
fn what_is_not_comparable_is_refused_and_named() {
    let one = || method("one", "x", &[0.0, 1.0]);
    let two = || method("two", "y", &[0.0, 1.0]);
    let seen = Some(Seen::Keep);
    refused(
        one(),
        MethodValues { seen, ..two() },
        &["`exclude` and `keep`", "--mixed-seen"],
    );
    let split = Some("validation".to_string());
    refused(
        one(),
        MethodValues { split, ..two() },
        &["test users", "validation users"],
    );
    let fingerprint = Some("beef".to_string());
    refused(
        one(),
        MethodValues {
            fingerprint: fingerprint.clone(),
            ..two()
        },
        &["f00d", "beef"],
    );
    let same_day = Some("shuffle".to_string());
    refused(
        one(),
        MethodValues {
            fingerprint,
            same_day,
            ..two()
        },
        &["`file` and `shuffle`"],
    );
    refused(one(), method("two", "y", &[0.0]), &["not both have b"]);
    refused(
        one(),
        method("one", "x", &[0.0, 1.0]),
        &["there is one method"],
    );
    let metrics = vec![("mrr".to_string(), vec![0.0, 0.0])];
    let mut other = two();
    other.values.metrics = metrics;
    refused(one(), other, &["no metric is in all", "recall@5, mrr"]);
}

#[test]
fn two_methods_are_held_against_each_other_beside_one_that_says_nothing_of_its_data() {
    let file = MethodValues::of_file(Path::new("x"), method("x", "x", &[0.0]).values, Vec::new());
    let other = MethodValues {
        fingerprint: Some("beef".into()),
        ..method("two", "z", &[0.0])
    };
    let all = vec![file, method("one", "y", &[0.0]), other];
    let refused = compare(&Competitor::group(all), &CompareOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("`one` and `two`"), "{refused}");
}

#[test]
fn runs_of_one_method_differ_in_seeds_and_not_in_data() {
    let with = |second: MethodValues| {
        let all = vec![
            method("one", "x", &[0.0]),
            second,
            method("two", "z", &[1.0]),
        ];
        compare(&Competitor::group(all), &CompareOptions::default())
    };
    let again = || method("one", "y", &[0.0]);
    assert_eq!(with(again()).unwrap().rows[0].seeds, 2);
    let seeds = || vec![json!("x")];
    let same = MethodValues {
        seeds: seeds(),
        ..again()
    };
    assert_eq!(
        with(same).unwrap().rows[0].seeds,
        1,
        "a method without a seed"
    );
    let other = MethodValues {
        seeds: seeds(),
        ..method("one", "y", &[1.0])
    };
    let message = with(other).unwrap_err().to_string();
    assert!(message.contains("the same seeds"), "{message}");
    let fingerprint = Some("beef".to_string());
    let message = with(MethodValues {
        fingerprint,
        ..again()
    })
    .unwrap_err()
    .to_string();
    assert!(message.contains("on other data"), "{message}");
}

#[test]
fn one_run_given_twice_is_refused() {
    let runs = ["x", "x", "y"].map(|source| method("one", source, &[0.0]));
    let mut all = runs.to_vec();
    all.push(method("two", "z", &[1.0]));
    let message = compare(&Competitor::group(all), &CompareOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("given twice"), "{message}");
}
