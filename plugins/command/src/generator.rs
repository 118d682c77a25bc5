//! Programs that make queries.

use std::path::PathBuf;

use gloss_core::{
    Context, Data, Diagnostic, Error, Generator, History, Query, QueryContent, QueryGenerator,
    QueryKind, Result,
};

use crate::external::External;
use crate::program::Work;
use crate::protocol::{Call, HistoryView};
use crate::told;

impl QueryGenerator for External {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics()
    }

    fn produces(&self) -> QueryKind {
        let produces = self.facts().ok().and_then(|facts| facts.produces);
        produces.unwrap_or(QueryKind::Text)
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(self.facts()?.inputs.clone())
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let needs_training = self.facts()?.needs_training;
        let work = Work::new(move |teller| {
            told::catalogue(teller, &data.catalogue)?;
            if needs_training {
                told::training(teller, data)?;
            }
            teller.ask(&Call::Open { folder: None })
        });
        Ok(Box::new(ExternalGenerator {
            external: self,
            batch_size: self.batch_size()?,
            work,
            context,
        }))
    }
}

struct ExternalGenerator<'a> {
    external: &'a External,
    batch_size: usize,
    work: Work<'a>,
    context: &'a Context,
}

impl ExternalGenerator<'_> {
    fn batch(&self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let histories: Vec<HistoryView<'_>> = histories.iter().map(view).collect();
        let count = histories.len();
        let call = Call::Generate { histories };
        let program = &self.external.program;
        let answers: Vec<Vec<(QueryContent, f32)>> =
            program.ask(&self.work, self.context, &call)?;
        if answers.len() != count {
            let message = format!(
                "returned queries for {} of {count} histories",
                answers.len()
            );
            return Err(Error::component(program.label(), message));
        }
        let query = |(content, log_probability)| Query {
            content,
            log_probability,
        };
        let queries = answers.into_iter();
        Ok(queries
            .map(|queries| queries.into_iter().map(query).collect())
            .collect())
    }
}

impl Generator for ExternalGenerator<'_> {
    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let batches = histories.chunks(self.batch_size);
        let queries: Result<Vec<_>> = batches.map(|batch| self.batch(batch)).collect();
        Ok(queries?.into_iter().flatten().collect())
    }
}

fn view<'a>(history: &History<'a>) -> HistoryView<'a> {
    let ratings = history.ratings.iter();
    HistoryView {
        user: history.user,
        items: history.items,
        times: history.times,
        ratings: ratings
            .map(|rating| (!rating.is_nan()).then_some(*rating))
            .collect(),
    }
}
