//! The third stage: histories become queries, written as they are made.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Prepared;
use crate::store::{Artefact, Input, Remains, Store, damaged, identity, read_inputs};
use crate::{
    Case, Context, Data, Error, History, Lists, Query, QueryContent, QueryGenerator, Result, Split,
    Unit,
};

/// The file of an artefact of this stage: one JSON object a line, in the order of the cases.
const QUERIES: &str = "queries.jsonl";

/// All cases' queries.
pub struct Generated {
    /// A list for each case of the split, in order.
    pub queries: Lists<Query>,
    /// The files that the generator read.
    pub inputs: Vec<Input>,
    /// The queries' folder.
    pub artefact: Artefact,
}

/// One case's line.
#[derive(Serialize, Deserialize)]
struct Line {
    user: String,
    queries: Vec<(QueryContent, f32)>,
}

impl Data {
    /// The cases of a split.
    pub fn cases(&self, split: Split) -> &[Case] {
        match split {
            Split::Test => &self.splits.test,
            Split::Validation => &self.splits.validation,
        }
    }
}

/// Has the generator make the queries of all cases of `split`, or finds those that it made
/// before. Goes on where an earlier attempt was killed.
///
/// # Errors
/// If the generator fails or breaks its contract, or a file cannot be written.
pub fn generate(
    generator: &dyn QueryGenerator,
    split: Split,
    prepared: &Prepared,
    store: &Store,
    context: &Context,
) -> Result<Generated> {
    let inputs = read_inputs(generator.inputs()?, context)?;
    let made_from = json!({
        "generator": identity(generator)?,
        "inputs": Input::identity(&inputs),
        "data": prepared.artefact.key,
        "split": split,
    });
    let cases = prepared.data.cases(split);
    let artefact = store.obtain(
        "generate",
        made_from,
        Remains::Continue,
        context,
        |folder| {
            write(
                generator,
                cases,
                &prepared.data,
                &folder.join(QUERIES),
                context,
            )
        },
    )?;
    let path = artefact.folder.join(QUERIES);
    let queries = read(&path, cases, &prepared.data)?;
    Ok(Generated {
        queries,
        inputs,
        artefact,
    })
}

fn write(
    generator: &dyn QueryGenerator,
    cases: &[Case],
    data: &Data,
    path: &Path,
    context: &Context,
) -> Result<()> {
    let (file, done) = resume(path, cases, data)?;
    let mut file = BufWriter::new(file);
    let task = context.task("Generating queries", Some(cases.len() as u64), Unit::Count);
    task.advance(done as u64)?;
    let mut live = generator.open(data, context)?;
    for batch in cases[done..].chunks(live.batch_size().max(1)) {
        let histories: Vec<History<'_>> = batch
            .iter()
            .map(|case| data.histories.seen(*case))
            .collect();
        let queries = live.generate(&histories)?;
        check(generator, &histories, &queries, data)?;
        for (history, queries) in histories.iter().zip(queries) {
            let line = Line {
                user: history.user.to_string(),
                queries: queries
                    .into_iter()
                    .map(|q| (q.content, q.log_probability))
                    .collect(),
            };
            let text =
                serde_json::to_string(&line).map_err(|error| Error::Internal(error.to_string()))?;
            writeln!(file, "{text}").map_err(Error::io("write", path))?;
        }
        file.flush().map_err(Error::io("write", path))?;
        task.advance(batch.len() as u64)?;
    }
    Ok(())
}

/// Opens the file after the last whole line of an earlier attempt, and tells how many there are.
fn resume(path: &Path, cases: &[Case], data: &Data) -> Result<(File, usize)> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::io("write", path))?;
    let (mut done, mut end) = (0, 0);
    let mut text = String::new();
    let mut lines = BufReader::new(&file);
    while lines.read_line(&mut text).is_ok_and(|bytes| bytes > 0) {
        let expected = cases.get(done).map(|case| data.histories.seen(*case).user);
        let whole = text.ends_with('\n')
            && serde_json::from_str::<Line>(&text).is_ok_and(|l| Some(l.user.as_str()) == expected);
        if !whole {
            break;
        }
        done += 1;
        end += text.len() as u64;
        text.clear();
    }
    file.set_len(end).map_err(Error::io("write", path))?;
    file.seek(SeekFrom::Start(end))
        .map_err(Error::io("write", path))?;
    if done > 0 {
        tracing::info!(done, "going on with the queries of an earlier attempt");
    }
    Ok((file, done))
}

/// Holds a batch against the contract of [`Generator::generate`](crate::Generator::generate).
fn check(
    generator: &dyn QueryGenerator,
    histories: &[History<'_>],
    queries: &[Vec<Query>],
    data: &Data,
) -> Result<()> {
    let broken = |message: String| {
        Err(Error::component(
            format!("generator {generator:?}"),
            message,
        ))
    };
    if queries.len() != histories.len() {
        return broken(format!(
            "gave {} lists of queries for {} histories",
            queries.len(),
            histories.len()
        ));
    }
    for query in queries.iter().flatten() {
        let kind = query.content.kind();
        if kind != generator.produces() {
            return broken(format!(
                "gave a {kind} query, but says {}",
                generator.produces()
            ));
        }
        if !query.log_probability.is_finite() {
            return broken(format!(
                "gave the log-probability {}",
                query.log_probability
            ));
        }
        match query.content {
            QueryContent::Item(item) if item as usize >= data.catalogue.len() => {
                return broken(format!("named item {item}, which is not in the catalogue"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read(path: &Path, cases: &[Case], data: &Data) -> Result<Lists<Query>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut all = Lists::with_capacity(cases.len(), cases.len());
    for line in BufReader::new(file).lines() {
        let line = line.map_err(Error::io("read", path))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| damaged(path, error))?;
        let expected = cases
            .get(all.len())
            .map(|case| data.histories.seen(*case).user);
        if expected != Some(line.user.as_str()) {
            return Err(damaged(path, format!("user {} is out of order", line.user)));
        }
        all.push(
            line.queries
                .into_iter()
                .map(|(content, log_probability)| Query {
                    content,
                    log_probability,
                }),
        );
    }
    match all.len() == cases.len() {
        true => Ok(all),
        false => Err(damaged(path, "users are missing")),
    }
}
