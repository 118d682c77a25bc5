//! Guarded query generators and trainers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Guard, Held, guard};
use crate::{
    Context, Data, Diagnostic, Error, Generator, History, Identity, Query, QueryGenerator,
    QueryKind, Result, ScorePart, Trainer, Validate,
};

/// The properties of a generator.
pub(super) struct GeneratorFacts {
    produces: QueryKind,
    trains: bool,
    metric: Option<String>,
}

impl From<&(dyn QueryGenerator + 'static)> for GeneratorFacts {
    fn from(generator: &(dyn QueryGenerator + 'static)) -> Self {
        let trainer = generator.trainer();
        GeneratorFacts {
            produces: generator.produces(),
            trains: trainer.is_some(),
            metric: trainer
                .and_then(|trainer| trainer.metric())
                .map(str::to_string),
        }
    }
}

impl QueryGenerator for Guard<dyn QueryGenerator, GeneratorFacts> {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics(|it| it.check())
    }

    fn produces(&self) -> QueryKind {
        self.facts.produces
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.inner.call(|it| it.inputs())
    }

    fn identity(&self) -> Result<Identity> {
        self.identity_by(QueryGenerator::identity)
    }

    fn trainer(&self) -> Option<&dyn Trainer> {
        self.facts.trains.then_some(self)
    }

    fn export(&self, folder: &Path, context: &Context) -> Result<()> {
        self.inner.call(|it| it.export(folder, context))
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let (batch_size, generator) = self.inner.call(|it| {
            let generator = it.open(data, context)?;
            Ok((generator.batch_size(), generator))
        })?;
        Ok(Box::new(GuardedGenerator {
            batch_size,
            inner: self.held(generator),
        }))
    }
}

impl Guard<dyn QueryGenerator, GeneratorFacts> {
    fn with_trainer<R>(&self, work: impl FnOnce(&dyn Trainer) -> Result<R>) -> Result<R> {
        self.inner.call(|it| {
            let gone = || Error::Internal("a generator has no trainer any more".into());
            work(it.trainer().ok_or_else(gone)?)
        })
    }
}

impl Trainer for Guard<dyn QueryGenerator, GeneratorFacts> {
    fn identity(&self) -> Result<Identity> {
        let mut identity = self.with_trainer(|it| it.identity())?;
        self.add_file(&mut identity.code);
        Ok(identity)
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.with_trainer(|it| it.inputs())
    }

    fn metric(&self) -> Option<&str> {
        self.facts.metric.as_deref()
    }

    fn train(
        &self,
        data: &Data,
        folder: &Path,
        validate: &Validate<'_>,
        context: &Context,
    ) -> Result<()> {
        self.with_trainer(|it| it.train(data, folder, validate, context))
    }

    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator> {
        let trained = self.with_trainer(|it| Ok(it.trained(folder)));
        let guarded = trained.and_then(|it| {
            let label = self.inner.label.clone();
            guard(label, self.file.clone(), it, |it| it.into())
        });
        Arc::new(guarded.unwrap_or_else(|error| self.failed(&error)))
    }
}

impl Guard<dyn QueryGenerator, GeneratorFacts> {
    /// Stands for a generator that could not be made: every use fails.
    fn failed(&self, error: &Error) -> Self {
        Guard {
            inner: Held {
                label: error.to_string(),
                value: None,
            },
            name: self.name.clone(),
            package: self.package.clone(),
            file: self.file.clone(),
            facts: GeneratorFacts {
                produces: self.facts.produces,
                trains: false,
                metric: None,
            },
        }
    }
}

struct GuardedGenerator<'a> {
    batch_size: usize,
    inner: Held<Box<dyn Generator + 'a>>,
}

impl Generator for GuardedGenerator<'_> {
    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        self.inner.call_mut(|it| it.generate(histories))
    }

    fn explain(&mut self, history: &History<'_>, text: &str) -> Result<Vec<ScorePart>> {
        self.inner.call_mut(|it| it.explain(history, text))
    }
}
