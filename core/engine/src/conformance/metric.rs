//! Invariants of metrics.

use std::sync::Arc;

use super::check::{Checked, Invariant, Stop, hold};
use super::world;
use gloss_core::{Evaluation, Metric, Ragged, Result, Scores};

type Subject = Arc<dyn Metric>;
type User = (Vec<u32>, Vec<(u32, f32)>);

const ROUNDING: f64 = 1e-9;

pub(super) const INVARIANTS: [Invariant<Subject>; 7] = [
    ("equal rankings get equal values", determinism),
    ("values are finite and within the declared range", range),
    (
        "no users, empty rankings and no relevant items are accepted",
        empty,
    ),
    ("a user's value does not depend on the others", independence),
    ("items below the cut-off have no effect", cutoff),
    (
        "a relevance metric is lowest without a hit and highest for the ideal ranking",
        relevance,
    ),
    ("it has a label and a formula", label),
];

fn users() -> Vec<User> {
    vec![
        (vec![3, 1, 2], vec![(3, 1.0)]),
        (vec![1, 2, 3], vec![(3, 1.0)]),
        (vec![5, 6, 7, 8, 9], vec![(9, 2.0), (5, 1.0), (20, 3.0)]),
        (vec![], vec![(1, 1.0)]),
        (vec![4, 2], vec![]),
        ((0..30).collect(), vec![(29, 1.0), (0, 1.0)]),
        (vec![10], vec![(11, 1.0)]),
    ]
}

fn score(metric: &Subject, users: &[User]) -> Result<Scores> {
    let catalogue = world::catalogue()?;
    let counts: Vec<u64> = (0..catalogue.len() as u64).map(|item| item % 7).collect();
    let rankings: Ragged<u32> = users.iter().map(|user| user.0.clone()).collect();
    let relevant: Ragged<(u32, f32)> = users.iter().map(|user| user.1.clone()).collect();
    let evaluation = Evaluation::new(&rankings, &relevant)?.with_catalogue(&catalogue, &counts);
    metric.score(&evaluation)
}

fn per_user(metric: &Subject, users: &[User]) -> Result<Vec<f64>, Stop> {
    match score(metric, users)? {
        Scores::PerUser(values) => Ok(values),
        Scores::Overall(_) => Err(Stop::Skipped("it has one value over all users".to_string())),
    }
}

fn near(first: f64, second: f64) -> bool {
    (first - second).abs() <= ROUNDING
}

fn determinism(metric: &Subject) -> Checked {
    let (first, second) = (score(metric, &users())?, score(metric, &users())?);
    hold(first == second, || format!("{first:?}, and {second:?}"))
}

fn range(metric: &Subject) -> Checked {
    let invariants = metric.invariants();
    let (least, greatest) = (
        invariants.range.start() - ROUNDING,
        invariants.range.end() + ROUNDING,
    );
    let fine = |value: &f64| value.is_finite() && (least..=greatest).contains(value);
    let scores = score(metric, &users())?;
    let holds = match &scores {
        Scores::PerUser(values) => values.len() == users().len() && values.iter().all(fine),
        Scores::Overall(value) => fine(value),
    };
    hold(holds, || {
        format!("{scores:?}, outside {:?}", invariants.range)
    })
}

fn empty(metric: &Subject) -> Checked {
    for users in [
        vec![],
        vec![(vec![], vec![])],
        vec![(vec![], vec![(1, 0.0)])],
    ] {
        let scores = score(metric, &users)?;
        hold(scores.value().is_finite(), || {
            format!("{users:?}: {scores:?}")
        })?;
    }
    Ok(())
}

fn independence(metric: &Subject) -> Checked {
    let together = per_user(metric, &users())?;
    for (user, expected) in users().into_iter().zip(&together) {
        let alone = per_user(metric, std::slice::from_ref(&user))?;
        hold(alone.len() == 1 && near(alone[0], *expected), || {
            format!("{user:?}: {expected} among others, {alone:?} alone")
        })?;
    }
    let mut backwards = users();
    backwards.reverse();
    let mut values = per_user(metric, &backwards)?;
    values.reverse();
    hold(values == together, || {
        format!("{together:?}, and {values:?}")
    })
}

fn cutoff(metric: &Subject) -> Checked {
    let Some(cutoff) = metric.cutoff() else {
        return Err(Stop::Skipped("it looks at whole rankings".to_string()));
    };
    let mut cut = users();
    cut.iter_mut().for_each(|user| user.0.truncate(cutoff));
    let (whole, cut) = (score(metric, &users())?, score(metric, &cut)?);
    hold(near(whole.value(), cut.value()), || {
        format!("{whole:?}, and {cut:?}")
    })
}

fn relevance(metric: &Subject) -> Checked {
    let invariants = metric.invariants();
    if !invariants.measures_relevance {
        return Err(Stop::Skipped("it does not judge relevance".to_string()));
    }
    let (worst, best) = match invariants.higher_is_better {
        true => (*invariants.range.start(), *invariants.range.end()),
        false => (*invariants.range.end(), *invariants.range.start()),
    };
    let without = score(metric, &[(vec![1, 2, 3], vec![(9, 1.0)])])?.value();
    hold(near(without, worst), || format!("{without} without a hit"))?;
    let ranked = |ranking: Vec<u32>| score(metric, &[(ranking, vec![(3, 1.0)])]);
    let ideal = ranked(vec![3])?.value();
    let holds = ranked(vec![1, 3])?.value();
    let no_better = match invariants.higher_is_better {
        true => holds <= ideal + ROUNDING && ideal <= best + ROUNDING && ideal > worst,
        false => holds >= ideal - ROUNDING && ideal >= best - ROUNDING && ideal < worst,
    };
    hold(no_better, || {
        format!("{ideal} for the ideal ranking, {holds} for another")
    })
}

fn label(metric: &Subject) -> Checked {
    hold(!metric.label().is_empty(), || "no label".to_string())?;
    hold(!metric.formula().is_empty(), || "no formula".to_string())
}
