//! Changes of the input that must not change the table: other names of users, of items, another order
//! of the rows, other numbers of threads.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const EXPERIMENT: &str = r#"
metrics = ["recall@5", "ndcg@5", "mrr@10", "coverage@5"]
generator = "lis"
retriever = "bm25"

[dataset]
type = "csv"
interactions = "interactions.csv"
items = "items.csv"
# Validation users are drawn by their order, and train on less.
split = { validation_share = 0.0 }

[ranking]
cutoff = 10
seen = "exclude"

[[method]]
name = "popular"
generator = "popular"
retriever = "none"

[[method]]
name = "lis"

[[method]]
name = "last three"
generator = { type = "lis", items = 3 }
ranking = { fusion = "log-probability", depth = 20, cutoff = 20 }

[[method]]
name = "rules"
generator = { type = "sequential-rules", popularity_exponent = 0.3 }
retriever = "none"
ranking = { depth = 20, cutoff = 20 }

[[fusion]]
name = "both"
methods = ["rules", "last three"]
"#;

const WORDS: [&str; 12] = [
    "rose", "soap", "hand", "cream", "mint", "oil", "lavender", "balm", "sea", "salt", "honey",
    "tea",
];

/// A shop: the titles of items, and (user, item, time) with no time twice.
struct Shop {
    titles: Vec<String>,
    events: Vec<(usize, usize, u32)>,
}

impl Shop {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut title = |_| {
            let words = (0..3).map(|_| WORDS[random.random_range(0..WORDS.len())]);
            words.collect::<Vec<_>>().join(" ")
        };
        let titles: Vec<String> = (0..40).map(&mut title).collect();
        let mut times: Vec<u32> = (1..=600).collect();
        times.shuffle(&mut random);
        let event = |time: u32| {
            let user = random.random_range(0..60);
            // Half of all purchases are of the ten items that sell best.
            let item = match random.random_bool(0.5) {
                true => random.random_range(0..10),
                false => random.random_range(0..40),
            };
            (user, item, time)
        };
        let events = times.into_iter().map(event).collect();
        Shop { titles, events }
    }

    /// The values of all metrics, by method, with names of users and items, in `threads`.
    fn table(
        &self,
        user: impl Fn(usize) -> String,
        item: impl Fn(usize) -> String,
        threads: &str,
    ) -> Vec<(String, Vec<f64>)> {
        let place = Place::new();
        let mut items = "item_id,title\n".to_string();
        for (number, title) in self.titles.iter().enumerate() {
            items += &format!("{},{title}\n", item(number));
        }
        let mut interactions = "user_id,item_id,timestamp\n".to_string();
        for (who, what, time) in &self.events {
            interactions += &format!("{},{},{time}\n", user(*who), item(*what));
        }
        place.write("items.csv", items);
        place.write("interactions.csv", interactions);
        place.write("e.toml", EXPERIMENT);
        let mut command = place.command(&["run", "e.toml", "--output", "run"]);
        let ran = common::Ran::from(command.env("RAYON_NUM_THREADS", threads).output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let metrics: Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
        let method = |method: &Value| {
            let values = method["metrics"].as_array().unwrap().iter();
            let values = values.map(|metric| metric["value"].as_f64().unwrap());
            (method["method"].to_string(), values.collect())
        };
        let methods = metrics["methods"].as_array().unwrap();
        methods.iter().map(method).collect()
    }

    fn plain(&self, threads: &str) -> Vec<(String, Vec<f64>)> {
        self.table(|u| format!("u{u:03}"), |i| format!("i{i:03}"), threads)
    }
}

/// Sums over users in another order round differently.
#[track_caller]
fn assert_same(a: &[(String, Vec<f64>)], b: &[(String, Vec<f64>)]) {
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(b) {
        let differs = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-12;
        assert!(!a.iter().zip(b).any(differs), "{name}: {a:?} and {b:?}");
    }
}

#[test]
fn names_of_users_do_not_matter() {
    for seed in 0..3 {
        let shop = Shop::new(seed);
        let renamed = shop.table(
            |u| format!("{}-{u}", (u * 37) % 101),
            |i| format!("i{i:03}"),
            "2",
        );
        assert_same(&shop.plain("2"), &renamed);
    }
}

#[test]
fn names_of_items_do_not_matter() {
    for seed in 3..6 {
        let shop = Shop::new(seed);
        let renamed = shop.table(
            |u| format!("u{u:03}"),
            |i| format!("{}x{i}", (i * 29) % 97),
            "2",
        );
        assert_same(&shop.plain("2"), &renamed);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for seed in 6..9 {
        let mut shop = Shop::new(seed);
        let before = shop.plain("2");
        shop.events.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        assert_same(&before, &shop.plain("2"));
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let shop = Shop::new(9);
    let one = shop.plain("1");
    for threads in ["2", "3", "8"] {
        assert_eq!(one, shop.plain(threads), "{threads} threads");
    }
}
