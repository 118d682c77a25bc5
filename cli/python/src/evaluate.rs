//! Metrics of rankings in dictionaries and arrays.

use std::ops::Range;

use gloss_core::{Error, Ragged, Result};
use numpy::ndarray::ArrayView1;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rayon::prelude::*;

use crate::errors::raised;
use crate::judged::{Judged, grade, score};
use crate::places::Places;
use crate::values::{Wanted, values};

/// The values of each metric by user, and the mean.
type Values<'py> = Vec<(Bound<'py, PyArray1<f64>>, f64)>;

/// The number of users that a thread takes at once.
const PART: usize = 2048;

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
    evaluate(py, &[all], &metrics)
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
    let fill = |users: Range<usize>| {
        let ranked_items = users.len() * ranked.ncols();
        let mut part =
            Judged::with_capacity(users.len(), ranked_items, users.len() * judged.ncols());
        let mut places = Places::default();
        for user in users {
            let of_user = || format!("row {user}");
            places.start(ranked.ncols());
            let scored = part.scores();
            for (at, item) in items(ranked.row(user)) {
                let value = match &scores {
                    Some(scores) => score(scores[(user, at)], of_user)?,
                    None => -(at as f64),
                };
                scored.push((value, places.add(item, of_user)?));
            }
            let judgements = part.judgements();
            for (at, item) in items(judged.row(user)) {
                let value = grades.as_ref().map_or(1.0, |grades| grades[(user, at)]);
                judgements.push((places.find(item), grade(value, of_user)?));
            }
            part.push();
        }
        Ok(part)
    };
    let parts = py
        .detach(|| in_parts(judged.nrows(), fill))
        .map_err(raised)?;
    evaluate(py, &parts, &metrics)
}

/// The items of a row, which may be filled up, with their columns.
fn items(row: ArrayView1<'_, i64>) -> impl Iterator<Item = (usize, i64)> {
    row.into_iter()
        .copied()
        .enumerate()
        .filter(|(_, item)| *item >= 0)
}

/// The work on ranges of users that several threads share, in order.
fn in_parts(
    users: usize,
    fill: impl Fn(Range<usize>) -> Result<Judged> + Sync,
) -> Result<Vec<Judged>> {
    let starts: Vec<usize> = (0..users.max(1)).step_by(PART).collect();
    let parts = starts.into_par_iter();
    parts
        .map(|start| fill(start..users.min(start + PART)))
        .collect()
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
        in_parts(users, |users| {
            let mut part = Judged::with_capacity(users.len(), 0, 0);
            let mut places = Places::default();
            for user in users {
                let of_user = || format!("the user of number {user}");
                let (judged, ranked) = (judged.get(user), ranked.get(user));
                places.start(ranked.len());
                let scored = part.scores();
                for (item, value) in ranked {
                    scored.push((score(*value, of_user)?, places.add(*item, of_user)?));
                }
                let judgements = part.judgements();
                for (item, value) in judged {
                    judgements.push((places.find(*item), grade(*value, of_user)?));
                }
                part.push();
            }
            Ok(part)
        })
    };
    let parts = py.detach(fill).map_err(raised)?;
    evaluate(py, &parts, &metrics)
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

/// The values of the metrics over all parts.
fn evaluate<'py>(py: Python<'py>, parts: &[Judged], metrics: &Wanted) -> PyResult<Values<'py>> {
    let values = py.detach(|| values(parts, metrics)).map_err(raised)?;
    let values = values.into_iter().map(|values| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        (values.into_pyarray(py), mean)
    });
    Ok(values.collect())
}
