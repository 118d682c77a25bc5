//! Invariants of query generators.

use std::sync::Arc;

use super::check::{Checked, Invariant, Stop, cancelled, hold, stopped};
use super::world;
use gloss_core::{
    Context, Data, Error, ErrorClass, History, Query, QueryContent, QueryGenerator, QueryKind,
    Result,
};
use tempfile::TempDir;

/// The relative tolerance of a log-probability.
const ROUNDING: f32 = 1e-3;

/// A generator, trained if it has to be, and data that it does not refuse.
pub(super) struct Subject {
    /// As its options make it.
    configured: Arc<dyn QueryGenerator>,
    generator: Arc<dyn QueryGenerator>,
    data: Data,
    /// Why it cannot be tried.
    refusal: Option<String>,
    /// The result of its training.
    _trained: Option<TempDir>,
}

impl Subject {
    pub(super) fn new(generator: Arc<dyn QueryGenerator>) -> Result<Self> {
        let mut subject = Subject {
            configured: Arc::clone(&generator),
            generator,
            data: world::data()?,
            refusal: None,
            _trained: None,
        };
        if let Err(refused) = subject.train() {
            match refused.class() {
                ErrorClass::User => {
                    subject.refusal = Some(format!("it has to be trained first: {refused}"));
                }
                _ => return Err(refused),
            }
        } else if subject.refused().is_some() {
            subject.data = world::plain_data()?;
            subject.refusal = subject.refused();
        }
        Ok(subject)
    }

    /// Trains the generator if it has to be.
    fn train(&mut self) -> Result<()> {
        if let Some((trained, folder)) = trained(self.configured.as_ref(), &self.data)? {
            self.generator = trained;
            self._trained = Some(folder);
        }
        Ok(())
    }

    /// Why the generator does not take the data.
    fn refused(&self) -> Option<String> {
        let context = Context::default();
        let opened = self.generator.open(&self.data, &context);
        let opened = opened
            .err()
            .filter(|error| error.class() == ErrorClass::User);
        opened.map(|error| error.to_string())
    }

    fn data(&self) -> Result<&Data, Stop> {
        match &self.refusal {
            Some(why) => Err(Stop::Skipped(why.clone())),
            None => Ok(&self.data),
        }
    }
}

/// The generator after its training on `data`, by a metric that is always the same, and the folder
/// of the result; `None` if it needs no training.
fn trained(
    generator: &dyn QueryGenerator,
    data: &Data,
) -> Result<Option<(Arc<dyn QueryGenerator>, TempDir)>> {
    let Some(trainer) = generator.trainer() else {
        return Ok(None);
    };
    let folder = tempfile::tempdir().map_err(Error::io("make the folder", std::env::temp_dir()))?;
    let context = Context::default();
    trainer.train(data, folder.path(), &|_| Ok(0.0), &context)?;
    Ok(Some((trainer.trained(folder.path()), folder)))
}

pub(super) const INVARIANTS: [Invariant<Subject>; 8] = [
    ("equal histories get equal queries", determinism),
    ("equal trainings give equal queries", training),
    (
        "queries do not depend on the other histories of their batch",
        batches,
    ),
    (
        "queries are of the declared kind, with items of the catalogue",
        kinds,
    ),
    ("an empty batch and an empty history are accepted", empty),
    ("histories longer than the catalogue are accepted", long),
    (
        "data without training examples is accepted, or is a user error",
        untrained,
    ),
    ("cancelled work stops", cancelling),
];

fn histories(data: &Data) -> Vec<History<'_>> {
    (0..data.histories.len() as u32)
        .map(|user| data.histories.history(user))
        .collect()
}

fn generate(subject: &Subject, data: &Data, at_once: usize) -> Result<Vec<Vec<Query>>> {
    generate_by(subject.generator.as_ref(), data, at_once)
}

