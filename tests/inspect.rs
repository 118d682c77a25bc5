//! `gloss inspect` as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;

#[test]
fn a_user_is_shown_with_history_queries_and_the_parts_of_scores() {
    let place = Place::with_tiny_shop();
    place
        .gloss(&["run", "e.toml", "--output", "out"])
        .succeeds();
    let qrels = place.read("out/qrels.trec");
    let first: Vec<&str> = qrels.lines().next().unwrap().split(' ').collect();
    let (user, target) = (first[0], first[2]);
    let shown = place.gloss(&["inspect", "out", user, "--json"]).json();
    assert_eq!(shown["user"], user);
    assert_eq!(shown["targets"][0]["id"], target);
    let method = &shown["methods"][0];
    // Last Item Search asks with the text of the last item.
    let history = shown["history"].as_array().unwrap();
    assert_eq!(
        method["queries"][0]["text"],
        history.last().unwrap()["text"]
    );
    for (line, item) in place
        .read("out/run.trec")
        .lines()
        .zip(method["ranking"].as_array().unwrap())
    {
        let columns: Vec<&str> = line.split(' ').collect();
        assert_eq!(
            (columns[0], columns[2]),
            (user, item["id"].as_str().unwrap())
        );
        assert_eq!(item["is_target"], columns[2] == target);
        let parts = item["parts"].as_array().unwrap();
        assert!(!parts.is_empty());
        let sum: f64 = parts
            .iter()
            .map(|part| part["score"].as_f64().unwrap())
            .sum();
        assert!(
            (sum - columns[4].parse::<f64>().unwrap()).abs() < 1e-5,
            "{item}"
        );
    }
    let text = place.gloss(&["inspect", "out", user]).stdout;
    assert!(
        text.contains("bought next") && text.contains(target),
        "{text}"
    );

    place
        .gloss(&["inspect", "out", "nobody"])
        .fails(2, &["no user `nobody`"]);
    place
        .gloss(&["inspect", "out", user, "--method", "x"])
        .fails(2, &["no method `x`"]);
}
