//! The published facts: counts, splits and Last Item Search of Amazon Beauty and Toys.
//!
//! Needs the data, which does not come with gloss; skips, saying so, where it is absent.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;
use std::io::Read;

use common::{Place, real_data};
use serde_json::Value;

/// Figures computed on the same files with bm25s, ties in catalogue order.
struct Published {
    category: &'static str,
    users_with_any_interaction: u64,
    users: u64,
    items: u64,
    interactions: u64,
    validation_users: u64,
    kept: [f64; 3],
    excluded: [f64; 3],
}

const PUBLISHED: [Published; 2] = [
    Published {
        category: "Beauty",
        users_with_any_interaction: 22_363,
        users: 22_363,
        items: 12_094,
        interactions: 198_371,
        validation_users: 1_118,
        kept: [0.043196, 0.023091, 0.016397],
        excluded: [0.049636, 0.036308, 0.031917],
    },
    Published {
        category: "Toys_and_Games",
        users_with_any_interaction: 19_406,
        users: 19_400,
        items: 11_865,
        interactions: 166_753,
        validation_users: 970,
        kept: [0.051701, 0.026440, 0.018132],
        excluded: [0.062113, 0.042827, 0.036461],
    },
];

fn figures(method: &Value) -> Vec<f64> {
    let figures = method["metrics"].as_array().unwrap();
    figures
        .iter()
        .map(|f| f["value"].as_f64().unwrap())
        .collect()
}

fn run(place: &Place, folder: &str, category: &str, more: &[&str]) -> Value {
    let (folder, category) = (
        format!("dataset.folder={folder:?}"),
        format!("dataset.category={category:?}"),
    );
    let line = [
        "run",
        "--json",
        "--dataset",
        "amazon",
        "--set",
        &category,
        "--set",
        &folder,
        "--generator",
        "lis",
        "--retriever",
        "bm25",
        "--metric",
        "recall@5,ndcg@5,mrr",
    ];
    place.gloss(&[&line[..], more].concat()).json()
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_last_item_search_gives_the_published_figures() {
    let data = real_data();
    let folder = data.join("amazon2014");
    let folder = folder.to_str().unwrap();
    for published in PUBLISHED {
        let place = Place::new();
        let kept = run(&place, folder, published.category, &[]);
        let excluded = run(
            &place,
            folder,
            published.category,
            &["--set", "ranking.seen=exclude"],
        );
        for (ran, expected) in [(&kept, published.kept), (&excluded, published.excluded)] {
            let method = &ran["results"]["methods"][0];
            assert_eq!(method["users"], published.users);
            for (value, expected) in figures(method).iter().zip(expected) {
                assert!(
                    (value - expected).abs() < 1e-6,
                    "{}: {value} {expected}",
                    published.category
                );
            }
        }
        let counts: HashMap<&str, u64> = kept["results"]["data"]["counts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_u64().unwrap()))
            .collect();
        assert_eq!(
            counts["users with any interaction"],
            published.users_with_any_interaction
        );
        assert_eq!(counts["catalogue items"], published.items);
        assert_eq!(counts["interactions kept"], published.interactions);
        let validation = run(
            &place,
            folder,
            published.category,
            &["--split", "validation"],
        );
        let users = validation["results"]["methods"][0]["users"]
            .as_u64()
            .unwrap();
        let with_fewer = published.users_with_any_interaction - published.users;
        assert!(
            users <= published.validation_users && users + with_fewer >= published.validation_users
        );
    }
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_the_published_metrics_of_each_beauty_user_are_ours() {
    let data = real_data();
    let place = Place::new();
    let folder = data.join("amazon2014");
    let ran = run(
        &place,
        folder.to_str().unwrap(),
        "Beauty",
        &["--output", "ours"],
    );
    assert_eq!(ran["folder"], "ours");
    let golden =
        std::fs::File::open(data.join("golden/lis_bm25_beauty_per_user.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(golden)
        .read_to_string(&mut text)
        .unwrap();
    let by_user = |text: &str| -> HashMap<String, [f64; 3]> {
        text.lines()
            .map(|line| {
                let row: Value = serde_json::from_str(line).unwrap();
                let values = ["recall@5", "ndcg@5", "mrr"].map(|m| row[m].as_f64().unwrap());
                (row["reviewer_id"].as_str().unwrap().to_string(), values)
            })
            .collect()
    };
    let (ours, theirs) = (by_user(&place.read("ours/per-user.jsonl")), by_user(&text));
    assert_eq!((ours.len(), theirs.len()), (22_363, 22_363));
    let agrees = |user: &&String| {
        ours[*user]
            .iter()
            .zip(theirs[*user])
            .all(|(a, b)| (a - b).abs() < 1e-6)
    };
    let agreeing = theirs.keys().filter(agrees).count();
    println!("{agreeing} of {} users agree", theirs.len());
    assert!(agreeing as f64 >= 0.99 * theirs.len() as f64, "{agreeing}");
    // gloss reads its own files and the published ones by the same command.
    let evaluated = place.gloss(&[
        "evaluate",
        "ours/run.trec",
        "ours/qrels.trec",
        "--json",
        "--metric",
        "recall@5,ndcg@5,mrr",
    ]);
    let ranked = figures(&ran["results"]["methods"][0]);
    assert_eq!(figures(&evaluated.json()), ranked);
    let averaged = place.gloss(&["evaluate", "ours/per-user.jsonl", "--json"]);
    for (a, b) in figures(&averaged.json()).iter().zip(ranked) {
        assert!((a - b).abs() < 1e-12);
    }
}