fn generate_by(
    generator: &dyn QueryGenerator,
    data: &Data,
    at_once: usize,
) -> Result<Vec<Vec<Query>>> {
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

/// Equal but for the rounding of log-probabilities, which batches of other shapes do otherwise.
fn alike(first: &[Vec<Query>], second: &[Vec<Query>]) -> Checked {
    let near = |a: &f32, b: &f32| (a - b).abs() <= ROUNDING * a.abs().max(1.0);
    let same_items = |a: &[(u32, f32)], b: &[(u32, f32)]| {
        let mut pairs = a.iter().zip(b);
        a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && near(&a.1, &b.1))
    };
    let alike = |(a, b): (&Query, &Query)| {
        let content = match (&a.content, &b.content) {
            (QueryContent::Items(a), QueryContent::Items(b)) => same_items(a, b),
            (a, b) => a == b,
        };
        content && near(&a.log_probability, &b.log_probability)
    };
    let all_alike =
        |a: &Vec<Query>, b: &Vec<Query>| a.len() == b.len() && a.iter().zip(b).all(alike);
    let different = first.iter().zip(second).find(|(a, b)| !all_alike(a, b));
    hold(first.len() == second.len() && different.is_none(), || {
        format!("{different:?}")
    })
}

fn determinism(subject: &Subject) -> Checked {
    let data = subject.data()?;
    same(
        &generate(subject, data, 100)?,
        &generate(subject, data, 100)?,
    )
}

fn training(subject: &Subject) -> Checked {
    let data = subject.data()?;
    let Some((again, _folder)) = trained(subject.configured.as_ref(), data)? else {
        return Err(Stop::Skipped("it needs no training".to_string()));
    };
    same(
        &generate(subject, data, 100)?,
        &generate_by(again.as_ref(), data, 100)?,
    )
}

fn batches(subject: &Subject) -> Checked {
    let data = subject.data()?;
    let together = generate(subject, data, 100)?;
    alike(&together, &generate(subject, data, 1)?)?;
    alike(&together, &generate(subject, data, 3)?)?;
    let context = Context::default();
    let mut live = subject.generator.open(data, &context)?;
    let mut backwards = histories(data);
    backwards.reverse();
    let mut queries = live.generate(&backwards)?;
    queries.reverse();
    alike(&together, &queries)
}

fn kinds(subject: &Subject) -> Checked {
    let data = subject.data()?;
    let queries = generate(subject, data, 100)?;
    hold(queries.len() == data.histories.len(), || {
        format!(
            "{} lists for {} histories",
            queries.len(),
            data.histories.len()
        )
    })?;
    let ranks = subject.generator.produces() == QueryKind::Items;
    let most = queries.iter().map(Vec::len).max().unwrap_or(0);
    hold(!ranks || most <= 1, || {
        format!("{most} rankings of items for one user")
    })?;
    for query in queries.iter().flatten() {
        let in_catalogue = match query.content {
            QueryContent::Items(ref items) => items
                .iter()
                .all(|(item, score)| (*item as usize) < data.catalogue.len() && score.is_finite()),
            _ => true,
        };
        let declared = query.content.kind() == subject.generator.produces();
        hold(
            declared && in_catalogue && query.log_probability.is_finite(),
            || format!("{query:?}"),
        )?;
    }
    let any = queries.iter().any(|queries| !queries.is_empty());
    hold(any, || "no history gets a query".to_string())
}

fn empty(subject: &Subject) -> Checked {
    let (data, context) = (subject.data()?, Context::default());
    let mut live = subject.generator.open(data, &context)?;
    let none = live.generate(&[])?;
    hold(none.is_empty(), || format!("an empty batch gets {none:?}"))?;
    let empty = live.generate(&[data.histories.history(0)])?;
    hold(empty.len() == 1, || {
        format!("one history gets {} lists", empty.len())
    })
}

fn long(subject: &Subject) -> Checked {
    let (data, context) = (subject.data()?, Context::default());
    let mut live = subject.generator.open(data, &context)?;
    let longest = histories(data)
        .into_iter()
        .max_by_key(|history| history.items.len());
    live.generate(&longest.into_iter().collect::<Vec<_>>())?;
    Ok(())
}

fn untrained(subject: &Subject) -> Checked {
    let mut data = subject.data()?.clone();
    data.splits.train.clear();
    match generate(subject, &data, 100) {
        Ok(_) | Err(Error::Usage(_) | Error::Config(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn cancelling(subject: &Subject) -> Checked {
    let (data, context) = (subject.data()?, cancelled());
    let live = subject.generator.open(data, &context);
    stopped(live.and_then(|mut live| live.generate(&histories(data))))
}
