//! The stage that makes a ranking of each user's queries.

use std::path::{Path, PathBuf};

use gloss_core::{
    Context, Data, Error, Example, Hit, Identity, Index, IndexStatistic, Query, QueryContent,
    Ragged, Request, Result, Retriever, Unit, rank,
};
use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::files::{damaged, read_json, write_json};
use crate::ranking::{RankingOptions, Seen};
use crate::shard::Shard;
use crate::split::Split;
use crate::stage::{Provenance, Stage};
use crate::tables::{self, Table};

/// The file of the rankings.
const RANKINGS: &str = "rankings.parquet";
/// The file of the index's statistics.
const STATISTICS: &str = "statistics.json";

/// The number of examples that are searched together.
const EXAMPLES_PER_CHUNK: usize = 16_384;

/// The rankings of a split.
pub(crate) struct Retrieved {
    /// A ranking for each example, in order.
    pub(crate) rankings: Ragged<Hit>,
    /// Statistics of the index.
    pub(crate) statistics: Vec<IndexStatistic>,
}

/// An index that a retriever built.
#[derive(Clone)]
pub(crate) struct BuiltIndex<'a> {
    pub(crate) retriever: &'a dyn Retriever,
    pub(crate) identity: &'a Identity,
    pub(crate) folder: PathBuf,
    /// The content of the index.
    pub(crate) content: Value,
}

/// Searches an index for the queries of a split and ranks the hits; without an index, ranks the
/// items that the queries hold.
pub(crate) struct Retrieve<'a> {
    pub(crate) ranking: &'a RankingOptions,
    pub(crate) split: Split,
    /// The part of the split; `None` is all of it.
    pub(crate) shard: Option<Shard>,
    pub(crate) data: &'a Data,
    /// The content of the data.
    pub(crate) data_content: Value,
    /// A list of queries for each of the examples.
    pub(crate) queries: &'a Ragged<Query>,
    /// The content of the queries.
    pub(crate) queries_content: Value,
    pub(crate) index: Option<BuiltIndex<'a>>,
    pub(crate) context: &'a Context,
}

impl Retrieve<'_> {
    fn examples(&self) -> &[Example] {
        self.split.examples_of(self.shard, self.data)
    }

    /// Writes the result for all examples from those of all shards, in order.
    pub(crate) fn merge(&self, folder: &Path, shards: Vec<Retrieved>) -> Result<Option<Retrieved>> {
        let statistics = shards
            .first()
            .map_or_else(Vec::new, |s| s.statistics.clone());
        if shards.iter().any(|shard| shard.statistics != statistics) {
            let message = "its statistics of one index differ from shard to shard";
            return Err(Error::component("the retriever", message));
        }
        let lists = shards.iter().map(|shard| shard.rankings.len()).sum();
        let hits = shards.iter().map(|shard| shard.rankings.values().len());
        let mut rankings = Ragged::with_capacity(lists, hits.sum());
        for ranking in shards.iter().flat_map(|shard| shard.rankings.iter()) {
            rankings.push(ranking.iter().copied());
        }
        let retrieved = Retrieved {
            rankings,
            statistics,
        };
        self.write(folder, &retrieved)?;
        Ok(Some(retrieved))
    }

    fn write(&self, folder: &Path, retrieved: &Retrieved) -> Result<()> {
        write(&retrieved.rankings, &folder.join(RANKINGS))?;
        write_json(&folder.join(STATISTICS), &retrieved.statistics)
    }
}

