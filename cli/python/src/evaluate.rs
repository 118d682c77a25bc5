//! Metrics of rankings in dictionaries and arrays.

use std::collections::HashMap;
use std::sync::Arc;

use gloss_core::{Error, Evaluation, Metric, Ragged, Registry, Result, Scores};
use gloss_engine::ExperimentConfig;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;

use crate::errors::raised;
use crate::judged::{Judged, grade, score};

/// The metrics of a call: each a table of its name and its options, as JSON, and the lowest grade that
/// is relevant.
type Wanted = Vec<(String, f32)>;

/// The values of each metric by user, and the mean.
type Values<'py> = Vec<(Option<Bound<'py, PyArray1<f64>>>, f64)>;

/// Evaluates dictionaries from users to dictionaries from items to grades or scores, for the users of
/// the grades in their order. Users without scores are an error unless `missing` is True.
#[pyfunction]
pub(crate) fn evaluate_dicts<'py>(
    py: Python<'py>,
    qrels: &Bound<'py, PyDict>,
    run: &Bound<'py, PyDict>,
    metrics: Wanted,
    missing: bool,
) -> PyResult<Values<'py>> {
    let first = |dict: &Bound<'py, PyDict>| dict.values().iter().next().map(|first| first.len());
    let (judged, ranked) = (first(qrels).transpose()?, first(run).transpose()?);
    let users = qrels.len();
    let capacity = |length: Option<usize>| users * length.unwrap_or_default();
    let mut all = Judged::with_capacity(users, capacity(ranked), capacity(judged));
    for (user, grades) in qrels.iter() {
        let grades = grades.cast_into::<PyDict>()?;
        match run.get_item(&user)? {
            Some(scores) => dict_user(&mut all, &user, &grades, scores.cast::<PyDict>()?)?,
            None if missing => dict_user(&mut all, &user, &grades, &PyDict::new(py))?,
            None => {
                let message = format!(
                    "the run has no ranking of {}; give `make_comparable=True` to score it 0",
                    name(&user)
                );
                return Err(raised(Error::Usage(message)));
            }
        }
    }
    evaluate(py, &all, &metrics)
}

/// Adds a user. Ranked items are numbered in their order, others after them.
fn dict_user<'py>(
    all: &mut Judged,
    user: &Bound<'py, PyAny>,
    grades: &Bound<'py, PyDict>,
    scores: &Bound<'py, PyDict>,
) -> PyResult<()> {
    let of_user = || name(user);
    let scored = all.scores();
    for (place, (_, value)) in (0..).zip(scores.iter()) {
        let value = score(value.extract()?, of_user).map_err(raised)?;
        scored.push((value, place));
    }
    let ranked = scores.len() as u32;
    let judgements = all.judgements();
    // The shorter of the two is looked up in the longer.
    if let [(item, value)] = &grades.iter().collect::<Vec<_>>()[..] {
        let value = grade(value.extract()?, of_user).map_err(raised)?;
        let place = match scores.contains(item)? {
            true => place_of(scores, item)?,
            false => ranked,
        };
        judgements.push((place, value));
        all.push();
        return Ok(());
    }
    for (place, (item, _)) in (0..).zip(scores.iter()) {
        if let Some(value) = grades.get_item(item)? {
            judgements.push((place, grade(value.extract()?, of_user).map_err(raised)?));
        }
    }
    for (place, (item, value)) in (ranked..).zip(grades.iter()) {
        if !scores.contains(item)? {
            judgements.push((place, grade(value.extract()?, of_user).map_err(raised)?));
        }
    }
    all.push();
    Ok(())
}

/// The place of a key in the order of a dictionary.
fn place_of(dict: &Bound<'_, PyDict>, key: &Bound<'_, PyAny>) -> PyResult<u32> {
    for (place, (other, _)) in (0..).zip(dict.iter()) {
        if other.is(key) || other.eq(key)? {
            return Ok(place);
        }
    }
    Ok(dict.len() as u32)
}

