//! Guarded datasets, retrievers and metrics.

use std::path::{Path, PathBuf};

use super::{Guard, Held};
use crate::{
    Catalogue, Component, Context, Data, Dataset, Diagnostic, Download, Error, Evaluation, Hit,
    Identity, Index, IndexStatistic, Invariants, Metric, QueryContent, QueryKind, Request, Result,
    Retriever, ScorePart, Scores, Segment,
};

impl<T: Component + ?Sized, F> Guard<T, F> {
    /// The faults that `check` finds; a panic is one too.
    pub(super) fn diagnostics(&self, check: impl FnOnce(&T) -> Vec<Diagnostic>) -> Vec<Diagnostic> {
        let diagnostics = self.inner.call(|it| Ok(check(it)));
        diagnostics.unwrap_or_else(|error| vec![Diagnostic::new("", error.to_string())])
    }

    pub(super) fn held<U>(&self, value: U) -> Held<U> {
        Held::new(self.inner.label.clone(), value)
    }
}

impl Dataset for Guard<dyn Dataset, ()> {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics(|it| it.check())
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.inner.call(|it| it.inputs())
    }

    fn sources(&self) -> Vec<Download> {
        let sources = self.inner.call(|it| Ok(it.sources()));
        sources.unwrap_or_else(|error| {
            tracing::error!("{error}");
            Vec::new()
        })
    }

    fn segments(&self) -> Vec<Segment> {
        let segments = self.inner.call(|it| Ok(it.segments()));
        segments.unwrap_or_else(|error| {
            tracing::error!("{error}");
            Vec::new()
        })
    }

    fn load(&self, context: &Context) -> Result<Data> {
        self.inner.call(|it| it.load(context))
    }
}

impl Retriever for Guard<dyn Retriever, Vec<QueryKind>> {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics(|it| it.check())
    }

    fn accepts(&self) -> &[QueryKind] {
        &self.facts
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.inner.call(|it| it.inputs())
    }

    fn identity(&self) -> Result<Identity> {
        self.identity_by(Retriever::identity)
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        self.inner.call(|it| it.build(catalogue, folder, context))
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let index = self.inner.call(|it| it.open(catalogue, folder, context))?;
        Ok(Box::new(self.held(index)))
    }
}

impl Index for Held<Box<dyn Index + '_>> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        self.call(|it| it.search(requests))
    }

    fn explain(&self, query: &QueryContent, item: u32) -> Result<Vec<ScorePart>> {
        self.call(|it| it.explain(query, item))
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        let panicked = |error: Error| vec![IndexStatistic::new("remarks", error.to_string())];
        self.call(|it| Ok(it.statistics())).unwrap_or_else(panicked)
    }
}

/// The properties of a metric.
pub(super) struct MetricFacts {
    label: String,
    formula: String,
    cutoff: Option<usize>,
    invariants: Invariants,
}

impl From<&(dyn Metric + 'static)> for MetricFacts {
    fn from(metric: &(dyn Metric + 'static)) -> Self {
        MetricFacts {
            label: metric.label(),
            formula: metric.formula().to_string(),
            cutoff: metric.cutoff(),
            invariants: metric.invariants(),
        }
    }
}

impl Metric for Guard<dyn Metric, MetricFacts> {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics(|it| it.check())
    }

    fn label(&self) -> String {
        self.facts.label.clone()
    }

    fn formula(&self) -> &str {
        &self.facts.formula
    }

    fn cutoff(&self) -> Option<usize> {
        self.facts.cutoff
    }

    fn invariants(&self) -> Invariants {
        self.facts.invariants.clone()
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        self.inner.call(|it| it.score(evaluation))
    }
}
