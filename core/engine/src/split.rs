//! The split that methods are evaluated on.

use gloss_core::{Data, Example};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shard::Shard;

/// The split that methods are evaluated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The examples to report results on.
    #[default]
    Test,
    /// The examples to choose settings on.
    Validation,
}

impl Split {
    /// The examples of the split.
    pub fn examples(self, data: &Data) -> &[Example] {
        match self {
            Split::Test => &data.splits.test,
            Split::Validation => &data.splits.validation,
        }
    }

    /// The examples of a shard of the split; of `None` all.
    pub(crate) fn examples_of(self, shard: Option<Shard>, data: &Data) -> &[Example] {
        let all = self.examples(data);
        match shard {
            Some(shard) => &all[shard.range(all.len())],
            None => all,
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Split::Test => "test",
            Split::Validation => "validation",
        })
    }
}
