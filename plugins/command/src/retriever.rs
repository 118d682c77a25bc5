//! Programs that find items.

use std::path::{Path, PathBuf};

use gloss_core::{
    Catalogue, Context, Diagnostic, Error, Hit, Index, QueryKind, Request, Result, Retriever, rank,
};

use crate::external::External;
use crate::program::Work;
use crate::protocol::Call;
use crate::told;

impl Retriever for External {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics()
    }

    fn accepts(&self) -> &[QueryKind] {
        let accepts = self.facts().ok().and_then(|facts| facts.accepts.as_deref());
        accepts.unwrap_or(&[QueryKind::Text])
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(self.facts()?.inputs.clone())
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        let folder = text(folder)?;
        let work = Work::new(|teller| told::catalogue(teller, catalogue));
        self.program
            .ask(&work, context, &Call::Build { folder: &folder })
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let folder = text(folder)?;
        let work = Work::new(move |teller| {
            told::catalogue(teller, catalogue)?;
            teller.ask(&Call::Open {
                folder: Some(&folder),
            })
        });
        let index = ExternalIndex {
            external: self,
            batch_size: self.batch_size()?,
            items: catalogue.len(),
            work,
            context: context.clone(),
        };
        index.ask(&[])?; // Reports a damaged index now.
        Ok(Box::new(index))
    }
}

struct ExternalIndex<'a> {
    external: &'a External,
    batch_size: usize,
    items: usize,
    work: Work<'a>,
    context: Context,
}

impl ExternalIndex<'_> {
    fn ask(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<(u32, f32)>>> {
        let call = Call::Search {
            requests: requests
                .iter()
                .map(|request| (request.query, request.k))
                .collect(),
        };
        self.external.program.ask(&self.work, &self.context, &call)
    }

    fn batch(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let answers = self.ask(requests)?;
        let broken =
            |message: String| Err(Error::component(self.external.program.label(), message));
        if answers.len() != requests.len() {
            let message = format!(
                "returned {} answers to {} queries",
                answers.len(),
                requests.len()
            );
            return broken(message);
        }
        let wrong =
            |(item, score): &&(u32, f32)| *item as usize >= self.items || !score.is_finite();
        if let Some((item, score)) = answers.iter().flatten().find(wrong) {
            return broken(format!(
                "returned the score {score} for item {item}: no such item, or not finite"
            ));
        }
        let pairs = answers.into_iter().zip(requests);
        let ranked = pairs.map(|(answer, request)| {
            let hits = answer.into_iter().map(|(item, score)| Hit { item, score });
            let mut hits = hits.collect();
            rank(&mut hits, request.k);
            hits
        });
        Ok(ranked.collect())
    }
}

impl Index for ExternalIndex<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let batches = requests.chunks(self.batch_size);
        let answers: Result<Vec<_>> = batches.map(|batch| self.batch(batch)).collect();
        Ok(answers?.into_iter().flatten().collect())
    }
}

/// A folder as text, from the root.
fn text(folder: &Path) -> Result<String> {
    let absolute = std::path::absolute(folder).map_err(Error::io("find", folder))?;
    let text = absolute.to_str().map(str::to_string);
    text.ok_or_else(|| Error::input(folder, "a program can only get UTF-8 paths"))
}
