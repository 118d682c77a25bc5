use gloss_core::{Catalogue, Histories, Item, Splits};

use super::*;

fn data() -> Data {
    let texts = ["x", "y", "x", "Zü\"\t"];
    let items = (0..).zip(texts).map(|(at, text)| Item {
        id: format!("i{at}"),
        text: text.into(),
        ..Item::default()
    });
    let mut histories = Histories::new();
    // Bought the same again, on the day of the purchase before.
    histories.push("u".into(), [(0, 1, 5.0), (1, 9, 5.0), (1, 9, 5.0)]);
    // Bought what nobody trained on, before the training data end.
    histories.push("v".into(), [(0, 1, 5.0), (1, 2, 5.0), (3, 3, f32::NAN)]);
    let example = |user, history| Example {
        user,
        history,
        targets: 1,
    };
    Data {
        catalogue: Catalogue::new(items.collect(), Vec::new()).unwrap(),
        histories,
        splits: Splits {
            train: vec![example(0, 1), example(1, 1)],
            validation: vec![],
            test: vec![example(0, 2), example(1, 2)],
        },
        ..Data::default()
    }
}

#[test]
fn everything_is_counted() {
    let audit = audit(&data(), Split::Test).unwrap();
    assert_eq!((audit.users, audit.items, audit.interactions), (2, 4, 6));
    assert_eq!(audit.equal_times, 1);
    assert_eq!(audit.examples, 2);
    assert_eq!(audit.targets_at_the_time_before, 1);
    assert_eq!(audit.targets_in_context, 1);
    assert_eq!(audit.targets_not_in_training, 1);
    assert_eq!(audit.targets_before_training_ends, 1);
    // Of the training times 1, 1, 2, 9, none is later than 9 and one is later than 3.
    assert_eq!(audit.later_training_share, 0.125);
    assert_eq!(audit.items_with_equal_text, 2);
    assert_eq!(audit.targets_with_equal_text, 0);
    assert_eq!(audit.items_in_evaluation_alone, 1);
    assert_eq!(audit.history_lengths, [(3, 2)]);
    assert_eq!(audit.popularity[50], (0.5, 5.0 / 6.0));
    assert_eq!(audit.popularity[100], (1.0, 1.0));
}

/// Made with Python: `hashlib.sha256` of the lines, each `json.dumps(line, ensure_ascii=False,
/// separators=(",", ":"))`.
#[test]
fn the_fingerprint_is_that_of_an_independent_program() {
    let expected = "4886d06321ef101ad0dc7ecf4c3f85804d737d2c850685a77f93d987b8a062a6";
    assert_eq!(fingerprint(&data()).unwrap(), expected);
}

#[test]
fn the_fingerprint_depends_on_the_order_within_a_day() {
    let mut other = data();
    other.histories = Histories::new();
    other
        .histories
        .push("u".into(), [(1, 1, 5.0), (0, 9, 5.0), (1, 9, 5.0)]);
    other
        .histories
        .push("v".into(), [(0, 1, 5.0), (1, 2, 5.0), (3, 3, f32::NAN)]);
    assert_ne!(fingerprint(&other).unwrap(), fingerprint(&data()).unwrap());
}
