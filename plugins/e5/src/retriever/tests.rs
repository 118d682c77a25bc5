use gloss_core::{Item, Query, QueryContent};
use gloss_encoder::Role;
use serde_json::{Value, json};

use super::*;
use crate::config::{Ivf, Trees as TreeOptions};

/// The vector of a text counts its letters a, b and c; a query's has an a less.
struct Letters;

impl Embed for Letters {
    fn dimensions(&self) -> usize {
        3
    }

    fn identity(&self) -> Value {
        json!("letters")
    }

    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        progress(texts.len())?;
        let less = match role {
            Role::Query => 1.0,
            Role::Passage => 0.0,
        };
        let count = |text: &str, letter| text.matches(letter).count() as f32;
        let vector = |text: &&str| [count(text, 'a') - less, count(text, 'b'), count(text, 'c')];
        Ok(texts.iter().flat_map(vector).collect())
    }
}

fn search(
    similarity: Similarity,
    approximate: Option<Approximate>,
    queries: &[(QueryContent, usize)],
) -> Result<Vec<Vec<Hit>>> {
    let texts = ["aaaa", "bb", "c", "aabb", "cc"];
    let item = |(at, text): (usize, &&str)| Item {
        id: at.to_string(),
        text: text.to_string(),
        fields: Vec::new(),
    };
    let items = texts.iter().enumerate().map(item).collect();
    let catalogue = Catalogue::new(items, Vec::new())?;
    let source = Source {
        catalogue: &catalogue,
        embed: &Letters,
        similarity,
        approximate,
    };
    let folder = tempfile::tempdir().unwrap();
    store::build(&source, folder.path(), &Context::default())?;
    let stored = store::open(folder.path(), &source.identity())?;
    let index = Dense::new(Box::new(Letters), stored, Context::default())?;
    let requests = queries.iter().map(|(query, k)| Request { query, k: *k });
    index.search(&requests.collect::<Vec<_>>())
}

/// Every search, looking at all that there is.
fn searches() -> [Option<Approximate>; 3] {
    [
        None,
        Some(Approximate::Arroy(TreeOptions::default())),
        Some(Approximate::Ivf(Ivf::default())),
    ]
}

fn text(text: &str, k: usize) -> (QueryContent, usize) {
    (Query::text(text).content, k)
}

fn items(hits: &[Hit]) -> Vec<u32> {
    hits.iter().map(|hit| hit.item).collect()
}

#[test]
fn texts_and_vectors_are_answered_side_by_side_each_to_its_depth() {
    for approximate in searches() {
        let vector = QueryContent::Vector(vec![0.0, 0.0, 5.0]);
        let queries = [text("ab", 1), (vector, 2), text("ab", 3), text("aaa", 9)];
        let found = search(Similarity::Cosine, approximate, &queries).unwrap();
        assert_eq!(items(&found[0]), [1]);
        assert_eq!(items(&found[1]), [2, 4], "equal cosines in catalogue order");
        assert_eq!(items(&found[2])[..2], [1, 3]);
        assert_eq!(items(&found[3])[..2], [0, 3]);
        assert_eq!(found[3].len(), 5);
        assert!((found[1][0].score - 1.0).abs() < 1e-6);
    }
}

#[test]
fn by_inner_product_long_vectors_are_nearer() {
    let vector = QueryContent::Vector(vec![0.0, 0.0, 5.0]);
    let found = search(Similarity::InnerProduct, None, &[(vector, 2)]).unwrap();
    let expected = [(4, 10.0), (2, 5.0)].map(|(item, score)| Hit { item, score });
    assert_eq!(found[0], expected);
}

#[test]
fn a_query_without_direction_finds_the_first_items() {
    for approximate in searches() {
        let found = search(Similarity::Cosine, approximate, &[text("a", 2)]).unwrap();
        let expected = [0, 1].map(|item| Hit { item, score: 0.0 });
        assert_eq!(found[0], expected);
    }
}

#[test]
fn a_vector_that_cannot_be_compared_is_refused() {
    let refusal = |similarity, vector: Vec<f32>| {
        let query = (QueryContent::Vector(vector), 1);
        search(similarity, None, &[query]).unwrap_err().to_string()
    };
    let message = refusal(Similarity::Cosine, vec![1.0, 2.0]);
    let expected = "a query is a vector of 2 numbers where those of the index have 3";
    assert_eq!(message, expected);
    let message = refusal(Similarity::Cosine, vec![1.0, f32::NAN, 0.0]);
    assert!(message.contains("is not finite"), "{message}");
    let message = refusal(Similarity::InnerProduct, vec![f32::MAX, 0.0, 0.0]);
    assert!(message.contains("is not finite"), "{message}");
}
