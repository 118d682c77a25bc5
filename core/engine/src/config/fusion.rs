//! The methods of an experiment that fuse others.

use std::sync::Arc;

use super::document::Key;
use super::experiment::{FusedMethods, Method};
use super::methods::cutoff;
use super::resolve::{Resolver, key};
use super::typed;
use crate::ranking::{Fusion, RankingOptions};
use crate::run_files::{RUN_FILES, folder_name};
use gloss_core::{Diagnostic, Metric};

impl Resolver<'_> {
    /// The fused methods of an experiment with these methods and metrics.
    pub(super) fn fusions(
        &mut self,
        typed: Vec<typed::FusedMethods>,
        methods: &[Method],
        metrics: &[Arc<dyn Metric>],
    ) -> Vec<FusedMethods> {
        let mut fusions: Vec<FusedMethods> = Vec::new();
        for (index, typed) in typed.into_iter().enumerate() {
            let own = folder_name(&typed.name);
            let names = methods.iter().map(|method| &method.name);
            let mut names = names.chain(fusions.iter().map(|fusion| &fusion.name));
            let twin = names.find(|name| folder_name(name) == own).cloned();
            let taken = RUN_FILES.contains(&own.as_str());
            let fused = match (twin, taken) {
                (Some(twin), _) => Err(Diagnostic::new(
                    "name",
                    format!("is too much like `{twin}`"),
                )),
                (_, true) => Err(Diagnostic::new("name", "is the name of a run's own file")),
                _ => fused(typed, methods, metrics),
            };
            match fused {
                Ok(fused) => fusions.push(fused),
                Err(diagnostic) => {
                    let at: Key = key(&["fusion", &index.to_string()]);
                    self.found(&self.source(vec![at]), diagnostic);
                }
            }
        }
        fusions
    }
}

/// The fused method, or what is wrong with it.
fn fused(
    typed: typed::FusedMethods,
    methods: &[Method],
    metrics: &[Arc<dyn Metric>],
) -> Result<FusedMethods, Diagnostic> {
    let mut positions: Vec<usize> = Vec::new();
    for (index, name) in typed.methods.iter().enumerate() {
        let at = format!("methods.{index}");
        let names = methods.iter().map(|method| method.name.as_str());
        match methods.iter().position(|method| method.name == *name) {
            Some(position) if positions.contains(&position) => {
                return Err(Diagnostic::new(at, format!("`{name}` is given twice")));
            }
            Some(position) => positions.push(position),
            None => {
                let message = format!("there is no method `{name}`");
                return Err(Diagnostic::unknown(at, message, name, names));
            }
        }
    }
    let weights = typed.weights.unwrap_or(vec![1.0; positions.len()]);
    if weights.len() != positions.len() {
        let message = format!("{} weights for {} methods", weights.len(), positions.len());
        return Err(Diagnostic::new("weights", message));
    }
    if let Some(at) = weights
        .iter()
        .position(|weight| !(*weight > 0.0 && weight.is_finite()))
    {
        let message = format!("must be above 0, not {}", weights[at]);
        return Err(Diagnostic::new(format!("weights.{at}"), message));
    }
    let rankings: Vec<&RankingOptions> = positions.iter().map(|at| &methods[*at].ranking).collect();
    let Some(first) = rankings.first() else {
        return Err(Diagnostic::new("methods", "must name at least two methods"));
    };
    if rankings.iter().any(|ranking| ranking.seen != first.seen) {
        let message = "the methods treat items that a user has already differently; `ranking.seen` \
                       must be the same for all";
        return Err(Diagnostic::new("methods", message));
    }
    let (cutoff, diagnostic) = cutoff(typed.cutoff, metrics);
    if let Some(diagnostic) = diagnostic {
        return Err(diagnostic);
    }
    let deepest = rankings.iter().map(|ranking| ranking.cutoff).max();
    Ok(FusedMethods {
        name: typed.name,
        methods: positions.iter().copied().zip(weights).collect(),
        ranking: RankingOptions {
            depth: deepest.unwrap_or(cutoff),
            cutoff,
            fusion: Fusion::ReciprocalRank,
            reciprocal_rank_constant: typed.reciprocal_rank_constant,
            seen: first.seen,
        },
    })
}
