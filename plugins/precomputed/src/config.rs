//! The options of precomputed queries.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Queries that were generated before, read from a file.
///
/// The file is what GLoSS writes, a JSON array of objects, or the same objects one a line:
///
/// ```json
/// {"reviewer_id": "A1", "asin": "B3", "seen_asins": ["B1", "B2"],
///  "generated_sequences": ["Title: Doll", "Title: Kite"], "log_probabilities": [-1.5, -2.0]}
/// ```
///
/// `log_probabilities` may be absent, and all are then 0; `asin`, which is the answer, is not
/// looked at; other keys are refused. A user's queries keep the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Precomputed {
    /// The file.
    pub file: PathBuf,
    /// The treatment of a user of the split who is not in the file.
    #[serde(default)]
    pub missing: Otherwise,
    /// The treatment of a user whose `seen_asins` differ from the history in the data.
    #[serde(default)]
    pub mismatch: Otherwise,
}

/// The treatment of a user for whom the file has no matching queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It is an error.
    #[default]
    Error,
    /// The user gets no query.
    Skip,
}
