//! From histories to ranked items.

use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{
    Context, Data, Diagnostic, Error, Generator, History, Identity, Query, Result, find_model,
};
use gloss_torch::{device_kind, machine, torch_error_with};
use serde_json::Value;
use tch::{Device, Kind, TchError, Tensor};

use crate::batch::{Batch, Sequence, groups};
use crate::network::{Model, Network, last};
use crate::predictions::{input, input_times};
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};
use gloss_training::{CONFIG, ITEMS, VECTORS, WEIGHTS, check_config, check_items, load_weights};

/// Items beyond those that are asked for, so that a group of equal scores is seen whole.
const MARGIN: i64 = 16;
/// Options that change nothing about a trained network.
const OF_USE: [&str; 7] = [
    "settings",
    "model",
    "device",
    "count",
    "batch_size",
    "training",
    "pretraining",
];
const ADVICE: &str = "A smaller `batch_size` needs less";

/// Faults of options.
pub(crate) fn check<M: Model>(model: &M) -> Vec<Diagnostic> {
    let mut diagnostics = model.check_shape();
    if model.shared().model.is_none() {
        diagnostics.extend(model.shared().training.check());
    }
    diagnostics
}

/// The files of the trained model; none if it is trained first.
pub(crate) fn inputs<M: Model>(model: &M) -> Result<Vec<PathBuf>> {
    let Some(folder) = model.shared().model else {
        return Ok(Vec::new());
    };
    let folder = find_model(&folder.display().to_string())?;
    let files = [CONFIG, ITEMS, WEIGHTS].map(|name| folder.join(name));
    match files.iter().find(|file| !file.is_file()) {
        Some(missing) => Err(Error::input(
            missing,
            "this file of a trained model is missing",
        )),
        None => Ok(files.into()),
    }
}

/// The identity of a generator or its training: the device as it is opened, and the files of the
/// model wherever they lie.
pub(crate) fn identity<M: Model>(model: &M) -> Result<Identity> {
    let device = model.shared().device.open()?;
    Identity::of(model)?
        .with_option("model", Value::Null)?
        .with_option("device", device_kind(device).into())
        .map(|identity| identity.with_machine(machine(device)))
}

/// The identity of a training, which does not depend on how the result is used.
pub(crate) fn training_identity<M: Model>(model: &M) -> Result<Identity> {
    identity(model)?
        .with_option("count", Value::Null)?
        .with_option("batch_size", Value::Null)
}

/// Writes the files of the trained model, which other programs can read.
pub(crate) fn export<M: Model>(model: &M, folder: &Path) -> Result<()> {
    let mut files = inputs(model)?;
    let vectors = files.first().map(|file| file.with_file_name(VECTORS));
    files.extend(vectors.filter(|file| file.is_file()));
    for file in files {
        let name = file.file_name().unwrap_or_default();
        let to = folder.join(name);
        fs::copy(&file, &to).map_err(Error::io("write", &to))?;
    }
    Ok(())
}

/// Opens the trained model.
pub(crate) fn open<'a, M: Model>(
    model: &'a M,
    data: &'a Data,
    context: &'a Context,
) -> Result<Box<dyn Generator + 'a>> {
    let shared = model.shared();
    let Some(folder) = shared.model else {
        let message = "it has to be trained before it is opened";
        return Err(Error::component(
            format!("generator `{}`", model.name()),
            message,
        ));
    };
    let folder = find_model(&folder.display().to_string())?;
    let options = serde_json::to_value(model)
        .map_err(|error| Error::Internal(format!("options of a model: {error}")))?;
    check_config(&folder, model.name(), &options, &OF_USE)?;
    check_items(&folder, &data.catalogue)?;
    let device = shared.device.open()?;
    let mut builder = Builder::default();
    let network = model.network(&mut builder, data)?;
    let failed = || torch_error_with("load the model", ADVICE);
    let parameters = builder.draw(0, device).map_err(failed())?;
    load_weights(&folder, &parameters, device)?.warn_of_unread();
    let leaves = Leaves::fixed(&parameters).map_err(failed())?;
    let items = tch::no_grad(|| network.items(&leaves, Pass::Evaluation)).map_err(failed())?;
    Ok(Box::new(Ranker {
        name: model.name(),
        count: shared.count,
        max_length: shared.max_length,
        batch_size: shared.batch_size,
        items,
        network,
        leaves,
        device,
        context,
    }))
}

