//! Trained networks as generators of ranked items.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Data, Error, Generator, History, Query, Result, find_model};
use gloss_item_tokenizer::{CODES, Codes, fnv1a};
use gloss_torch::torch_error;
use gloss_training::{
    Builder, CONFIG, ITEMS, Leaves, WEIGHTS, check_config, check_items, load_weights, random_stream,
};
use serde_json::Value;

use crate::merges::Merges;
use crate::network::T5;
use crate::search::Searcher;
use crate::spec::{OF_USE, SemanticIdModel, Spec};
use crate::train::MERGES;

/// The folder of a trained model.
fn folder(spec: &Spec<'_>) -> Result<Option<PathBuf>> {
    let folder = spec.model.as_ref();
    folder
        .map(|folder| find_model(&folder.display().to_string()))
        .transpose()
}

/// The files of a trained model; none before a training.
pub(crate) fn files(spec: &Spec<'_>) -> Result<Vec<PathBuf>> {
    let Some(folder) = folder(spec)? else {
        return Ok(Vec::new());
    };
    let merges = spec.vocabulary_size.map(|_| MERGES);
    let names = [CONFIG, ITEMS, CODES, WEIGHTS].into_iter().chain(merges);
    let files: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    match files.iter().find(|file| !file.is_file()) {
        Some(missing) => Err(Error::input(
            missing,
            "this file of a trained model is missing",
        )),
        None => Ok(files),
    }
}

/// Copies the files of a trained model.
pub(crate) fn export(spec: &Spec<'_>, folder: &Path) -> Result<()> {
    for file in files(spec)? {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::copy(&file, &to).map_err(Error::io("write", &to))?;
    }
    Ok(())
}

/// Opens a trained model.
pub(crate) fn open<'a, W: SemanticIdModel>(
    options: &'a W,
    data: &'a Data,
    context: &'a Context,
) -> Result<Box<dyn Generator + 'a>> {
    let spec = options.spec();
    let Some(folder) = folder(&spec)? else {
        let message = "it has to be trained before it is opened";
        return Err(Error::component(
            format!("generator `{}`", spec.name),
            message,
        ));
    };
    Ok(Box::new(Writer {
        searcher: searcher(&spec, &options.written_options()?, &folder, data)?,
        spec,
        context,
    }))
}

/// The trained network and its codes.
fn searcher(spec: &Spec<'_>, options: &Value, folder: &Path, data: &Data) -> Result<Searcher> {
    check_config(folder, spec.name, options, &OF_USE)?;
    check_items(folder, &data.catalogue)?;
    let codes = Codes::read(&folder.join(CODES), &data.catalogue)?;
    let mut vocabulary = spec.vocabulary(&codes);
    if spec.vocabulary_size.is_some() {
        let merges = Merges::read(&folder.join(MERGES), vocabulary.len() as u32)?;
        vocabulary = vocabulary.with_merges(merges);
    }
    let device = spec.device.open()?;
    let mut builder = Builder::default();
    let network = T5::new(&mut builder, spec.network, vocabulary.len());
    let failed = || torch_error("load the model");
    let parameters = builder.draw(0, device).map_err(failed())?;
    load_weights(folder, &parameters, device)?.warn_of_unread();
    let leaves = Leaves::fixed(&parameters).map_err(failed())?;
    Searcher::new((network, leaves), vocabulary, codes, device, spec.num_beams)
}

/// The generator at work.
struct Writer<'a> {
    spec: Spec<'a>,
    searcher: Searcher,
    context: &'a Context,
}

impl Generator for Writer<'_> {
    fn batch_size(&self) -> usize {
        8 * self.spec.batch_size
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let mut queries: Vec<Vec<Query>> = histories.iter().map(|_| Vec::new()).collect();
        // Similar lengths together, so that little is filled up.
        let mut order: Vec<usize> = (0..histories.len()).collect();
        order.retain(|at| !histories[*at].items.is_empty());
        order.sort_by_key(|at| histories[*at].items.len());
        for group in order.chunks(self.spec.batch_size) {
            self.context.check()?;
            let group_histories: Vec<&History<'_>> =
                group.iter().map(|at| &histories[*at]).collect();
            let ranked = self.ranked(&group_histories)?;
            for (at, ranking) in group.iter().zip(ranked) {
                if !ranking.is_empty() {
                    queries[*at] = vec![Query::items(ranking)];
                }
            }
        }
        Ok(queries)
    }
}

impl Writer<'_> {
    /// The items of each history, the best first.
    fn ranked(&self, histories: &[&History<'_>]) -> Result<Vec<Vec<(u32, f32)>>> {
        let hidden = histories
            .iter()
            .map(|history| match self.spec.exclude_seen {
                true => history.items,
                false => &[],
            });
        let hidden: Vec<&[u32]> = hidden.collect();
        let mut rankings: Vec<Vec<Vec<(u32, f32)>>> = vec![Vec::new(); histories.len()];
        for segmentation in 0..self.spec.segmentations as u64 {
            let inputs: Vec<Vec<i64>> = histories
                .iter()
                .map(|history| self.input(history, segmentation))
                .collect();
            let found = tch::no_grad(|| self.searcher.search(&inputs, &hidden))?;
            for (rankings, found) in rankings.iter_mut().zip(found) {
                rankings.push(found);
            }
        }
        Ok(rankings.into_iter().map(averaged).collect())
    }

    /// The tokens of a history; in each segmentation others, whatever else is computed with them.
    fn input(&self, history: &History<'_>, segmentation: u64) -> Vec<i64> {
        let searcher = &self.searcher;
        let mut random = random_stream(fnv1a(history.user), segmentation);
        let codes = &searcher.codes;
        searcher
            .vocabulary
            .input(codes, history.user, history.items, &mut random)
    }
}

/// The logarithms of the means of probabilities in several rankings, which are 0 for an item that is missing in one; the
/// highest first, equal ones in catalogue order.
fn averaged(mut rankings: Vec<Vec<(u32, f32)>>) -> Vec<(u32, f32)> {
    let count = rankings.len() as f64;
    if rankings.len() < 2 {
        return rankings.pop().unwrap_or_default();
    }
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for (item, score) in rankings.iter().flatten() {
        *sums.entry(*item).or_default() += f64::from(*score).exp();
    }
    let mut all: Vec<(u32, f32)> = sums
        .into_iter()
        .map(|(item, sum)| (item, (sum / count).ln() as f32))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_several_rankings_are_averaged() {
        let ln = |probability: f32| probability.ln();
        let first = vec![(3, ln(0.5)), (1, ln(0.3))];
        assert_eq!(averaged(vec![first.clone()]), first);
        let both = averaged(vec![first, vec![(1, ln(0.4)), (2, ln(0.2))]]);
        let expected = [(1, 0.35_f32), (3, 0.25), (2, 0.1)];
        for ((item, score), (expected_item, probability)) in both.iter().zip(expected) {
            assert_eq!(*item, expected_item);
            assert!((score.exp() - probability).abs() < 1e-6);
        }
        assert_eq!(both.len(), 3);
    }
}
