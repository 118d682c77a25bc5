use std::sync::atomic::{AtomicUsize, Ordering};

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

static CALLS: AtomicUsize = AtomicUsize::new(0);

// On purpose without `deny_unknown_fields` and with an option that has no description.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Untidy {
    undocumented: bool,
    /// Is written as what cannot be read.
    #[serde(serialize_with = "as_text")]
    number: u32,
    /// Has other defaults than its type.
    table: Inner,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Inner {
    /// A number.
    inner: u32,
}

impl Default for Untidy {
    fn default() -> Self {
        Untidy {
            undocumented: false,
            number: 0,
            table: Inner { inner: 1 },
        }
    }
}

fn as_text<S: serde::Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&number.to_string())
}

impl Metric for Untidy {
    /// Finds nothing the first time, and another fault each time after that.
    fn check(&self) -> Vec<Diagnostic> {
        let diagnostic =
            |call| Diagnostic::new("number", format!("is wrong for the {call}th time"));
        match CALLS.fetch_add(1, Ordering::Relaxed) {
            0 => Vec::new(),
            call => vec![diagnostic(call)],
        }
    }

    fn label(&self) -> String {
        "untidy".to_string()
    }

    fn formula(&self) -> &str {
        "0"
    }

    fn cutoff(&self) -> Option<usize> {
        None
    }

    fn invariants(&self) -> Invariants {
        Invariants {
            range: 0.0..=1.0,
            higher_is_better: true,
            monotone_in_cutoff: true,
            measures_relevance: false,
        }
    }

    fn score(&self, _: &Evaluation<'_>) -> gloss_core::Result<Scores> {
        Ok(Scores::Overall(0.0))
    }
}
