//! The second kind of component: from histories to queries.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{
    Component, Context, Data, Diagnostic, Error, History, Identity, Query, QueryKind, Result,
    ScorePart,
};

/// A query generator: options that state how queries are made from histories.
pub trait QueryGenerator: Component {
    /// Returns diagnostics that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The kind of its queries. A retriever that cannot answer them is refused before anything is
    /// read.
    fn produces(&self) -> QueryKind {
        QueryKind::Text
    }

    /// The files that it reads, such as those of a checkpoint; part of the key of its queries.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// Everything else that its queries depend on: code, options as they take effect, machine.
    ///
    /// # Errors
    /// If a device that is asked for is not there, or a file of code cannot be read.
    fn identity(&self) -> Result<Identity> {
        Identity::of(self)
    }

    /// The trainer, if the options ask for a training before generation.
    fn trainer(&self) -> Option<&dyn Trainer> {
        None
    }

    /// Writes the complete model that it uses into the empty `folder`, in a format that other
    /// programs read.
    ///
    /// # Errors
    /// [`Error::Usage`] if it has no model.
    fn export(&self, folder: &Path, context: &Context) -> Result<()> {
        let (_, _) = (folder, context);
        Err(Error::Usage(format!(
            "generator `{}` has no model to export",
            self.name()
        )))
    }

    /// Loads whatever generation needs. `data` is for the catalogue and the training examples; the
    /// histories to be continued come later, in batches.
    ///
    /// # Errors
    /// If a file is damaged or does not fit the options.
    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>>;
}

/// An opened query generator.
pub trait Generator {
    /// The preferred number of histories per call. Must not change the queries.
    fn batch_size(&self) -> usize {
        1024
    }

    /// Returns the queries of each history, best first, in the order of `histories`. A history may
    /// be empty, and a user may get no query. Equal histories get equal queries, whichever batch
    /// they are in. A generator of items gives each user at most one query.
    ///
    /// # Errors
    /// If the batch cannot be computed; earlier batches are not lost.
    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>>;

    /// Splits the log-probability of a text after a history into parts that add up to it, such as
    /// one for each token, in order. By default there are none.
    ///
    /// # Errors
    /// If it cannot be computed.
    fn explain(&mut self, history: &History<'_>, text: &str) -> Result<Vec<ScorePart>> {
        let (_, _) = (history, text);
        Ok(Vec::new())
    }
}

/// A closure over one batch is a generator.
impl<F> Generator for F
where
    F: FnMut(&[History<'_>]) -> Result<Vec<Vec<Query>>>,
{
    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        self(histories)
    }
}

/// Scores a generator on the validation examples by the metric that [`Trainer::metric`] names,
/// through the method's own retriever and ranking; higher is better, whatever the metric.
pub type Validate<'a> = dyn Fn(&dyn QueryGenerator) -> Result<f64> + 'a;

/// The training of a generator, done before it is opened.
pub trait Trainer {
    /// Code, options and machine that decide the result of the training, and no other options.
    ///
    /// # Errors
    /// If the options cannot be written as JSON.
    fn identity(&self) -> Result<Identity>;

    /// The files that the training reads, such as those of a base model.
    ///
    /// # Errors
    /// If a file is missing: which, where it was looked for, and how to get it.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// The metric that decides when to stop and which weights to keep, such as `recall@5`; `None`
    /// if no metric does.
    fn metric(&self) -> Option<&str> {
        None
    }

    /// Trains, and writes the result into `folder`. The folder may hold an interrupted attempt of
    /// the same training, which is resumed and ends in the same result.
    ///
    /// # Errors
    /// If the training or a validation fails.
    fn train(
        &self,
        data: &Data,
        folder: &Path,
        validate: &Validate<'_>,
        context: &Context,
    ) -> Result<()>;

    /// Returns the generator that uses the result in `folder`; it has no trainer itself.
    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator>;
}