impl Stage for Retrieve<'_> {
    type Output = Retrieved;

    fn name(&self) -> &'static str {
        "retrieve"
    }

    fn provenance(&self) -> Result<Provenance> {
        let code = option_env!("GLOSS_FINGERPRINT_STAGES_RETRIEVE");
        let provenance = Provenance::of_stage(code)
            .with("ranking", json!(self.ranking))
            .with("split", json!(self.split))
            .with("data", self.data_content.clone())
            .with("queries", self.queries_content.clone())
            .with_shard(self.shard);
        Ok(match &self.index {
            None => provenance,
            Some(index) => provenance
                .with_identity("retriever", index.identity)
                .with("index", index.content.clone()),
        })
    }

    fn make(&self, folder: &Path) -> Result<Option<Retrieved>> {
        let index = match &self.index {
            None => None,
            Some(built) => {
                let catalogue = &self.data.catalogue;
                let open = built.retriever.open(catalogue, &built.folder, self.context);
                Some(open?)
            }
        };
        let search = Search {
            ranking: self.ranking,
            data: self.data,
            index: index.as_deref(),
        };
        let retrieved = Retrieved {
            rankings: search.all(self.examples(), self.queries, self.context)?,
            statistics: index.map_or_else(Vec::new, |index| index.statistics()),
        };
        self.write(folder, &retrieved)?;
        Ok(Some(retrieved))
    }

    fn read(&self, folder: &Path) -> Result<Retrieved> {
        let examples = self.examples().len();
        Ok(Retrieved {
            rankings: read(&folder.join(RANKINGS), examples, self.data)?,
            statistics: read_json(&folder.join(STATISTICS))?,
        })
    }
}

/// An open index, and what rankings are made from.
struct Search<'a> {
    ranking: &'a RankingOptions,
    data: &'a Data,
    index: Option<&'a (dyn Index + 'a)>,
}

impl Search<'_> {
    fn all(
        &self,
        examples: &[Example],
        queries: &Ragged<Query>,
        context: &Context,
    ) -> Result<Ragged<Hit>> {
        let task = context.task("Searching", Some(examples.len() as u64), Unit::Count);
        let hits = self.ranking.cutoff.min(self.data.catalogue.len());
        let mut rankings = Ragged::with_capacity(examples.len(), examples.len() * hits);
        for start in (0..examples.len()).step_by(EXAMPLES_PER_CHUNK) {
            let end = examples.len().min(start + EXAMPLES_PER_CHUNK);
            let queries: Vec<&[Query]> = (start..end).map(|at| queries.get(at)).collect();
            for ranking in self.chunk(&examples[start..end], &queries)? {
                rankings.push(ranking);
            }
            task.advance((end - start) as u64)?;
        }
        Ok(rankings)
    }

    /// The rankings of some examples. Equal queries are searched once.
    fn chunk(&self, examples: &[Example], queries: &[&[Query]]) -> Result<Vec<Vec<Hit>>> {
        let seen: Vec<Vec<u32>> = examples.par_iter().map(|one| self.seen(*one)).collect();
        let mut requests: Vec<Request<'_>> = Vec::new();
        let mut known: HashMap<Distinct<'_>, usize> = HashMap::new();
        // For each query the position of its request.
        let mut asked: Vec<Vec<Option<usize>>> = Vec::with_capacity(queries.len());
        for (queries, seen) in queries.iter().zip(&seen) {
            let k = self.ranking.hits_needed(seen.len());
            let of_user = queries.iter().map(|query| {
                Distinct::new(&query.content).map(|content| {
                    let at = *known.entry(content).or_insert_with(|| {
                        requests.push(Request {
                            query: &query.content,
                            k,
                        });
                        requests.len() - 1
                    });
                    requests[at].k = requests[at].k.max(k);
                    at
                })
            });
            asked.push(of_user.collect());
        }
        let hits = self.search(&requests)?;
        let users = queries.par_iter().zip(&asked).zip(&seen);
        Ok(users
            .map(|((queries, asked), seen)| self.fuse(queries, asked, &hits, seen))
            .collect())
    }

    /// One user's ranking, of the hits of each query or of the items that it holds.
    fn fuse(
        &self,
        queries: &[Query],
        asked: &[Option<usize>],
        hits: &[Vec<Hit>],
        seen: &[u32],
    ) -> Vec<Hit> {
        let own = queries.iter().map(|query| match &query.content {
            QueryContent::Items(items) => {
                let hit = |&(item, score): &(u32, f32)| Hit { item, score };
                let mut hits: Vec<Hit> = items.iter().map(hit).collect();
                let all = hits.len();
                rank(&mut hits, all);
                hits
            }
            _ => Vec::new(),
        });
        let own: Vec<Vec<Hit>> = own.collect();
        let answers = asked.iter().zip(&own).map(|(asked, own)| match asked {
            Some(at) => hits[*at].as_slice(),
            None => own.as_slice(),
        });
        let answers: Vec<&[Hit]> = answers.collect();
        self.ranking.fuse(queries, &answers, seen)
    }

    /// The distinct items of an example's context, sorted; none if they are kept.
    fn seen(&self, example: Example) -> Vec<u32> {
        match self.ranking.seen {
            Seen::Keep => Vec::new(),
            Seen::Exclude => self.data.histories.context(example).distinct_items(),
        }
    }

    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let Some(index) = self.index else {
            return match requests.is_empty() {
                true => Ok(Vec::new()),
                false => Err(Error::Internal(
                    "a query needs a retriever, and there is none".into(),
                )),
            };
        };
        let hits = index.search(requests)?;
        check(requests, &hits, self.data.catalogue.len())?;
        Ok(hits)
    }
}

