//! The choice of user segments in an experiment.

use gloss_core::{Dataset, Diagnostic, Segment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The user segments that methods are evaluated on, besides all users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Segmentation {
    /// `none`, or `usual`.
    Named(NamedSegmentation),
    /// The segments. A user may belong to several of them, or to none.
    Given(Vec<Segment>),
}

/// Choices that need no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedSegmentation {
    /// All users alone.
    None,
    /// Those that publications on the dataset report.
    Usual,
}

impl Default for Segmentation {
    fn default() -> Self {
        Segmentation::Named(NamedSegmentation::None)
    }
}

impl Segmentation {
    /// The segments for this dataset.
    ///
    /// # Errors
    /// A diagnostic with the key below `segments`.
    pub(crate) fn resolve(self, dataset: &dyn Dataset) -> Result<Vec<Segment>, Diagnostic> {
        let segments = match self {
            Segmentation::Named(NamedSegmentation::None) => return Ok(Vec::new()),
            Segmentation::Named(NamedSegmentation::Usual) => {
                let usual = dataset.segments();
                if usual.is_empty() {
                    let message = "no segments are usual for this data set; give them as tables \
                                   with `name`, `at_least` and `at_most`";
                    return Err(Diagnostic::new("", message));
                }
                usual
            }
            Segmentation::Given(segments) => segments,
        };
        for (index, segment) in segments.iter().enumerate() {
            if segment.at_most.is_some_and(|most| most < segment.at_least) {
                let message = format!("must be at least {}, `at_least`", segment.at_least);
                return Err(Diagnostic::new(format!("{index}.at_most"), message));
            }
            if segments[..index]
                .iter()
                .any(|other| other.name == segment.name)
            {
                let message = format!("`{}` is given twice", segment.name);
                return Err(Diagnostic::new(format!("{index}.name"), message));
            }
        }
        Ok(segments)
    }
}
