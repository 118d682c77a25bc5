//! The fourth stage: queries become rankings.

use std::path::Path;

use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::json;

use super::Prepared;
use super::generate::Generated;
use super::index::Indexed;
use crate::ranking::{Answer, Ranking, Seen};
use crate::store::{Artefact, Remains, Store, damaged};
use crate::tables::{self, Table};
use crate::{
    Case, Context, Data, Error, Hit, Lists, Query, QueryContent, Request, Result, Split, Unit,
};

/// The file of an artefact of this stage.
const RANKINGS: &str = "rankings.parquet";

/// How many cases are worked on at once.
const CASES_AT_ONCE: usize = 16_384;

/// All cases' rankings.
pub struct Retrieved {
    /// A ranking for each case of the split, in order.
    pub rankings: Lists<Hit>,
    /// The rankings' folder.
    pub artefact: Artefact,
}

/// Asks the index all cases' queries and makes each case's ranking, or finds the rankings that
/// were made before.
///
/// # Errors
/// If the index fails or breaks its contract, or a file cannot be written.
pub fn retrieve(
    ranking: &Ranking,
    split: Split,
    prepared: &Prepared,
    generated: &Generated,
    indexed: Option<&Indexed<'_>>,
    store: &Store,
    context: &Context,
) -> Result<Retrieved> {
    let made_from = json!({
        "ranking": ranking,
        "queries": generated.artefact.key,
        "index": indexed.map(|indexed| &indexed.artefact.key),
    });
    let cases = prepared.data.cases(split);
    let artefact = store.obtain("retrieve", made_from, Remains::Remove, context, |folder| {
        let work = Work {
            ranking,
            data: &prepared.data,
            indexed,
        };
        let rankings = work.all(cases, &generated.queries, context)?;
        write(&rankings, &folder.join(RANKINGS))
    })?;
    let rankings = read(&artefact.folder.join(RANKINGS), cases.len(), &prepared.data)?;
    Ok(Retrieved { rankings, artefact })
}

struct Work<'a> {
    ranking: &'a Ranking,
    data: &'a Data,
    indexed: Option<&'a Indexed<'a>>,
}

impl Work<'_> {
    fn all(&self, cases: &[Case], queries: &Lists<Query>, context: &Context) -> Result<Lists<Hit>> {
        let task = context.task("Searching", Some(cases.len() as u64), Unit::Count);
        let mut rankings = Lists::with_capacity(
            cases.len(),
            cases.len() * self.ranking.cutoff.min(self.data.catalogue.len()),
        );
        for start in (0..cases.len()).step_by(CASES_AT_ONCE) {
            let end = cases.len().min(start + CASES_AT_ONCE);
            let queries: Vec<&[Query]> = (start..end).map(|case| queries.get(case)).collect();
            for ranking in self.batch(&cases[start..end], &queries)? {
                rankings.push(ranking);
            }
            task.advance((end - start) as u64)?;
        }
        Ok(rankings)
    }

    /// The rankings of some cases. A query that several of them ask is asked once.
    fn batch(&self, cases: &[Case], queries: &[&[Query]]) -> Result<Vec<Vec<Hit>>> {
        let seen: Vec<Vec<u32>> = cases.par_iter().map(|case| self.seen(*case)).collect();
        let mut requests: Vec<Request<'_>> = Vec::new();
        let mut known: HashMap<Asked<'_>, usize> = HashMap::new();
        let mut asked: Vec<Option<usize>> = Vec::new();
        for (queries, seen) in queries.iter().zip(&seen) {
            let k = self.ranking.hits_needed(seen.len());
            for query in *queries {
                asked.push(Asked::new(&query.content).map(|content| {
                    let at = *known.entry(content).or_insert_with(|| {
                        requests.push(Request {
                            query: &query.content,
                            k,
                        });
                        requests.len() - 1
                    });
                    requests[at].k = requests[at].k.max(k);
                    at
                }));
            }
        }
        let hits = self.search(&requests)?;
        let starts: Vec<usize> = queries
            .iter()
            .scan(0, |sum, queries| {
                Some(std::mem::replace(sum, *sum + queries.len()))
            })
            .collect();
        Ok(queries
            .par_iter()
            .zip(&seen)
            .zip(starts)
            .map(|((queries, seen), start)| {
                self.fuse(queries, &asked[start..start + queries.len()], &hits, seen)
            })
            .collect())
    }

    fn fuse(
        &self,
        queries: &[Query],
        asked: &[Option<usize>],
        hits: &[Vec<Hit>],
        seen: &[u32],
    ) -> Vec<Hit> {
        let own: Vec<Option<Hit>> = queries
            .iter()
            .map(|query| match query.content {
                QueryContent::Item(item) => Some(Hit {
                    item,
                    score: self.ranking.score_of_item_query(query),
                }),
                _ => None,
            })
            .collect();
        let answers: Vec<Answer<'_>> = asked
            .iter()
            .zip(&own)
            .enumerate()
            .map(|(rank, (asked, own))| match asked {
                Some(at) => Answer {
                    hits: &hits[*at],
                    first_rank: 0,
                },
                None => Answer {
                    hits: own.as_slice(),
                    first_rank: rank,
                },
            })
            .collect();
        self.ranking.fuse(queries, &answers, seen)
    }

    /// The different items of a case's history, sorted; none if they do not matter.
    fn seen(&self, case: Case) -> Vec<u32> {
        match self.ranking.seen {
            Seen::Keep => Vec::new(),
            Seen::Exclude => self.data.histories.seen(case).distinct(),
        }
    }

    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let Some(indexed) = self.indexed else {
            return match requests.is_empty() {
                true => Ok(Vec::new()),
                false => Err(Error::Internal(
                    "a query needs a retriever, and there is none".into(),
                )),
            };
        };
        let hits = indexed.index.search(requests)?;
        check(requests, &hits, self.data.catalogue.len())?;
        Ok(hits)
    }
}

