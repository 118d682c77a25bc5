//! The other side of an exchange: a program, or an object in the process that gloss runs in.

use std::sync::Arc;
use std::time::Duration;

use gloss_core::{Context, Error, Result};

use crate::process::{Process, Silence};

/// Answers questions.
pub(crate) trait Peer: Send {
    /// The answer to a question; both are lines without their ends.
    fn ask(
        &mut self,
        question: Vec<u8>,
        limit: Duration,
        context: &Context,
    ) -> Result<Vec<u8>, Silence>;

    /// The last lines of its standard error, if it has one of its own.
    fn last_words(&self) -> Option<String>;
}

impl Peer for Process {
    fn ask(
        &mut self,
        question: Vec<u8>,
        limit: Duration,
        context: &Context,
    ) -> Result<Vec<u8>, Silence> {
        self.write(question);
        self.read(limit, context)
    }

    fn last_words(&self) -> Option<String> {
        Process::last_words(self)
    }
}

/// A component in the process that gloss runs in, such as an object of Python. It speaks the same
/// protocol as a program; there is no limit to the time of its answers.
pub trait Responder: Send {
    /// The answer to a question, a JSON object of the protocol each.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if it was interrupted, or a fault of the component.
    fn answer(&mut self, question: &[u8], context: &Context) -> Result<Vec<u8>>;
}

/// Makes components that answer inside this process; each has options of its own.
#[derive(Clone)]
pub struct Factory {
    label: String,
    make: Arc<dyn Fn() -> Result<Box<dyn Responder>> + Send + Sync>,
}

impl Factory {
    /// A factory that errors call `label`, such as "the class `Overlap`".
    pub fn new(
        label: impl Into<String>,
        make: impl Fn() -> Result<Box<dyn Responder>> + Send + Sync + 'static,
    ) -> Self {
        Factory {
            label: label.into(),
            make: Arc::new(make),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn make(&self) -> Result<Box<dyn Peer>> {
        Ok(Box::new(Inside((self.make)()?)))
    }
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

/// A component in this process.
struct Inside(Box<dyn Responder>);

impl Peer for Inside {
    fn ask(
        &mut self,
        question: Vec<u8>,
        _: Duration,
        context: &Context,
    ) -> Result<Vec<u8>, Silence> {
        context.check().map_err(|_| Silence::Interrupted)?;
        self.0
            .answer(&question, context)
            .map_err(|error| match error {
                Error::Interrupted => Silence::Interrupted,
                error => Silence::Ended(format!("failed ({error})")),
            })
    }

    fn last_words(&self) -> Option<String> {
        None
    }
}
