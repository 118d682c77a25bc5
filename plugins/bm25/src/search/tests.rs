use gloss_core::rank;
use proptest::prelude::*;

use super::*;
use crate::config;
use crate::postings::{Impact, TermImpacts};

const TERMS: [&str; 6] = ["aa", "bb", "cc", "dd", "ee", "ff"];
const ITEMS: usize = 14;

/// Few values, so that sums tie; of both signs, and with what is beyond single precision.
fn value() -> impl Strategy<Value = f32> {
    prop::sample::select(vec![
        -0.5, -1e-9, 0.0, 1e-9, 0.1, 0.2, 0.3, 0.25, 0.5, 1.0, 2.0, 1e4,
    ])
}

fn term_impacts() -> impl Strategy<Value = TermImpacts> {
    let absent = prop::sample::select(vec![0.0f32, 0.0, 0.0, 0.1, 0.5]);
    let impacts = prop::collection::btree_map(0..ITEMS as u32, value(), 0..ITEMS);
    (impacts, absent).prop_map(|(impacts, absent)| TermImpacts {
        impacts: impacts
            .into_iter()
            .map(|(of, value)| Impact { of, value })
            .collect(),
        absent,
    })
}

fn lists() -> impl Strategy<Value = Vec<TermImpacts>> {
    prop::collection::vec(term_impacts(), TERMS.len())
}

/// A searcher for [`TERMS`] and for more frequent ones, with which some share signature slots.
fn crowded(mut lists: Vec<TermImpacts>) -> Searcher {
    let others: Vec<String> = (0..61).map(|other| format!("other{other}")).collect();
    let everywhere = (0..ITEMS as u32).map(|of| Impact { of, value: 0.0 });
    lists.extend(others.iter().map(|_| TermImpacts {
        impacts: everywhere.clone().collect(),
        absent: 0.0,
    }));
    let terms: Vec<&str> = TERMS
        .into_iter()
        .chain(others.iter().map(String::as_str))
        .collect();
    searcher(ITEMS, &terms, lists)
}

fn searcher(items: usize, terms: &[&str], lists: Vec<TermImpacts>) -> Searcher {
    let terms = terms.iter().copied().map(Box::from).collect();
    Searcher {
        analyser: Analyser::new(&config::Analyser::default()).unwrap(),
        impacts: Impacts::from_lists(items, terms, lists),
        idle: Mutex::default(),
    }
}

fn queries() -> impl Strategy<Value = Vec<QueryContent>> {
    let words = prop::sample::select([&TERMS[..], &["zz"]].concat());
    let query = prop::collection::vec(words, 0..9);
    prop::collection::vec(
        query.prop_map(|words| QueryContent::Text(words.join(" "))),
        1..20,
    )
}

/// The best `k`, found by a walk over so many postings, or else by scoring all items.
fn within(searcher: &Searcher, query: &QueryContent, postings: usize, k: usize) -> Vec<Hit> {
    let mut scratch = Scratch::new(&searcher.impacts);
    let text = text_of(&Request { query, k }).unwrap();
    scratch.begin(&searcher.analyser, &searcher.impacts, text);
    searcher.best_within(postings, k, &mut scratch);
    scratch.best.take()
}

/// The best `k`, found by sorting all scores.
fn by_force(searcher: &Searcher, query: &QueryContent, k: usize) -> Vec<Hit> {
    let QueryContent::Text(text) = query else {
        return Vec::new();
    };
    let impacts = &searcher.impacts;
    let terms: Vec<u32> = text
        .split_whitespace()
        .filter_map(|word| impacts.vocabulary.get(word).copied())
        .collect();
    let base = terms
        .iter()
        .fold(0.0, |sum, &term| sum + impacts.absent[term as usize]);
    let score = |item: u32| {
        let of = |term: u32| {
            impacts
                .by_item
                .get(item)
                .iter()
                .find(move |impact| impact.of == term)
        };
        let sum = terms
            .iter()
            .filter_map(|&term| of(term))
            .fold(0.0, |sum, impact| sum + impact.value);
        sum + base
    };
    let all = (0..ITEMS as u32).map(|item| Hit {
        item,
        score: score(item),
    });
    let mut hits: Vec<Hit> = all.filter(|hit| hit.score > 0.0).collect();
    rank(&mut hits, k);
    hits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn search_finds_what_scoring_every_item_finds(
        lists in lists(),
        queries in queries(),
        k in 1usize..18,
    ) {
        let searcher = crowded(lists);
        let requests: Vec<_> = queries.iter().map(|query| Request { query, k }).collect();
        let answers = searcher.search(&requests).unwrap();
        for (query, answer) in queries.iter().zip(answers) {
            let expected = by_force(&searcher, query, k);
            prop_assert_eq!(&answer, &expected, "{:?}", query);
            for postings in [0, 8, usize::MAX] {
                let answer = within(&searcher, query, postings, k.min(ITEMS));
                prop_assert_eq!(&answer, &expected, "{:?}, {} postings", query, postings);
            }
        }
    }

    #[test]
    fn the_parts_of_a_score_add_up_to_it(lists in lists(), queries in queries()) {
        let searcher = crowded(lists);
        for query in &queries {
            let answer = searcher.search(&[Request { query, k: ITEMS }]).unwrap();
            for hit in &answer[0] {
                let parts = searcher.explain(query, hit.item).unwrap();
                let sum: f64 = parts.iter().map(|part| f64::from(part.score)).sum();
                let size: f64 = parts.iter().map(|part| f64::from(part.score.abs())).sum();
                prop_assert!((sum - f64::from(hit.score)).abs() <= 1e-6 * size.max(1e-6), "{parts:?}");
            }
        }
    }

    #[test]
    fn an_answer_depends_on_its_own_request_alone(
        lists in lists(),
        queries in queries(),
        k in 1usize..9,
    ) {
        let searcher = crowded(lists);
        let requests: Vec<_> = queries
            .iter()
            .zip(0..)
            .map(|(query, more)| Request { query, k: k + more })
            .collect();
        let together = searcher.search(&requests).unwrap();
        for (request, answer) in requests.iter().zip(together) {
            prop_assert_eq!(&answer, &searcher.search(&[*request]).unwrap()[0]);
            let fewer = searcher.search(&[Request { k, ..*request }]).unwrap();
            prop_assert_eq!(&fewer[0][..], &answer[..k.min(answer.len())]);
        }
    }
}

#[test]
fn a_query_that_is_no_text_is_refused() {
    let searcher = searcher(0, &[], Vec::new());
    let answer = |query| {
        searcher.search(&[Request {
            query: &query,
            k: 3,
        }])
    };
    assert_eq!(answer(QueryContent::Text("aa".into())).unwrap(), [vec![]]);
    let error = answer(QueryContent::Items(vec![])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the retriever bm25 answers text queries, and was asked with one of kind items"
    );
}

#[test]
fn visits_are_told_apart_when_the_query_number_wraps() {
    let lists = vec![TermImpacts {
        impacts: vec![Impact { of: 0, value: 1.0 }],
        absent: 0.0,
    }];
    let searcher = searcher(1, &["aa"], lists);
    let mut scratch = Scratch::new(&searcher.impacts);
    scratch.query = u32::MAX - 1;
    for _ in 0..4 {
        assert_eq!(searcher.answer("aa", 1, &mut scratch).len(), 1);
    }
}
