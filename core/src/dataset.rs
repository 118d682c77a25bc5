//! The first kind of component: where items and users come from.

use std::path::PathBuf;

use crate::{Component, Context, Data, Fault, Result, Segment};

/// A data set: options that tell where its files are and how to read them.
pub trait Dataset: Component {
    /// Faults that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The files that [`load`](Dataset::load) will read. Their contents are part of the identity
    /// of everything that is made from the data.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>>;

    /// Where the files can be downloaded, for `gloss fetch`; empty if nowhere.
    fn sources(&self) -> Vec<Download> {
        Vec::new()
    }

    /// The groups of users that are usually looked at by themselves, for `segments = "usual"`. None
    /// by default.
    fn segments(&self) -> Vec<Segment> {
        Vec::new()
    }

    /// Reads the files and makes catalogue, histories and splits. Equal files and options give
    /// equal data.
    ///
    /// # Errors
    /// If a file does not hold what it should: which line, what was found and expected.
    fn load(&self, context: &Context) -> Result<Data>;
}

/// A file that `gloss fetch` can get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// Where it belongs.
    pub path: PathBuf,
}