/// A query's content, comparable; none for an item, which nobody is asked for.
#[derive(PartialEq, Eq, Hash)]
enum Asked<'a> {
    Text(&'a str),
    Vector(Vec<u32>),
}

impl<'a> Asked<'a> {
    fn new(content: &'a QueryContent) -> Option<Self> {
        match content {
            QueryContent::Text(text) => Some(Asked::Text(text)),
            QueryContent::Vector(vector) => {
                Some(Asked::Vector(vector.iter().map(|x| x.to_bits()).collect()))
            }
            QueryContent::Item(_) => None,
        }
    }
}

/// Holds answers against the contract of [`Index::search`](crate::Index::search).
fn check(requests: &[Request<'_>], hits: &[Vec<Hit>], items: usize) -> Result<()> {
    let broken = |message: String| Err(Error::component("the retriever", message));
    if hits.len() != requests.len() {
        return broken(format!(
            "gave {} answers to {} queries",
            hits.len(),
            requests.len()
        ));
    }
    for (request, hits) in requests.iter().zip(hits) {
        if hits.len() > request.k {
            return broken(format!(
                "gave {} hits where {} were asked for",
                hits.len(),
                request.k
            ));
        }
        if let Some(hit) = hits
            .iter()
            .find(|h| h.item as usize >= items || !h.score.is_finite())
        {
            return broken(format!("gave {hit:?}: no such item, or not a finite score"));
        }
        let mut found: Vec<u32> = hits.iter().map(|hit| hit.item).collect();
        found.sort_unstable();
        if let Some(pair) = found.windows(2).find(|pair| pair[0] == pair[1]) {
            return broken(format!("gave item {} twice to one query", pair[0]));
        }
        let in_order = |pair: &[Hit]| {
            pair[0].score > pair[1].score
                || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)
        };
        if !hits.windows(2).all(in_order) {
            return broken(
                "gave hits out of order (score descending, then catalogue order)".into(),
            );
        }
    }
    Ok(())
}

fn write(rankings: &Lists<Hit>, path: &Path) -> Result<()> {
    let cases = rankings
        .iter()
        .enumerate()
        .flat_map(|(case, hits)| std::iter::repeat_n(case as u32, hits.len()));
    let columns = vec![
        ("case".to_string(), tables::uint32(cases)),
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

fn read(path: &Path, cases: usize, data: &Data) -> Result<Lists<Hit>> {
    let table = Table::read(path)?;
    let (of, items, scores) = (
        table.uint32("case")?,
        table.uint32("item")?,
        table.float32("score")?,
    );
    let mut rankings = Lists::with_capacity(cases, items.len());
    let mut row = 0;
    for case in 0..cases as u32 {
        let end = row + of[row..].iter().take_while(|c| **c == case).count();
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