/// The content of a query in a form that can be compared; none for items, which need no retriever.
#[derive(PartialEq, Eq, Hash)]
enum Distinct<'a> {
    Text(&'a str),
    Vector(Vec<u32>),
}

impl<'a> Distinct<'a> {
    fn new(content: &'a QueryContent) -> Option<Self> {
        match content {
            QueryContent::Text(text) => Some(Distinct::Text(text)),
            QueryContent::Vector(vector) => Some(Distinct::Vector(
                vector.iter().map(|x| x.to_bits()).collect(),
            )),
            QueryContent::Items(_) => None,
        }
    }
}

/// Checks answers against the contract of [`Index::search`](gloss_core::Index::search).
fn check(requests: &[Request<'_>], hits: &[Vec<Hit>], items: usize) -> Result<()> {
    let violated = |message: String| Err(Error::component("the retriever", message));
    if hits.len() != requests.len() {
        return violated(format!(
            "returned {} answers to {} queries",
            hits.len(),
            requests.len()
        ));
    }
    for (request, hits) in requests.iter().zip(hits) {
        if hits.len() > request.k {
            return violated(format!(
                "returned {} hits where {} were requested",
                hits.len(),
                request.k
            ));
        }
        if let Some(hit) = hits
            .iter()
            .find(|h| h.item as usize >= items || !h.score.is_finite())
        {
            let (item, score) = (hit.item, hit.score);
            return violated(match item as usize >= items {
                true => format!("returned item {item}, but there are {items} items"),
                false => format!("returned the score {score} for item {item}"),
            });
        }
        let mut found: Vec<u32> = hits.iter().map(|hit| hit.item).collect();
        found.sort_unstable();
        if let Some(pair) = found.windows(2).find(|pair| pair[0] == pair[1]) {
            return violated(format!("returned item {} twice for one query", pair[0]));
        }
        let in_order = |pair: &[Hit]| {
            pair[0].score > pair[1].score
                || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)
        };
        if !hits.windows(2).all(in_order) {
            return violated(
                "returned hits out of order (score descending, then catalogue order)".into(),
            );
        }
    }
    Ok(())
}

fn write(rankings: &Ragged<Hit>, path: &Path) -> Result<()> {
    let examples = rankings
        .iter()
        .enumerate()
        .flat_map(|(example, hits)| std::iter::repeat_n(example as u32, hits.len()));
    let columns = vec![
        ("case".to_string(), tables::uint32(examples)),
        (
            "item".to_string(),
            tables::uint32(rankings.values().iter().map(|hit| hit.item)),
        ),
        (
            "score".to_string(),
            tables::float32(rankings.values().iter().map(|hit| hit.score)),
        ),
    ];
    tables::write(path, columns)
}

fn read(path: &Path, examples: usize, data: &Data) -> Result<Ragged<Hit>> {
    let table = Table::read(path)?;
    let (of, items, scores) = (
        table.uint32("case")?,
        table.uint32("item")?,
        table.float32("score")?,
    );
    let mut rankings = Ragged::with_capacity(examples, items.len());
    let mut row = 0;
    for example in 0..examples as u32 {
        let end = row + of[row..].iter().take_while(|c| **c == example).count();
        rankings.push((row..end).map(|row| Hit {
            item: items[row],
            score: scores[row],
        }));
        row = end;
    }
    if row != items.len()
        || items
            .iter()
            .any(|item| *item as usize >= data.catalogue.len())
    {
        return Err(damaged(path, "a case or an item is out of range"));
    }
    Ok(rankings)
}
