//! A retriever of one's own: a struct of options, an index, one line that names it. Run it as
//!
//! ```sh
//! cargo run --release --example overlap -- run examples/overlap.toml
//! ```
//!
//! It is then a component like any other: `list`, `describe overlap`, `--set retriever.shortest=4`.

use std::collections::HashSet;
use std::path::Path;

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ranks items by how many different words they share with the query.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Overlap {
    /// Letters in the shortest word that counts.
    shortest: usize,
}

impl Default for Overlap {
    fn default() -> Self {
        Overlap { shortest: 3 }
    }
}

impl Overlap {
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

impl Retriever for Overlap {
    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        Ok(()) // The catalogue itself is index enough.
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        _: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let items: Vec<_> = catalogue
            .items()
            .iter()
            .map(|item| self.words(&item.text))
            .collect();
        Ok(Box::new(move |requests: &[Request<'_>]| {
            Ok(requests
                .iter()
                .map(|request| self.answer(request, &items))
                .collect())
        }))
    }
}

plugin! { retriever "overlap" => Overlap }

fn main() -> std::process::ExitCode {
    gloss::main()
}
