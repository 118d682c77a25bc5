//! The laws that every registered metric claims of itself, on random evaluations. The metrics come
//! from the registry, so that a new one is under these laws as soon as it is registered.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use gloss as _;
use gloss_core::{
    AnyComponent, Catalogue, Entry, Evaluation, Item, Kind, Metric, Ragged, Registry, Scores,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

/// Cut-offs that are below, at and above the lengths of the random rankings.
const CUTOFFS: [usize; 5] = [1, 2, 3, 5, 20];
const ROUNDING: f64 = 1e-9;

/// A random catalogue, and users with a ranking and graded items of it.
#[derive(Debug, Clone, Default)]
struct World {
    texts: Vec<String>,
    counts: Vec<u64>,
    users: Vec<User>,
}

#[derive(Debug, Clone, Default)]
struct User {
    ranking: Vec<u32>,
    relevant: Vec<(u32, f32)>,
}

impl User {
    fn grade(&self, item: u32) -> f32 {
        let of_item = |(i, grade): &(u32, f32)| (*i == item).then_some(grade.max(0.0));
        self.relevant.iter().find_map(of_item).unwrap_or(0.0)
    }

    fn sort_by_grade(&mut self) {
        let grades = self.clone();
        self.ranking
            .sort_by(|a, b| grades.grade(*b).total_cmp(&grades.grade(*a)));
    }

    /// The same user with all relevant items ranked, best first, and nothing else.
    fn ideal(&self) -> User {
        let relevant = self.relevant.iter().map(|(item, _)| *item);
        let mut ideal = User {
            ranking: relevant.filter(|item| self.grade(*item) > 0.0).collect(),
            relevant: self.relevant.clone(),
        };
        ideal.sort_by_grade();
        ideal
    }
}

impl World {
    fn score(&self, metric: &dyn Metric) -> Scores {
        let item = |(id, text): (usize, &String)| Item {
            id: id.to_string(),
            text: text.clone(),
            ..Item::default()
        };
        let items = self.texts.iter().enumerate().map(item).collect();
        let catalogue = Catalogue::new(items, vec![]).unwrap();
        let rankings: Ragged<u32> = self.users.iter().map(|u| u.ranking.clone()).collect();
        let relevant = self.users.iter().map(|u| u.relevant.clone()).collect();
        let evaluation = Evaluation::new(&rankings, &relevant)
            .unwrap()
            .with_catalogue(&catalogue, &self.counts);
        metric.score(&evaluation).unwrap()
    }

    fn map(&self, change: impl Fn(&User) -> User) -> World {
        World {
            users: self.users.iter().map(change).collect(),
            ..self.clone()
        }
    }

    /// The same world with item `i` in the place `places[i]` of the catalogue.
    fn rename(&self, places: &[u32]) -> World {
        let mut renamed = self.map(|user| User {
            ranking: user.ranking.iter().map(|i| places[*i as usize]).collect(),
            relevant: user
                .relevant
                .iter()
                .map(|(i, grade)| (places[*i as usize], *grade))
                .collect(),
        });
        for (item, place) in places.iter().enumerate() {
            renamed.texts[*place as usize] = self.texts[item].clone();
            renamed.counts[*place as usize] = self.counts[item];
        }
        renamed
    }
}

fn user(items: usize) -> impl Strategy<Value = User> {
    let all: Vec<u32> = (0..items as u32).collect();
    let ranking = Just(all)
        .prop_shuffle()
        .prop_flat_map(move |all| (0..=items).prop_map(move |length| all[..length].to_vec()));
    let grades = btree_map(0..items as u32, -1..5i8, 0..=items);
    (ranking, grades).prop_map(|(ranking, grades)| User {
        ranking,
        relevant: grades.into_iter().map(|(i, g)| (i, f32::from(g))).collect(),
    })
}

fn world() -> impl Strategy<Value = World> {
    (1..12usize).prop_flat_map(|items| {
        let texts = vec("Title:( (red|lip|balm|comb|oil)){0,4}", items);
        (texts, vec(0..20u64, items), vec(user(items), 0..6)).prop_map(|(texts, counts, users)| {
            World {
                texts,
                counts,
                users,
            }
        })
    })
}

/// The metric as an experiment would make it: by its name and at most a cut-off.
fn build(entry: &Entry, k: Option<usize>) -> Arc<dyn Metric> {
    let options = k.map_or_else(|| json!({}), |k| json!({ "k": k }));
    match entry.parse(options) {
        Ok(AnyComponent::Metric(metric)) => metric,
        Ok(_) => panic!("{} is registered as a metric and is none", entry.name),
        Err(error) => panic!("metric {} has no defaults: {error}", entry.name),
    }
}

/// Every registered metric at growing cut-offs, the last being none at all. A metric that is a
/// program is held against laws by `gloss check`.
fn metrics() -> Vec<(String, Vec<Arc<dyn Metric>>)> {
    let registry = Registry::compiled_in().unwrap();
    let metrics: Vec<_> = registry
        .entries()
        .filter(|entry| entry.kind == Kind::Metric && entry.name != "command")
        .map(|entry| {
            let has_cutoff = entry.options().iter().any(|option| option.name == "k");
            let cutoffs = CUTOFFS.into_iter().filter(|_| has_cutoff).map(Some);
            let built = cutoffs.chain([None]).map(|k| build(entry, k)).collect();
            (entry.name.clone(), built)
        })
        .collect();
    assert!(!metrics.is_empty(), "no metric is linked");
    metrics
}

fn each_metric() -> Vec<Arc<dyn Metric>> {
    metrics().into_iter().flat_map(|(_, built)| built).collect()
}

fn values(scores: &Scores) -> Vec<f64> {
    match scores {
        Scores::PerUser(values) => values.clone(),
        Scores::Overall(value) => vec![*value],
    }
}

/// Checks that `holds` of each value of the one and of the other.
fn compare(
    metric: &dyn Metric,
    (one, other): (&Scores, &Scores),
    holds: impl Fn(f64, f64) -> bool,
) -> Result<(), TestCaseError> {
    let (one, other) = (values(one), values(other));
    prop_assert_eq!(one.len(), other.len(), "{}", metric.label());
    for (user, (a, b)) in one.iter().zip(&other).enumerate() {
        prop_assert!(holds(*a, *b), "{}, user {user}: {a}, {b}", metric.label());
    }
    Ok(())
}

fn equal(metric: &dyn Metric, one: &Scores, other: &Scores) -> Result<(), TestCaseError> {
    compare(metric, (one, other), |a, b| (a - b).abs() < ROUNDING)
}

#[test]
fn a_metric_is_named_as_it_is_registered_and_built() {
    for (name, built) in metrics() {
        for metric in built {
            let expected = match metric.cutoff() {
                Some(k) => format!("{name}@{k}"),
                None => name.clone(),
            };
            // That of rbp has its persistence after a dot.
            let label = metric.label();
            assert_eq!(label.split('.').next(), Some(expected.as_str()));
            assert!(!metric.formula().is_empty(), "{name} has no formula");
        }
    }
}

proptest! {
    #[test]
    fn values_stay_in_the_range(world in world()) {
        for metric in each_metric() {
            let scores = world.score(&*metric);
            let range = metric.invariants().range;
            for value in values(&scores).into_iter().chain([scores.value()]) {
                prop_assert!(value.is_finite(), "{}: {value}", metric.label());
                prop_assert!(range.contains(&value), "{}: {value} not in {range:?}", metric.label());
            }
        }
    }

    #[test]
    fn a_deeper_look_never_lowers_a_monotone_metric(world in world()) {
        for (_, built) in metrics() {
            for pair in built.windows(2).filter(|pair| pair[0].invariants().monotone_in_cutoff) {
                let scores = (&world.score(&*pair[0]), &world.score(&*pair[1]));
                compare(&*pair[0], scores, |less, more| less <= more + ROUNDING)?;
            }
        }
    }

    #[test]
    fn no_order_is_better_than_the_ideal_one(world in world()) {
        let ideal = world.map(User::ideal);
        let sorted = world.map(|user| {
            let mut sorted = user.clone();
            sorted.sort_by_grade();
            sorted
        });
        for metric in each_metric().iter().filter(|m| m.invariants().measures_relevance) {
            let sign = if metric.invariants().higher_is_better { 1.0 } else { -1.0 };
            let better = |a: f64, b: f64| sign * a >= sign * b - ROUNDING;
            let scores = world.score(&**metric);
            compare(&**metric, (&ideal.score(&**metric), &scores), better)?;
            compare(&**metric, (&sorted.score(&**metric), &scores), better)?;
        }
    }

    #[test]
    fn what_is_ranked_after_the_cutoff_does_not_count(world in world()) {
        for metric in each_metric() {
            let Some(k) = metric.cutoff() else { continue };
            let scores = world.score(&*metric);
            let cut = world.map(|user| {
                let mut user = user.clone();
                user.ranking.truncate(k);
                user
            });
            prop_assert_eq!(&cut.score(&*metric), &scores, "{} of a cut ranking", metric.label());
            let other = world.map(|user| {
                let mut user = user.clone();
                let k = k.min(user.ranking.len());
                user.ranking[k..].reverse();
                user
            });
            prop_assert_eq!(&other.score(&*metric), &scores, "{} of another end", metric.label());
        }
    }

    #[test]
    fn items_have_no_names((world, places) in world().prop_flat_map(|world| {
        let places: Vec<u32> = (0..world.texts.len() as u32).collect();
        (Just(world), Just(places).prop_shuffle())
    })) {
        let renamed = world.rename(&places);
        for metric in each_metric() {
            equal(&*metric, &renamed.score(&*metric), &world.score(&*metric))?;
        }
    }

    #[test]
    fn users_have_no_order(world in world(), turn in any::<Index>()) {
        let by = if world.users.is_empty() { 0 } else { turn.index(world.users.len()) };
        let mut turned = world.clone();
        turned.users.rotate_left(by);
        turned.users.reverse();
        for metric in each_metric() {
            let mut scores = world.score(&*metric);
            let of_turned = turned.score(&*metric);
            prop_assert!((scores.value() - of_turned.value()).abs() < ROUNDING);
            if let Scores::PerUser(values) = &mut scores {
                values.rotate_left(by);
                values.reverse();
            }
            equal(&*metric, &of_turned, &scores)?;
        }
    }

    #[test]
    fn without_a_hit_agreement_is_zero(world in world()) {
        let missed = world.map(|user| {
            let mut user = user.clone();
            let ranked: BTreeSet<u32> = user.ranking.iter().copied().collect();
            user.relevant.retain(|(item, grade)| *grade <= 0.0 || !ranked.contains(item));
            user
        });
        for metric in each_metric().iter().filter(|m| m.invariants().measures_relevance) {
            for value in values(&missed.score(&**metric)) {
                prop_assert_eq!(value, 0.0, "{}", metric.label());
            }
        }
    }
}
