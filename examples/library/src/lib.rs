//! A retriever in a dynamic library. Build it, and name the file:
//!
//! ```sh
//! cargo build --release --manifest-path examples/library/Cargo.toml
//! gloss list retriever --plugin examples/library/target/release/libtrigrams.so
//! gloss run examples/library/trigrams.toml
//! ```

use std::collections::HashSet;
use std::path::Path;

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ranks items by the share of three-letter sequences that they have in common with the query.
///
/// It forgives typing errors: a wrong letter spoils three sequences, not the whole text.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trigrams {
    /// True if upper and lower case differ.
    case_sensitive: bool,
    /// The least share of common sequences that makes an item an answer.
    #[schemars(range(min = 0.0, max = 1.0))]
    threshold: f32,
}

impl Default for Trigrams {
    fn default() -> Self {
        Trigrams {
            case_sensitive: false,
            threshold: 0.05,
        }
    }
}

impl Trigrams {
    fn of(&self, text: &str) -> HashSet<[char; 3]> {
        let letters: Vec<char> = match self.case_sensitive {
            true => text.chars().collect(),
            false => text.to_lowercase().chars().collect(),
        };
        letters.windows(3).map(|w| [w[0], w[1], w[2]]).collect()
    }

    fn answer(&self, request: &Request<'_>, items: &[HashSet<[char; 3]>]) -> Vec<Hit> {
        let QueryContent::Text(text) = request.query else {
            return Vec::new(); // Text is all that a retriever accepts if it says nothing else.
        };
        let query = self.of(text);
        let mut hits = Vec::new();
        for (item, trigrams) in (0..).zip(items) {
            let common = query.intersection(trigrams).count();
            let score = common as f32 / (query.len() + trigrams.len() - common).max(1) as f32;
            if common > 0 && score >= self.threshold {
                hits.push(Hit { item, score });
            }
        }
        rank(&mut hits, request.k);
        hits
    }
}

impl Retriever for Trigrams {
    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        Ok(()) // The catalogue itself is index enough.
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        _: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let items = catalogue.items().iter();
        let items: Vec<_> = items.map(|item| self.of(&item.text)).collect();
        Ok(Box::new(move |requests: &[Request<'_>]| {
            let answers = requests.iter().map(|request| self.answer(request, &items));
            Ok(answers.collect())
        }))
    }
}

plugin! { retriever "trigrams" => Trigrams }
export_plugin!();
