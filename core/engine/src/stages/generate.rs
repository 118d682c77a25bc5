//! The stage that generates queries, which are written as they are made.

mod resume;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use gloss_core::{
    Context, Data, Error, Example, History, Query, QueryContent, QueryGenerator, QueryKind, Ragged,
    Result, Unit,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::resume::Resumed;

use crate::files::damaged;
use crate::shard::Shard;
use crate::split::Split;
use crate::stage::{OnPartial, Provenance, Stage};

/// The file of the queries: one JSON object per line, in the order of the examples.
pub(crate) const QUERIES: &str = "queries.jsonl";

/// The queries of one example, as a line of the file.
#[derive(Serialize, Deserialize)]
struct UserQueries {
    user: String,
    queries: Vec<(QueryContent, f32)>,
}

/// Generates the queries of all examples of a split.
pub(crate) struct Generate<'a> {
    pub(crate) generator: &'a dyn QueryGenerator,
    pub(crate) split: Split,
    /// The part of the split; `None` is all of it.
    pub(crate) shard: Option<Shard>,
    pub(crate) data: &'a Data,
    /// The content of the data.
    pub(crate) data_content: Value,
    pub(crate) context: &'a Context,
}

impl Generate<'_> {
    fn examples(&self) -> &[Example] {
        self.split.examples_of(self.shard, self.data)
    }

    /// Writes the result for all examples from those of all shards, in order, and their folders.
    pub(crate) fn merge(&self, folder: &Path, shards: &[PathBuf]) -> Result<Option<Ragged<Query>>> {
        let path = folder.join(QUERIES);
        let mut file = File::create(&path).map_err(Error::io("write", &path))?;
        for shard in shards {
            let part = shard.join(QUERIES);
            let mut part_file = File::open(&part).map_err(Error::io("read", &part))?;
            io::copy(&mut part_file, &mut file).map_err(Error::io("write", &path))?;
        }
        read(&path, self.examples(), self.data).map(Some)
    }
}

impl Stage for Generate<'_> {
    /// A list of queries for each of the examples, in order.
    type Output = Ragged<Query>;

    fn name(&self) -> &'static str {
        "generate"
    }

    fn on_partial(&self) -> OnPartial {
        OnPartial::Resume
    }

    fn provenance(&self) -> Result<Provenance> {
        let files = gloss_core::hash_files(self.generator.inputs()?, self.context)?;
        let code = option_env!("GLOSS_FINGERPRINT_STAGES_GENERATE");
        Ok(Provenance::of_stage(code)
            .with_identity("generator", &self.generator.identity()?)
            .with_files("generator files", files)
            .with("data", self.data_content.clone())
            .with("split", json!(self.split))
            .with_shard(self.shard))
    }

    fn make(&self, folder: &Path) -> Result<Option<Self::Output>> {
        let (examples, path) = (self.examples(), folder.join(QUERIES));
        let queries = generate(self.generator, examples, self.data, &path, self.context);
        queries.map(Some)
    }

    fn read(&self, folder: &Path) -> Result<Self::Output> {
        read(&folder.join(QUERIES), self.examples(), self.data)
    }
}

