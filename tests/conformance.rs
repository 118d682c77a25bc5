//! The laws of all components, held against every one that is compiled in and can be made without
//! files, models and programs; those of files on the small shop.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use gloss as _;
use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The options with which a component is tried; none if it needs what a test does not have.
fn options(entry: &Entry) -> Option<Vec<Value>> {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    Some(match (entry.kind, entry.name.as_str()) {
        (
            _,
            "command" | "precomputed" | "csv" | "jsonl" | "parquet" | "llama" | "e5" | "faulty",
        ) => {
            return None;
        }
        (_, "amazon") => vec![json!({"category": "Shop", "folder": shop})],
        (_, "lis") => vec![json!({}), json!({"items": 3})],
        (_, "bm25") => {
            let variants = ["lucene", "robertson", "atire", "bm25l", "bm25+"];
            variants
                .iter()
                .map(|variant| json!({"variant": variant}))
                .collect()
        }
        (_, "hybrid") => {
            vec![json!({"retrievers": ["bm25", {"type": "bm25", "variant": "atire"}]})]
        }
        (Kind::Metric, _) => vec![json!({"k": 1}), json!({"k": 5}), json!({})],
        _ => vec![json!({})],
    })
}

#[test]
fn every_component_keeps_the_laws() {
    let registry = Registry::compiled_in().unwrap();
    let mut broken = Vec::new();
    let mut tried = 0;
    for entry in registry.entries() {
        for options in options(entry).into_iter().flatten() {
            // Some metrics cannot do without a cut-off, and some have none.
            if !option_faults(&entry.schema, &options).unwrap().is_empty() {
                continue;
            }
            tried += 1;
            if let Err(error) = assert_laws(entry, &options.to_string()) {
                broken.push(format!("{options}: {error}"));
            }
        }
    }
    assert!(tried > 20, "{tried}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A retriever that breaks the law that it is told to, and no other that matters here.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)] // On purpose without `deny_unknown_fields`.
struct Faulty {
    /// Which law it breaks.
    breaks: String,
    undocumented: bool,
}

impl Default for Faulty {
    fn default() -> Self {
        Faulty {
            breaks: "none".to_string(),
            undocumented: false,
        }
    }
}

impl Faulty {
    fn breaks(&self, law: &str) -> bool {
        self.breaks == law
    }

    fn answer(&self, items: usize, requests: &[Request<'_>], at: usize) -> Result<Vec<Hit>> {
        let request = requests[at];
        let QueryContent::Text(text) = request.query else {
            return Ok(Vec::new());
        };
        assert!(!(self.breaks("panic") && text.is_empty()), "an empty query");
        if self.breaks("unicode") && !text.is_ascii() {
            return Err(Error::Internal("only ASCII".into()));
        }
        let hit = |item: usize| Hit {
            item: item as u32,
            score: (text.len() % (item % 3 + 1)) as f32,
        };
        let mut hits: Vec<Hit> = (0..items).map(hit).collect();
        if self.breaks("many") {
            assert!(request.k <= items, "too many are asked for");
        }
        if self.breaks("prefix") && request.k == 3 {
            hits.truncate(2);
        }
        if self.breaks("batches") && requests.len() == 1 {
            hits.truncate(1);
        }
        rank(&mut hits, request.k);
        if self.breaks("order") {
            hits.reverse();
        }
        if self.breaks("determinism") {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            hits.iter_mut()
                .for_each(|hit| hit.score += now.clone().unwrap().subsec_nanos() as f32);
        }
        Ok(hits)
    }
}

impl Retriever for Faulty {
    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        if self.breaks("empty catalogue") && catalogue.is_empty() {
            return Err(Error::Usage("there are no items".into()));
        }
        if self.breaks("cancelling") && context.check().is_err() {
            return Err(Error::Internal("somebody cancelled".into()));
        }
        let path = folder.join("size");
        let size = catalogue.len().to_string();
        std::fs::write(&path, size).map_err(Error::io("write", &path))
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let path = folder.join("size");
        let size = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.parse().ok());
        let items: usize = match size {
            Some(items) if items == catalogue.len() || self.breaks("stale") => items,
            None if self.breaks("damage") => 1,
            _ => return Err(Error::input(path, "is not of this catalogue")),
        };
        if self.breaks("reopening") {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(Box::new(move |requests: &[Request<'_>]| {
            let all = 0..requests.len();
            all.map(|at| self.answer(items, requests, at)).collect()
        }))
    }
}

mod declared {
    gloss_core::plugin! { retriever "faulty" => super::Faulty }
}

#[test]
fn a_broken_law_is_found() {
    let mut registry = Registry::new();
    declared::register(&mut registry).unwrap();
    let entry = registry.get(Kind::Retriever, "faulty", "").unwrap();
    let broken = |law: &str| -> Vec<&str> {
        let options = json!({"breaks": law});
        let verdicts = check_laws(entry, options.as_object().unwrap()).unwrap();
        let broken = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Broken(_));
        verdicts
            .iter()
            .filter(|verdict| broken(verdict))
            .map(|verdict| verdict.law)
            .collect()
    };
    let always = [
        "the component and each option have a description",
        "options that do not exist are refused",
    ];
    assert_eq!(broken("none"), always);
    for (breaks, law) in [
        ("determinism", "equal indexes give equal answers"),
        (
            "order",
            "hits are in order, ties in catalogue order, each item once",
        ),
        (
            "prefix",
            "the answer for a smaller k begins that for a larger one",
        ),
        ("many", "more hits than items can be asked for"),
        (
            "batches",
            "an answer does not depend on the other queries of its batch",
        ),
        ("panic", "an empty batch and empty queries are answered"),
        ("unicode", "queries in any script are answered"),
        (
            "empty catalogue",
            "an empty catalogue and one of a single item can be searched",
        ),
        ("reopening", "an index can be opened again, and elsewhere"),
        (
            "stale",
            "an index of another catalogue is refused, or not used",
        ),
        ("damage", "a damaged index is refused"),
        ("cancelling", "work that is cancelled stops"),
    ] {
        assert!(
            broken(breaks).contains(&law),
            "{breaks}: {:?}",
            broken(breaks)
        );
    }
}