fn name(user: &Bound<'_, PyAny>) -> String {
    match user.cast::<PyString>() {
        Ok(text) => format!("user {text}"),
        Err(_) => format!("user {user:?}"),
    }
}

/// Evaluates arrays with a row for each user: judged items with their grades, and ranked items with
/// their scores, or best first without. Items below 0 fill up rows.
#[pyfunction]
pub(crate) fn evaluate_arrays<'py>(
    py: Python<'py>,
    judged: PyReadonlyArray2<'py, i64>,
    grades: Option<PyReadonlyArray2<'py, f64>>,
    ranked: PyReadonlyArray2<'py, i64>,
    scores: Option<PyReadonlyArray2<'py, f64>>,
    metrics: Wanted,
) -> PyResult<Values<'py>> {
    let (judged, ranked) = (judged.as_array(), ranked.as_array());
    let grades = grades.as_ref().map(|grades| grades.as_array());
    let scores = scores.as_ref().map(|scores| scores.as_array());
    let fill = || {
        let users = judged.nrows();
        let mut all = Judged::with_capacity(users, ranked.len(), judged.len());
        let mut places = Places::default();
        for user in 0..users {
            let of_user = || format!("row {user}");
            places.clear();
            let scored = all.scores();
            for (at, item) in ranked
                .row(user)
                .iter()
                .enumerate()
                .filter(|(_, item)| **item >= 0)
            {
                let value = match &scores {
                    Some(scores) => score(scores[(user, at)], of_user)?,
                    None => -(at as f64),
                };
                scored.push((value, places.add(*item, of_user)?));
            }
            let judgements = all.judgements();
            for (at, item) in judged
                .row(user)
                .iter()
                .enumerate()
                .filter(|(_, item)| **item >= 0)
            {
                let value = grades.as_ref().map_or(1.0, |grades| grades[(user, at)]);
                judgements.push((places.find(*item), grade(value, of_user)?));
            }
            all.push();
        }
        Ok(all)
    };
    let all = py.detach(fill).map_err(raised)?;
    evaluate(py, &all, &metrics)
}

/// Evaluates rows of users, items, and grades or scores, of which users are numbers below `users`.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "columns of two tables")]
pub(crate) fn evaluate_rows<'py>(
    py: Python<'py>,
    users: usize,
    judged_users: PyReadonlyArray1<'py, i64>,
    judged_items: PyReadonlyArray1<'py, i64>,
    grades: PyReadonlyArray1<'py, f64>,
    ranked_users: PyReadonlyArray1<'py, i64>,
    ranked_items: PyReadonlyArray1<'py, i64>,
    scores: PyReadonlyArray1<'py, f64>,
    metrics: Wanted,
) -> PyResult<Values<'py>> {
    let judged = (
        judged_users.as_array(),
        judged_items.as_array(),
        grades.as_array(),
    );
    let ranked = (
        ranked_users.as_array(),
        ranked_items.as_array(),
        scores.as_array(),
    );
    let fill = || {
        let judged = by_user(users, judged.0.iter().zip(judged.1).zip(judged.2));
        let ranked = by_user(users, ranked.0.iter().zip(ranked.1).zip(ranked.2));
        let mut all = Judged::with_capacity(users, ranked.values().len(), judged.values().len());
        let mut places = Places::default();
        for (user, (judged, ranked)) in judged.iter().zip(ranked.iter()).enumerate() {
            let of_user = || format!("the user of number {user}");
            places.clear();
            let scored = all.scores();
            for (item, value) in ranked {
                scored.push((score(*value, of_user)?, places.add(*item, of_user)?));
            }
            let judgements = all.judgements();
            for (item, value) in judged {
                judgements.push((places.find(*item), grade(*value, of_user)?));
            }
            all.push();
        }
        Ok(all)
    };
    let all = py.detach(fill).map_err(raised)?;
    evaluate(py, &all, &metrics)
}

