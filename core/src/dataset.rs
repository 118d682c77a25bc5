//! The first kind of component: items, users and their interactions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Component, Context, Data, Diagnostic, Result, Segment};

/// A dataset: options that state where its files are and how to read them.
pub trait Dataset: Component {
    /// Returns diagnostics that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The files that [`load`](Dataset::load) reads. Their contents are part of the key of the
    /// prepared data.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>>;

    /// Downloads of the files, for `gloss fetch`; empty if there are none.
    fn sources(&self) -> Vec<Download> {
        Vec::new()
    }

    /// The user segments that publications on this dataset report, for `segments = "usual"`. None
    /// by default.
    fn segments(&self) -> Vec<Segment> {
        Vec::new()
    }

    /// Reads the files and returns catalogue, histories and splits. Equal files and options give
    /// equal data.
    ///
    /// # Errors
    /// If a file is not in the expected format: which line, what was found and expected.
    fn load(&self, context: &Context) -> Result<Data>;
}

/// The treatment of a line or row that cannot be read; an option of datasets that read text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadLine {
    /// Stop and say which line it is and what is wrong with it.
    #[default]
    Error,
    /// Go on without it and count it.
    Skip,
}

/// A file that `gloss fetch` can get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The URL.
    pub url: String,
    /// The file that it is saved to.
    pub path: PathBuf,
}
