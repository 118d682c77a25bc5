//! The retriever `skeleton`.

use std::collections::HashSet;
use std::path::Path;

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ranks items by how many different words they share with the query.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Skeleton {
    /// Letters in the shortest word that counts.
    shortest: usize,
}

impl Default for Skeleton {
    fn default() -> Self {
        Skeleton { shortest: 3 }
    }
}

impl Skeleton {
    fn words<'t>(&self, text: &'t str) -> HashSet<&'t str> {
        let words = text.split_whitespace();
        words
            .filter(|word| word.chars().count() >= self.shortest)
            .collect()
    }

    fn answer(&self, request: &Request<'_>, items: &[HashSet<&str>]) -> Vec<Hit> {
        let QueryContent::Text(text) = request.query else {
            return Vec::new(); // Text is all that a retriever accepts if it says nothing else.
        };
        let query = self.words(text);
        let scores = items
            .iter()
            .map(|words| words.intersection(&query).count() as f32);
        let hits = (0..).zip(scores).map(|(item, score)| Hit { item, score });
        let mut hits = hits.filter(|hit| hit.score > 0.0).collect();
        rank(&mut hits, request.k);
        hits
    }
}

impl Retriever for Skeleton {
    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        Ok(()) // The catalogue itself is index enough; a larger index is written into the folder.
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        _: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let items = catalogue.items().iter();
        let items: Vec<_> = items.map(|item| self.words(&item.text)).collect();
        Ok(Box::new(move |requests: &[Request<'_>]| {
            let answers = requests.iter().map(|request| self.answer(request, &items));
            Ok(answers.collect())
        }))
    }
}
