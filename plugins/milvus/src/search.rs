//! Batches of queries in flight.

use gloss_core::{Error, Hit, Result, rank};
use gloss_dense::dot;
use gloss_http::in_flight;
use prost::Message;
use serde_json::{Map, Value};

use crate::collection::Collection;
use crate::config::Server;
use crate::proto::*;

/// The most hits that a server gives.
const MOST: usize = 16_384;
/// The least number of hits that is asked for.
const LEAST: usize = 32;
/// Hits beyond those that are wanted, which show whether the last of them is tied.
const MARGIN: usize = 8;

/// The queries of a batch, which the server takes as bytes.
pub(crate) enum Asked<'a> {
    /// Vectors of so many numbers, and `true` if scores are computed again from stored ones.
    Vectors(&'a [f32], usize, bool),
    Texts(&'a [&'a str]),
}

/// The search of a collection.
pub(crate) struct Search<'a> {
    pub(crate) collection: &'a Collection,
    pub(crate) server: &'a Server,
    pub(crate) field: &'static str,
    pub(crate) metric_type: &'static str,
    pub(crate) params: &'a Map<String, Value>,
    /// The server must find every item, if so many are wanted.
    pub(crate) is_exact: bool,
    pub(crate) items: usize,
}

impl Asked<'_> {
    fn row(&self, at: usize) -> &[f32] {
        match self {
            Asked::Vectors(values, width, _) => &values[at * width..][..*width],
            Asked::Texts(_) => &[],
        }
    }

    fn placeholder(&self, queries: &[usize]) -> Placeholder {
        let (r#type, values) = match self {
            Asked::Vectors(..) => {
                let bytes =
                    |at: &usize| self.row(*at).iter().flat_map(|x| x.to_le_bytes()).collect();
                (FLOAT_VECTOR, queries.iter().map(bytes).collect())
            }
            Asked::Texts(texts) => {
                let bytes = |at: &usize| texts[*at].as_bytes().to_vec();
                (VAR_CHAR, queries.iter().map(bytes).collect())
            }
        };
        Placeholder {
            tag: "$0".to_string(),
            r#type,
            values,
        }
    }

    fn rescores(&self) -> bool {
        matches!(self, Asked::Vectors(.., true))
    }
}