/// The rows of each user, in their order.
fn by_user<'a>(
    users: usize,
    rows: impl Iterator<Item = ((&'a i64, &'a i64), &'a f64)>,
) -> Ragged<(i64, f64)> {
    let mut lists = vec![Vec::new(); users];
    for ((user, item), value) in rows {
        if let Some(list) = usize::try_from(*user)
            .ok()
            .and_then(|user| lists.get_mut(user))
        {
            list.push((*item, *value));
        }
    }
    lists.into_iter().collect()
}

/// The numbers of a user's items.
#[derive(Default)]
struct Places {
    /// Of the first ranked items, which are looked through.
    few: Vec<i64>,
    /// Of all of them, where they are many.
    many: HashMap<i64, u32>,
    others: u32,
}

/// The number of items up to which looking through is faster.
const FEW: usize = 32;

impl Places {
    fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
        self.others = 0;
    }

    /// The number of the next ranked item, which may be ranked once.
    fn add(&mut self, item: i64, user: impl FnOnce() -> String) -> Result<u32> {
        let place = self.few.len();
        if place == FEW {
            let first = self.few.iter().copied().zip(0..);
            self.many = first.collect();
        }
        let twice = match place < FEW {
            true => self.few.contains(&item),
            false => self.many.insert(item, place as u32).is_some(),
        };
        if twice {
            return Err(Error::Usage(format!(
                "item {item} is ranked twice for {}; keep one of them",
                user()
            )));
        }
        self.few.push(item);
        Ok(place as u32)
    }

    /// The number of a judged item: that of the ranked one, or one of its own.
    fn find(&mut self, item: i64) -> u32 {
        let found = match self.few.len() <= FEW {
            true => self
                .few
                .iter()
                .position(|other| *other == item)
                .map(|at| at as u32),
            false => self.many.get(&item).copied(),
        };
        found.unwrap_or_else(|| {
            self.others += 1;
            self.few.len() as u32 + self.others - 1
        })
    }
}

/// The values of the metrics.
fn evaluate<'py>(py: Python<'py>, all: &Judged, metrics: &Wanted) -> PyResult<Values<'py>> {
    let scores = py.detach(|| scores(all, metrics)).map_err(raised)?;
    let values = scores.into_iter().map(|scores| {
        let value = scores.value();
        match scores {
            Scores::PerUser(values) => (Some(values.into_pyarray(py)), value),
            Scores::Overall(_) => (None, value),
        }
    });
    Ok(values.collect())
}

fn scores(all: &Judged, metrics: &Wanted) -> Result<Vec<Scores>> {
    let resolved = resolve(metrics)?;
    let mut results: Vec<Option<Scores>> = metrics.iter().map(|_| None).collect();
    let mut levels: Vec<f32> = metrics.iter().map(|(_, level)| *level).collect();
    levels.sort_by(f32::total_cmp);
    levels.dedup();
    for level in levels {
        let cut;
        let grades = match level <= 1.0 {
            true => &all.grades,
            false => {
                cut = all.at_level(level);
                &cut
            }
        };
        let evaluation = Evaluation::new(&all.rankings, grades)?;
        for ((metric, (_, of)), result) in resolved.iter().zip(metrics).zip(&mut results) {
            if *of == level {
                *result = Some(metric.score(&evaluation)?);
            }
        }
    }
    Ok(results.into_iter().flatten().collect())
}

fn resolve(metrics: &Wanted) -> Result<Vec<Arc<dyn Metric>>> {
    let registry = Registry::known()?;
    let resolve = |(text, _): &(String, f32)| {
        let table: Value =
            serde_json::from_str(text).map_err(|error| Error::Internal(error.to_string()))?;
        // One at a time, since one metric may be asked for at several levels.
        let mut config = ExperimentConfig::new();
        config.replace("metrics", "metrics", Value::Array(vec![table]));
        config.resolve_metrics(&registry)
    };
    let resolved: Result<Vec<_>> = metrics.iter().map(resolve).collect();
    Ok(resolved?.into_iter().flatten().collect())
}
