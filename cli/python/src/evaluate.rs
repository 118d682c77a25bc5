//! Metrics of rankings in dictionaries and arrays.

use std::ops::Range;

use gloss_core::{Error, Ragged, Result};
use numpy::ndarray::{ArrayView2, Axis};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rayon::prelude::*;

use crate::errors::raised;
use crate::judged::{Judged, grade, score};
use crate::places::Places;
use crate::values::{Wanted, values};

/// The values of each metric by user, and the mean.
type Values<'py> = Vec<(Bound<'py, PyArray1<f64>>, f64)>;

/// The number that fills up rows of arrays.
const FILL: i64 = -1;
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
    // A single judged item is by far the most common case.
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

/// Evaluates arrays with a row for each user: judged items, each relevant, and ranked items, best first.
/// The number -1 fills up rows.
#[pyfunction]
pub(crate) fn evaluate_arrays<'py>(
    py: Python<'py>,
    judged: PyReadonlyArray2<'py, i64>,
    ranked: PyReadonlyArray2<'py, i64>,
    metrics: Wanted,
) -> PyResult<Values<'py>> {
    let (judged, ranked) = (judged.as_array(), ranked.as_array());
    let is_real = |item: &&i64| **item != FILL;
    let relevant = |user: usize| {
        let items = judged.row(user).into_iter().filter(is_real);
        items.map(|item| whole(*item, 1.0))
    };
    let best_first = |user: usize| {
        let items = ranked.row(user).into_iter().filter(is_real).enumerate();
        items.map(|(place, item)| whole(*item, -(place as f64)))
    };
    let lengths = judged.ncols() + ranked.ncols();
    let fill = |users| part(users, lengths, relevant, best_first, &NUMBERS);
    let parts = py
        .detach(|| in_parts(judged.nrows(), fill))
        .map_err(raised)?;
    evaluate(py, &parts, &metrics)
}

fn whole(item: i64, value: f64) -> Result<(i64, f64)> {
    match item >= 0 {
        true => Ok((item, value)),
        false => Err(Error::Usage(format!(
            "the numbers of items begin at 0, and -1 fills up rows; found {item}"
        ))),
    }
}

/// Evaluates ranx's arrays, with a list for each user of pairs of an item's number and its grade or score.
#[pyfunction]
pub(crate) fn evaluate_pairs<'py>(
    py: Python<'py>,
    judged: PyReadonlyArray3<'py, f64>,
    ranked: PyReadonlyArray3<'py, f64>,
    metrics: Wanted,
) -> PyResult<Values<'py>> {
    let (judged, ranked) = (judged.as_array(), ranked.as_array());
    let judged_row = |user: usize| pairs(judged.index_axis_move(Axis(0), user));
    let ranked_row = |user: usize| pairs(ranked.index_axis_move(Axis(0), user));
    let lengths = ranked.shape()[1] + judged.shape()[1];
    let fill = |users| part(users, lengths, judged_row, ranked_row, &NUMBERS);
    let parts = py
        .detach(|| in_parts(judged.shape()[0], fill))
        .map_err(raised)?;
    evaluate(py, &parts, &metrics)
}

/// The pairs of a user; a number of an item is whole and below 2^53, up to which it is exact.
fn pairs(rows: ArrayView2<'_, f64>) -> impl Iterator<Item = Result<(i64, f64)>> {
    (0..rows.nrows()).map(move |at| {
        let (item, value) = (rows[(at, 0)], rows[(at, 1)]);
        match item.fract() == 0.0 && item.abs() < 9_007_199_254_740_992.0 {
            true => Ok((item as i64, value)),
            false => Err(Error::Usage(format!(
                "the number of an item is whole and below 2^53, where arrays hold it exactly; found {item}"
            ))),
        }
    })
}

/// The names of users and items in errors.
struct Names<'a> {
    user: &'a (dyn Fn(usize) -> String + Sync),
    item: &'a (dyn Fn(i64) -> String + Sync),
}

const NUMBERS: Names<'static> = Names {
    user: &|user| format!("row {user}"),
    item: &|item| format!("item {item}"),
};

/// A range of users with the items of each, of which a user has at most `longest`.
fn part<J, R>(
    users: Range<usize>,
    longest: usize,
    judged_row: impl Fn(usize) -> J,
    ranked_row: impl Fn(usize) -> R,
    names: &Names<'_>,
) -> Result<Judged>
where
    J: Iterator<Item = Result<(i64, f64)>>,
    R: Iterator<Item = Result<(i64, f64)>>,
{
    let mut part = Judged::with_capacity(users.len(), users.len() * longest, users.len());
    let mut places = Places::default();
    for user in users {
        let of_user = || (names.user)(user);
        let twice = |item: i64, done: &str| {
            let (item, user) = ((names.item)(item), of_user());
            Error::Usage(format!(
                "{item} is {done} twice for {user}; keep one of them"
            ))
        };
        places.start(longest);
        let scored = part.scores();
        for row in ranked_row(user) {
            let (item, value) = row?;
            let place = places.add(item).ok_or_else(|| twice(item, "ranked"))?;
            scored.push((score(value, of_user)?, place));
        }
        let judgements = part.judgements();
        for row in judged_row(user) {
            let (item, value) = row?;
            let place = places.judge(item).ok_or_else(|| twice(item, "judged"))?;
            judgements.push((place, grade(value, of_user)?));
        }
        part.push();
    }
    Ok(part)
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

/// Evaluates rows of users, items, and grades or scores: users and items are places in `users` and `items`.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "columns of two tables")]
pub(crate) fn evaluate_rows<'py>(
    py: Python<'py>,
    users: Vec<String>,
    items: Vec<String>,
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
        let judged = by_user(users.len(), judged.0.iter().zip(judged.1).zip(judged.2));
        let ranked = by_user(users.len(), ranked.0.iter().zip(ranked.1).zip(ranked.2));
        let longest = |lists: &Ragged<(i64, f64)>| lists.iter().map(<[_]>::len).max().unwrap_or(0);
        let longest = longest(&ranked) + longest(&judged);
        let judged_row = |user: usize| judged.get(user).iter().copied().map(Ok);
        let ranked_row = |user: usize| ranked.get(user).iter().copied().map(Ok);
        let names = Names {
            user: &|user| format!("user {}", users[user]),
            item: &|item| format!("item {}", items[item as usize]),
        };
        in_parts(users.len(), |range| {
            part(range, longest, judged_row, ranked_row, &names)
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