/// Generates the queries of all examples and writes them to `path`, after those that an interrupted
/// attempt wrote.
fn generate(
    generator: &dyn QueryGenerator,
    examples: &[Example],
    data: &Data,
    path: &Path,
    context: &Context,
) -> Result<Ragged<Query>> {
    let Resumed {
        file,
        mut progress,
        mut hasher,
        queries: mut all,
    } = Resumed::open(path, examples, data)?;
    let mut file = BufWriter::new(file);
    let total = Some(examples.len() as u64);
    let task = context.task("Generating queries", total, Unit::Count);
    task.advance(all.len() as u64)?;
    let mut live = generator.open(data, context)?;
    for batch in examples[all.len()..].chunks(live.batch_size().max(1)) {
        let histories: Vec<History<'_>> = batch
            .iter()
            .map(|example| data.histories.context(*example))
            .collect();
        let queries = live.generate(&histories)?;
        check(generator, &histories, &queries, data)?;
        for (history, queries) in histories.iter().zip(queries) {
            let of_user = UserQueries {
                user: history.user.to_string(),
                queries: queries
                    .into_iter()
                    .map(|query| (query.content, query.log_probability))
                    .collect(),
            };
            let text = serde_json::to_string(&of_user)
                .map_err(|error| Error::Internal(error.to_string()))?;
            let line = text + "\n";
            hasher.update(line.as_bytes());
            file.write_all(line.as_bytes())
                .map_err(Error::io("write", path))?;
            all.push(of_user.into_queries());
        }
        file.flush().map_err(Error::io("write", path))?;
        progress.add(all.len(), &hasher)?;
        task.advance(batch.len() as u64)?;
    }
    progress.remove()?;
    Ok(all)
}

impl UserQueries {
    fn into_queries(self) -> impl Iterator<Item = Query> {
        let queries = self.queries.into_iter();
        queries.map(|(content, log_probability)| Query {
            content,
            log_probability,
        })
    }
}

/// Checks a batch against the contract of [`Generator::generate`](gloss_core::Generator::generate).
fn check(
    generator: &dyn QueryGenerator,
    histories: &[History<'_>],
    queries: &[Vec<Query>],
    data: &Data,
) -> Result<()> {
    let violated = |message: String| {
        Err(Error::component(
            format!("generator `{}`", generator.name()),
            message,
        ))
    };
    if queries.len() != histories.len() {
        let (lists, expected) = (queries.len(), histories.len());
        return violated(format!(
            "returned {lists} lists of queries for {expected} histories"
        ));
    }
    let produces = generator.produces();
    for (history, queries) in histories.iter().zip(queries) {
        if produces == QueryKind::Items && queries.len() > 1 {
            let (count, user) = (queries.len(), history.user);
            return violated(format!(
                "returned {count} rankings of items for user {user}"
            ));
        }
        for query in queries {
            let kind = query.content.kind();
            if kind != produces {
                return violated(format!(
                    "returned a query of kind {kind}, but declares {produces}"
                ));
            }
            if !query.log_probability.is_finite() {
                let value = query.log_probability;
                return violated(format!("returned the log-probability {value}"));
            }
            if let Some(problem) = problem_of_items(&query.content, data) {
                return violated(format!("{problem}, for user {}", history.user));
            }
        }
    }
    Ok(())
}

/// The first problem of a ranking of items.
fn problem_of_items(content: &QueryContent, data: &Data) -> Option<String> {
    let QueryContent::Items(items) = content else {
        return None;
    };
    let wrong =
        |(item, score): &&(u32, f32)| *item as usize >= data.catalogue.len() || !score.is_finite();
    let (item, score) = items.iter().find(wrong)?;
    Some(match data.catalogue.items().get(*item as usize) {
        None => format!("returned item {item}, which is not in the catalogue"),
        Some(known) => format!("returned the score {score} for item {}", known.id),
    })
}

fn read(path: &Path, examples: &[Example], data: &Data) -> Result<Ragged<Query>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut all = Ragged::with_capacity(examples.len(), examples.len());
    for line in BufReader::new(file).lines() {
        let line = line.map_err(Error::io("read", path))?;
        let parsed: UserQueries =
            serde_json::from_str(&line).map_err(|error| damaged(path, error))?;
        let expected = examples
            .get(all.len())
            .map(|example| data.histories.context(*example).user);
        if expected != Some(parsed.user.as_str()) {
            let message = format!("user {} is out of order", parsed.user);
            return Err(damaged(path, message));
        }
        all.push(parsed.into_queries());
    }
    match all.len() == examples.len() {
        true => Ok(all),
        false => Err(damaged(path, "users are missing")),
    }
}