/// The generator at work.
struct Ranker<'a> {
    name: &'a str,
    count: usize,
    max_length: usize,
    batch_size: usize,
    /// [items, width]
    items: Tensor,
    network: Box<dyn Network>,
    leaves: Leaves,
    device: Device,
    context: &'a Context,
}

impl Generator for Ranker<'_> {
    fn batch_size(&self) -> usize {
        8 * self.batch_size
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let mask = self.network.mask();
        let inputs: Vec<(Vec<u32>, Vec<i64>)> = histories
            .iter()
            .map(|history| match history.items.is_empty() {
                true => Default::default(),
                false => {
                    let items = input(history.items, mask, self.max_length);
                    let times = input_times(history.times, items.len());
                    (items, times)
                }
            })
            .collect();
        let lengths: Vec<usize> = inputs.iter().map(|(items, _)| items.len()).collect();
        let mut queries: Vec<Vec<Query>> = histories.iter().map(|_| Vec::new()).collect();
        for group in groups(&lengths, self.batch_size) {
            self.context.check()?;
            let group: Vec<usize> = group.into_iter().filter(|&at| lengths[at] > 0).collect();
            if group.is_empty() {
                continue;
            }
            let sequences: Vec<Sequence<'_>> = group
                .iter()
                .map(|&at| Sequence {
                    items: &inputs[at].0,
                    times: &inputs[at].1,
                })
                .collect();
            let amounts: Vec<usize> = group
                .iter()
                .map(|&at| self.amount(&histories[at]))
                .collect();
            let ranked = tch::no_grad(|| self.rank(&sequences, &amounts))
                .map_err(torch_error_with("rank items", ADVICE))?;
            for (&at, ranking) in group.iter().zip(ranked) {
                if ranking.iter().any(|(_, score)| !score.is_finite()) {
                    return Err(Error::component(
                        format!("generator {}", self.name),
                        format!(
                            "the scores for user {} are not finite; are the weights damaged?",
                            histories[at].user
                        ),
                    ));
                }
                queries[at] = vec![Query::items(ranking)];
            }
        }
        Ok(queries)
    }
}

impl Ranker<'_> {
    /// As many items as are needed for `count` to remain once seen ones are excluded.
    fn amount(&self, history: &History<'_>) -> usize {
        let catalogue = self.items.size().first().copied().unwrap_or(0) as usize;
        (self.count.saturating_add(history.distinct_items().len())).min(catalogue)
    }

    /// The best items of each sequence with their log-probabilities, equal ones in catalogue order.
    fn rank(
        &self,
        sequences: &[Sequence<'_>],
        amounts: &[usize],
    ) -> Result<Vec<Vec<(u32, f32)>>, TchError> {
        let batch = Batch::new(sequences, self.max_length, self.device)?;
        let hidden = last(self.network.as_ref(), &self.leaves, &batch)?;
        let scores = hidden
            .f_mm(&self.items.f_tr()?)?
            .f_log_softmax(-1, Kind::Float)?;
        let catalogue = scores.size2()?.1;
        let most = amounts.iter().max().copied().unwrap_or(0) as i64;
        let asked = (most + MARGIN).min(catalogue);
        let (best, places) = scores.f_topk(asked, -1, true, true)?;
        let best = numbers::<f32>(&best)?;
        let places = numbers::<i64>(&places)?;
        let mut rankings = Vec::new();
        for ((row, &amount), (best, places)) in (0..).zip(amounts).zip(
            best.chunks(asked as usize)
                .zip(places.chunks(asked as usize)),
        ) {
            let is_whole = asked == catalogue || best.last() < best.get(amount.saturating_sub(1));
            let mut ranking: Vec<(u32, f32)> = match is_whole || best.iter().any(|s| s.is_nan()) {
                true => places
                    .iter()
                    .map(|&place| place as u32)
                    .zip(best.iter().copied())
                    .collect(),
                false => (0..).zip(numbers::<f32>(&scores.f_get(row)?)?).collect(),
            };
            ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            ranking.truncate(amount);
            rankings.push(ranking);
        }
        Ok(rankings)
    }
}

/// The numbers of a tensor, row by row.
fn numbers<T: tch::kind::Element + Clone + Default>(tensor: &Tensor) -> Result<Vec<T>, TchError> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut numbers = vec![T::default(); tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}
