//! Generators that learn before they generate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::{Context, Data, QueryGenerator, Result};

/// How good a generator is on the validation cases, by the metric that [`Trainer::metric`] names,
/// through the method's own retriever and ranking; higher is better, whatever the metric.
pub type Validate<'a> = dyn Fn(&dyn QueryGenerator) -> Result<f64> + 'a;

/// What a generator does before it can be opened: it learns from the training cases.
pub trait Trainer {
    /// All options that decide what is learnt, and no others; with the files and the data they are
    /// the identity of the result.
    ///
    /// # Errors
    /// If they cannot be written as JSON.
    fn identity(&self) -> Result<Value>;

    /// The identity as text: it is read by another program than the library that it may come from.
    #[doc(hidden)]
    fn identity_text(&self) -> Result<String> {
        Ok(self.identity()?.to_string())
    }

    /// The files that are read to learn, such as those of a base model.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// The metric that decides when to stop and what to keep, such as `recall@5`, if one does.
    fn metric(&self) -> Option<&str> {
        None
    }

    /// Learns, and writes the result into `folder`. The folder may hold the remains of an attempt
    /// that was killed, made from the same; the work goes on from there, to the same result.
    ///
    /// # Errors
    /// If the work cannot be done; what `validate` fails with.
    fn train(
        &self,
        data: &Data,
        folder: &Path,
        validate: &Validate<'_>,
        context: &Context,
    ) -> Result<()>;

    /// The generator that uses what was learnt into `folder`; it has no trainer itself.
    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator>;
}
