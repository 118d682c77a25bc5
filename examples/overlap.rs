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
}

impl Retriever for Overlap {
    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        Ok(()) // The catalogue itself is index enough.
    }

    fn open(&self, catalogue: &Catalogue, _: &Path, _: &Context) -> Result<Box<dyn Index>> {
        let shortest = Overlap {
            shortest: self.shortest,
        };
        let texts: Vec<String> = catalogue
            .items()
            .iter()
            .map(|item| item.text.clone())
            .collect();
        Ok(Box::new(move |requests: &[Request<'_>]| {
            let items: Vec<_> = texts.iter().map(|text| shortest.words(text)).collect();
            let answer = |request: &Request<'_>| {
                let QueryContent::Text(text) = request.query else {
                    return Vec::new();
                };
                let query = shortest.words(text);
                let shared = items.iter().map(|item| item.intersection(&query).count());
                let hits = (0..).zip(shared).filter(|(_, shared)| *shared > 0);
                let mut hits = hits
                    .map(|(item, n)| Hit {
                        item,
                        score: n as f32,
                    })
                    .collect();
                rank(&mut hits, request.k);
                hits
            };
            Ok(requests.iter().map(answer).collect())
        }))
    }
}

plugin! { retriever "overlap" => Overlap }

fn main() -> std::process::ExitCode {
    gloss::main()
}
