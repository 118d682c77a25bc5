//! The retriever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{
    Catalogue, Context, Hit, Identity, Index, IndexStatistic, QueryKind, Request, Result, Retriever,
};
use gloss_dense::{Exact, Queries};
use gloss_encoder::{Embed, Model, Similarity};

use crate::config::{Approximate, E5, Search};
use crate::environment::Environment;
use crate::search::{InvertedLists, Trees};
use crate::store::{self, Source, Stored};

/// The most items that are searched exactly unless it is asked for.
const EXACT: usize = 1_000_000;

impl Retriever for E5 {
    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Text, QueryKind::Vector]
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.encoder.inputs()
    }

    fn identity(&self) -> Result<Identity> {
        self.encoder.resolve(Identity::of(self)?)
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        let model = Model::open(&self.encoder)?;
        store::build(&self.source(catalogue, &model), folder, context)
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let model = Model::open(&self.encoder)?;
        let source = self.source(catalogue, &model);
        let stored = store::open(folder, &source.identity())?;
        let statistics = model.statistics();
        let mut dense = Dense::new(Box::new(model), stored, context.clone())?;
        dense.statistics.splice(0..0, statistics);
        Ok(Box::new(dense))
    }
}

impl E5 {
    fn source<'a>(&'a self, catalogue: &'a Catalogue, model: &'a Model) -> Source<'a> {
        let approximate = match self.search {
            Search::Auto if catalogue.len() <= EXACT => None,
            Search::Exact => None,
            Search::Arroy => Some(Approximate::Arroy(self.arroy.clone())),
            Search::Auto | Search::Ivf => Some(Approximate::Ivf(self.ivf.clone())),
        };
        Source {
            catalogue,
            embed: model,
            similarity: model.similarity(),
            approximate,
        }
    }
}

/// An index, open.
struct Dense<'a> {
    embed: Box<dyn Embed + 'a>,
    similarity: Similarity,
    searcher: Searcher,
    statistics: Vec<IndexStatistic>,
    context: Context,
}

enum Searcher {
    Exact(Exact),
    /// Trees, and how many items are scored for each query.
    Trees(Arc<Environment>, usize),
    /// Lists, and how many of them are looked at for each query.
    Lists(InvertedLists, usize),
}

impl<'a> Dense<'a> {
    fn new(embed: Box<dyn Embed + 'a>, stored: Stored, context: Context) -> Result<Self> {
        let identity = &stored.header.identity;
        let similarity = identity.similarity;
        let searcher = match &identity.approximate {
            None => Searcher::Exact(Exact::new(stored.vectors()?)),
            Some(Approximate::Arroy(trees)) => {
                Searcher::Trees(Arc::clone(&stored.environment), trees.candidates)
            }
            Some(Approximate::Ivf(options)) => Searcher::Lists(stored.lists()?, options.nprobe),
        };
        let recall = stored.header.recall;
        let recall =
            recall.map(|recall| IndexStatistic::new("recall@10 against exact search", recall));
        Ok(Dense {
            embed,
            similarity,
            searcher,
            statistics: recall.into_iter().collect(),
            context,
        })
    }
}

impl Index for Dense<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let embed = self.embed.as_ref();
        let queries = Queries::of(requests, embed, self.similarity, &self.context)?;
        let (vectors, depths) = (&queries.vectors, &queries.depths);
        let found = match &self.searcher {
            Searcher::Exact(exact) => exact.search(vectors, depths),
            Searcher::Trees(environment, candidates) => Trees {
                environment,
                similarity: self.similarity,
                candidates: *candidates,
            }
            .search(vectors, depths)?,
            Searcher::Lists(lists, nprobe) => lists.search(vectors, depths, *nprobe),
        };
        queries.answers(requests, &found)
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        self.statistics.clone()
    }
}

#[cfg(test)]
mod tests;
