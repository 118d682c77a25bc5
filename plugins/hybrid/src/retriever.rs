//! The retriever.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Diagnostic, Error, Hit, Index, IndexStatistic, QueryKind};
use gloss_core::{Identity, Request, Result, Retriever};
use serde_json::Value;

use crate::config::Hybrid;
use crate::fuse::Rule;
use crate::nested::Nested;

impl Retriever for Hybrid {
    fn check(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (at, nested) in self.retrievers.iter().enumerate() {
            diagnostics.extend(
                nested
                    .diagnostics()
                    .into_iter()
                    .map(|diagnostic| Diagnostic {
                        key: match diagnostic.key.as_str() {
                            "" => format!("retrievers.{at}"),
                            key => format!("retrievers.{at}.{key}"),
                        },
                        ..diagnostic
                    }),
            );
        }
        let count = self.retrievers.len();
        if let Some(weights) = &self.weights {
            if weights.len() != count {
                let message = format!("has {} numbers for {count} retrievers", weights.len());
                diagnostics.push(Diagnostic::new("weights", message));
            }
            let fits = |weight: &f64| (0.0..1e9).contains(weight);
            if !weights.iter().all(fits) || weights.iter().all(|weight| *weight == 0.0) {
                let message = "expected numbers from 0 to a thousand million, not all 0";
                diagnostics.push(Diagnostic::new("weights", message));
            }
        }
        if diagnostics.is_empty() && self.accepts().is_empty() {
            let message = "no kind of query is answered by all of them";
            diagnostics.push(Diagnostic::new("retrievers", message));
        }
        diagnostics
    }

    fn accepts(&self) -> &[QueryKind] {
        self.accepts.get_or_init(|| {
            let by_all = |kind: &QueryKind| {
                let mut retrievers = self.retrievers.iter().filter_map(Nested::retriever);
                retrievers.all(|retriever| retriever.accepts().contains(kind))
            };
            let kinds = [QueryKind::Text, QueryKind::Vector];
            kinds.into_iter().filter(by_all).collect()
        })
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut inputs = BTreeSet::new();
        for (_, retriever) in self.nested()? {
            inputs.extend(retriever.inputs()?);
        }
        Ok(inputs.into_iter().collect())
    }

    fn identity(&self) -> Result<Identity> {
        let mut identity = Identity::of(self)?;
        let mut options = Vec::new();
        for (_, retriever) in self.nested()? {
            let nested = retriever.identity()?;
            options.push(Value::from(nested.options));
            identity.code.merge(nested.code);
            identity.machine.extend(nested.machine);
        }
        identity.with_option("retrievers", options.into())
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        for (name, retriever) in self.nested()? {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
            retriever.build(catalogue, &folder, context)?;
        }
        Ok(())
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let nested = self.nested()?;
        let indexes = nested
            .into_iter()
            .map(|(name, retriever)| {
                let index = retriever.open(catalogue, &folder.join(&name), context)?;
                Ok((name, index))
            })
            .collect::<Result<_>>()?;
        Ok(Box::new(Fused {
            options: self,
            indexes,
        }))
    }
}

impl Hybrid {
    /// The retrievers, and the names of their folders.
    fn nested(&self) -> Result<Vec<(String, &dyn Retriever)>> {
        let named = self.retrievers.iter().enumerate().map(|(at, nested)| {
            let name = format!("{at}-{}", nested.name());
            Some((name, nested.retriever()?))
        });
        let all: Option<Vec<_>> = named.collect();
        all.ok_or_else(|| Error::Internal("an invalid hybrid was used".into()))
    }
}

/// Several indexes as one.
struct Fused<'a> {
    options: &'a Hybrid,
    /// Each with the name of its folder.
    indexes: Vec<(String, Box<dyn Index + 'a>)>,
}

impl Index for Fused<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let deep: Vec<Request<'_>> = requests
            .iter()
            .map(|request| Request {
                k: self.options.depth,
                ..*request
            })
            .collect();
        let found = self
            .indexes
            .iter()
            .map(|(_, index)| index.search(&deep))
            .collect::<Result<Vec<_>>>()?;
        let rule = Rule {
            fusion: self.options.fusion,
            constant: self.options.reciprocal_rank_constant,
            weights: self.options.weights.as_deref().unwrap_or_default(),
        };
        let answers = requests.iter().enumerate().map(|(at, request)| {
            let rankings = found
                .iter()
                .map(|answers| answers.get(at).map(Vec::as_slice));
            let rankings: Vec<&[Hit]> = rankings.map(Option::unwrap_or_default).collect();
            rule.fuse(&rankings, request.k)
        });
        Ok(answers.collect())
    }

    /// The statistics of all indexes, with their names.
    fn statistics(&self) -> Vec<IndexStatistic> {
        let of_index = |(name, index): &(String, Box<dyn Index + '_>)| {
            let statistics = index.statistics().into_iter();
            let named = statistics.map(|statistic| {
                IndexStatistic::new(format!("{name}: {}", statistic.name), statistic.value)
            });
            named.collect::<Vec<_>>()
        };
        self.indexes.iter().flat_map(of_index).collect()
    }
}

#[cfg(test)]
mod tests;
