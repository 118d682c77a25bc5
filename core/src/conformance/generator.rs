//! Laws of query generators.

use std::sync::Arc;

use super::{Checked, Law, Stop, cancelled, hold, stopped, world};
use crate::{Context, Data, History, Query, QueryContent, QueryGenerator, Result};

type Subject = Arc<dyn QueryGenerator>;

pub(super) const LAWS: [Law<Subject>; 7] = [
    ("equal histories get equal queries", determinism),
    (
        "queries do not depend on the other histories of their batch",
        batches,
    ),
    (
        "queries are of the kind that is declared, items in the catalogue",
        kinds,
    ),
    ("an empty batch and an empty history are answered", empty),
    ("histories longer than the catalogue are answered", long),
    (
        "data without training cases will do, or are refused",
        untrained,
    ),
    ("work that is cancelled stops", cancelling),
];

fn histories(data: &Data) -> Vec<History<'_>> {
    (0..data.histories.len() as u32)
        .map(|user| data.histories.history(user))
        .collect()
}

fn usable(generator: &Subject) -> Checked {
    match generator.trainer() {
        Some(_) => Err(Stop::Skipped("it has to be trained first".to_string())),
        None => Ok(()),
    }
}

fn generate(generator: &Subject, data: &Data, at_once: usize) -> Result<Vec<Vec<Query>>> {
    let context = Context::default();
    let mut live = generator.open(data, &context)?;
    let histories = histories(data);
    let batches = histories.chunks(at_once).map(|batch| live.generate(batch));
    Ok(batches.collect::<Result<Vec<_>>>()?.concat())
}

fn same(first: &[Vec<Query>], second: &[Vec<Query>]) -> Checked {
    hold(first == second, || {
        let pair = first.iter().zip(second).find(|(a, b)| a != b);
        format!("{pair:?}")
    })
}

fn determinism(generator: &Subject) -> Checked {
    usable(generator)?;
    let data = world::data()?;
    same(
        &generate(generator, &data, 100)?,
        &generate(generator, &data, 100)?,
    )
}

fn batches(generator: &Subject) -> Checked {
    usable(generator)?;
    let data = world::data()?;
    let together = generate(generator, &data, 100)?;
    same(&together, &generate(generator, &data, 1)?)?;
    same(&together, &generate(generator, &data, 3)?)?;
    let context = Context::default();
    let mut live = generator.open(&data, &context)?;
    let mut backwards = histories(&data);
    backwards.reverse();
    let mut queries = live.generate(&backwards)?;
    queries.reverse();
    same(&together, &queries)
}

fn kinds(generator: &Subject) -> Checked {
    usable(generator)?;
    let data = world::data()?;
    let queries = generate(generator, &data, 100)?;
    hold(queries.len() == data.histories.len(), || {
        format!(
            "{} lists for {} histories",
            queries.len(),
            data.histories.len()
        )
    })?;
    for query in queries.iter().flatten() {
        let in_catalogue = match query.content {
            QueryContent::Item(item) => (item as usize) < data.catalogue.len(),
            _ => true,
        };
        let declared = query.content.kind() == generator.produces();
        hold(
            declared && in_catalogue && query.log_probability.is_finite(),
            || format!("{query:?}"),
        )?;
    }
    let any = queries.iter().any(|queries| !queries.is_empty());
    hold(any, || "no history gets a query".to_string())
}

fn empty(generator: &Subject) -> Checked {
    usable(generator)?;
    let (data, context) = (world::data()?, Context::default());
    let mut live = generator.open(&data, &context)?;
    let none = live.generate(&[])?;
    hold(none.is_empty(), || format!("an empty batch gets {none:?}"))?;
    let empty = live.generate(&[data.histories.history(0)])?;
    hold(empty.len() == 1, || {
        format!("one history gets {} lists", empty.len())
    })
}

fn long(generator: &Subject) -> Checked {
    usable(generator)?;
    let (data, context) = (world::data()?, Context::default());
    let mut live = generator.open(&data, &context)?;
    let longest = histories(&data)
        .into_iter()
        .max_by_key(|history| history.items.len());
    live.generate(&longest.into_iter().collect::<Vec<_>>())?;
    Ok(())
}

fn untrained(generator: &Subject) -> Checked {
    usable(generator)?;
    let mut data = world::data()?;
    data.splits.train.clear();
    match generate(generator, &data, 100) {
        Ok(_) | Err(crate::Error::Usage(_) | crate::Error::Config(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn cancelling(generator: &Subject) -> Checked {
    usable(generator)?;
    let (data, context) = (world::data()?, cancelled());
    let live = generator.open(&data, &context);
    stopped(live.and_then(|mut live| live.generate(&histories(&data))))
}