impl Search<'_> {
    /// The best items of each query, as many as `depths` says, by score and then by position.
    ///
    /// # Errors
    /// If the server is lost for good, refuses, or gives what cannot be.
    pub(crate) fn run(&self, asked: &Asked<'_>, depths: &[usize]) -> Result<Vec<Vec<Hit>>> {
        let attempts = self.collection.client.repeated();
        let mut order: Vec<usize> = (0..depths.len()).collect();
        // Queries of one depth are asked together, so that no answer depends on another's.
        order.sort_by_key(|at| depths[*at]);
        let batches: Vec<&[usize]> = order
            .chunk_by(|a, b| depths[*a] == depths[*b])
            .flat_map(|queries| queries.chunks(self.server.search_batch.max(1)))
            .collect();
        let context = &self.collection.context;
        let found = in_flight(
            batches.len(),
            self.server.concurrency,
            context,
            |at, check| self.batch(asked, batches[at], depths[batches[at][0]], check),
        )?;
        if self.collection.client.repeated() != attempts {
            // A server that was started again may have lost items.
            self.collection.verify_count()?;
        }
        let mut answers = vec![Vec::new(); depths.len()];
        for (at, hits) in order.iter().zip(found.into_iter().flatten()) {
            answers[*at] = hits;
        }
        Ok(answers)
    }

    /// The `k` best items of each of some queries. Where the last of them ties with the last that the
    /// server gives, more are asked for.
    fn batch(
        &self,
        asked: &Asked<'_>,
        queries: &[usize],
        k: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<Hit>>> {
        let most = self.items.min(MOST);
        let k = k.min(self.items);
        if k > most {
            return Err(Error::Usage(format!(
                "{k} items are wanted of each query, and the server gives at most {MOST}; lower the depth"
            )));
        }
        let mut answers = vec![Vec::new(); queries.len()];
        let mut open: Vec<usize> = (0..queries.len()).collect();
        let mut limit = (k + MARGIN)
            .next_power_of_two()
            .clamp(LEAST, MOST)
            .min(most);
        while !open.is_empty() && limit > 0 {
            let asking: Vec<usize> = open.iter().map(|at| queries[*at]).collect();
            let found = self.ask(asked, &asking, limit, check)?;
            let mut tied = Vec::new();
            for (at, mut hits) in open.into_iter().zip(found) {
                let count = hits.len();
                if self.is_exact && count != limit {
                    return Err(Error::Network(format!(
                        "the server found {count} of {limit} items; it may have lost some"
                    )));
                }
                rank(&mut hits, count);
                if limit < most && count == limit && is_tied(&hits, k) {
                    tied.push(at);
                    continue;
                }
                hits.truncate(k);
                answers[at] = hits;
            }
            open = tied;
            limit = (2 * limit).min(most);
        }
        Ok(answers)
    }

    fn ask(
        &self,
        asked: &Asked<'_>,
        queries: &[usize],
        limit: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<Hit>>> {
        let group = PlaceholderGroup {
            placeholders: vec![asked.placeholder(queries)],
        };
        let field = asked.rescores().then(|| self.field.to_string());
        let request = SearchRequest {
            placeholder_group: group.encode_to_vec(),
            dsl_type: BOOL_EXPR,
            output_fields: field.into_iter().collect(),
            search_params: pairs([
                ("anns_field", self.field.to_string()),
                ("topk", limit.to_string()),
                ("metric_type", self.metric_type.to_string()),
                ("round_decimal", "-1".to_string()),
                ("params", Value::Object(self.params.clone()).to_string()),
            ]),
            nq: queries.len() as i64,
            consistency_level: BOUNDED,
            ..SearchRequest::default()
        };
        let answer = self.collection.search(request, check)?;
        self.hits(asked, queries, limit, answer)
            .map_err(|what| Error::Network(format!("the server's answer to a search {what}")))
    }

    /// The hits in an answer.
    fn hits(
        &self,
        asked: &Asked<'_>,
        queries: &[usize],
        limit: usize,
        answer: SearchResultData,
    ) -> Result<Vec<Vec<Hit>>, String> {
        let ids = answer
            .ids
            .and_then(|ids| ids.longs)
            .unwrap_or_default()
            .data;
        let total: i64 = answer.topks.iter().sum();
        if answer.topks.len() != queries.len()
            || answer
                .topks
                .iter()
                .any(|count| *count < 0 || *count > limit as i64)
            || total != ids.len() as i64
            || answer.scores.len() != ids.len()
        {
            return Err(format!(
                "has {} lists of {} items and {} scores for {} queries",
                answer.topks.len(),
                ids.len(),
                answer.scores.len(),
                queries.len()
            ));
        }
        let vectors = match asked {
            Asked::Vectors(_, width, true) => {
                Some((stored(answer.fields_data, ids.len() * width)?, *width))
            }
            _ => None,
        };
        let mut hits = ids.iter().zip(&answer.scores).enumerate();
        let mut lists = Vec::with_capacity(queries.len());
        for (query, count) in queries.iter().zip(&answer.topks) {
            let list = hits
                .by_ref()
                .take(*count as usize)
                .map(|(at, (id, score))| {
                    let item = u32::try_from(*id)
                        .ok()
                        .filter(|item| (*item as usize) < self.items);
                    let item =
                        item.ok_or_else(|| format!("has the item {id} of {}", self.items))?;
                    let score = match &vectors {
                        Some((stored, width)) => {
                            dot(asked.row(*query), &stored[at * width..][..*width])
                        }
                        // The weight of a term is never negative; some servers give the distance.
                        None if self.metric_type == "BM25" => score.abs(),
                        None => score + 0.0,
                    };
                    Ok(Hit { item, score })
                });
            lists.push(list.collect::<Result<Vec<Hit>, String>>()?);
        }
        Ok(lists)
    }
}

/// The vectors of an answer, one after the other.
fn stored(fields: Vec<FieldData>, expected: usize) -> Result<Vec<f32>, String> {
    let vectors = fields.into_iter().find_map(|data| match data.field {
        Some(Field::Vectors(vectors)) => vectors.floats,
        _ => None,
    });
    let values = vectors.unwrap_or_default().data;
    match values.len() == expected {
        true => Ok(values),
        false => Err(format!(
            "has {} numbers of vectors where {expected} are needed",
            values.len()
        )),
    }
}

/// Returns `true` if the `k`th hit is as good as the last, but for rounding.
fn is_tied(hits: &[Hit], k: usize) -> bool {
    let (Some(kth), Some(last)) = (k.checked_sub(1).and_then(|at| hits.get(at)), hits.last())
    else {
        return false;
    };
    kth.score - last.score <= 1e-6 * kth.score.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use gloss_core::Context;
    use serde_json::json;

    use super::*;

    /// Calls `test` with a search of five items, whose server is never asked.
    fn with_search(metric_type: &'static str, test: impl FnOnce(&Search<'_>)) {
        let server = Server::default();
        let collection = Collection::new(&server, json!({}), 5, &Context::default()).unwrap();
        test(&Search {
            collection: &collection,
            server: &server,
            field: "vector",
            metric_type,
            params: &Map::new(),
            is_exact: false,
            items: 5,
        });
    }

    /// The answer to two queries: two items and one.
    fn answer(ids: [i64; 3], vectors: &[f32]) -> SearchResultData {
        let floats = Floats {
            data: vectors.to_vec(),
        };
        SearchResultData {
            fields_data: vec![FieldData {
                field: Some(Field::Vectors(Vectors {
                    dim: 2,
                    floats: Some(floats),
                })),
                ..FieldData::default()
            }],
            scores: vec![-0.9, 0.25, 0.5],
            ids: Some(Ids {
                longs: Some(Longs { data: ids.to_vec() }),
            }),
            topks: vec![2, 1],
        }
    }

    fn pairs_of(lists: &[Vec<Hit>]) -> Vec<Vec<(u32, f32)>> {
        let pairs = |list: &Vec<Hit>| list.iter().map(|hit| (hit.item, hit.score)).collect();
        lists.iter().map(pairs).collect()
    }

    #[test]
    fn scores_are_those_of_stored_vectors_or_of_the_server() {
        let stored = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5];
        let queries = [0.25, 0.75, 1.0, 1.0];
        with_search("IP", |search| {
            let again = Asked::Vectors(&queries, 2, true);
            let hits = search
                .hits(&again, &[0, 1], 4, answer([3, 0, 4], &stored))
                .unwrap();
            assert_eq!(
                pairs_of(&hits),
                [vec![(3, 0.25), (0, 0.75)], vec![(4, 1.0)]]
            );
            let as_given = Asked::Vectors(&queries, 2, false);
            let hits = search
                .hits(&as_given, &[0, 1], 4, answer([3, 0, 4], &[]))
                .unwrap();
            assert_eq!(
                pairs_of(&hits),
                [vec![(3, -0.9), (0, 0.25)], vec![(4, 0.5)]]
            );
        });
        with_search("BM25", |search| {
            let texts = Asked::Texts(&["a", "b"]);
            let hits = search
                .hits(&texts, &[0, 1], 4, answer([3, 0, 4], &[]))
                .unwrap();
            assert_eq!(pairs_of(&hits)[0], [(3, 0.9), (0, 0.25)]);
        });
    }

    #[test]
    fn an_answer_that_cannot_be_is_an_error() {
        with_search("IP", |search| {
            let queries = [0.0; 4];
            let asked = Asked::Vectors(&queries, 2, true);
            let failed =
                |answer: SearchResultData| search.hits(&asked, &[0, 1], 4, answer).unwrap_err();
            let good = || answer([3, 0, 4], &[0.0; 6]);
            assert_eq!(failed(answer([3, 5, 4], &[0.0; 6])), "has the item 5 of 5");
            assert_eq!(
                failed(answer([3, -1, 4], &[0.0; 6])),
                "has the item -1 of 5"
            );
            let short = failed(answer([3, 0, 4], &[0.0; 5]));
            assert_eq!(short, "has 5 numbers of vectors where 6 are needed");
            let counts = [vec![2], vec![2, 2], vec![3, 0, 0], vec![4, -1], vec![5, -2]];
            for topks in counts {
                let message = failed(SearchResultData { topks, ..good() });
                assert!(
                    message.contains("items and 3 scores for 2 queries"),
                    "{message}"
                );
            }
            let scores = failed(SearchResultData {
                scores: vec![1.0],
                ..good()
            });
            assert!(scores.contains("3 items and 1 scores"), "{scores}");
        });
    }

    #[test]
    fn a_tie_at_the_end_is_seen_but_for_rounding() {
        let hits = |scores: &[f32]| {
            let hit = |score: &f32| Hit {
                item: 0,
                score: *score,
            };
            scores.iter().map(hit).collect::<Vec<Hit>>()
        };
        assert!(is_tied(&hits(&[0.9, 0.5, 0.5]), 2));
        assert!(is_tied(&hits(&[0.9, 0.500_000_06, 0.5]), 2));
        assert!(!is_tied(&hits(&[0.9, 0.6, 0.5]), 2));
        assert!(!is_tied(&hits(&[0.9]), 2) && !is_tied(&hits(&[]), 0));
    }
}
