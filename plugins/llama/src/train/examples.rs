//! A Llama in training, on texts.

use std::path::{Path, PathBuf};

use gloss_core::{Data, Result};
use gloss_training::{Gradient, Parameters, Trainee};
use tch::{TchError, Tensor};

use super::batch::{Batch, Text, split};
use super::network::{Leaves, Network};
use super::weights;
use crate::codes::Vocabulary;
use crate::config::Training;

/// The network, its parameters, and the texts of training and validation.
pub(crate) struct TextTraining<'a> {
    pub(crate) training: &'a Training,
    pub(crate) network: Network,
    pub(crate) parameters: Parameters,
    pub(crate) texts: Vec<Text>,
    pub(crate) validation: Vec<Text>,
    /// The checkpoint that is trained, and its name.
    pub(crate) base: (PathBuf, String),
    /// The tokenizer and the codes that are written beside the weights, with the data for measurements of them.
    pub(crate) written: Option<(Vocabulary, &'a Data)>,
    pub(crate) packed_tokens: usize,
}

impl Trainee for TextTraining<'_> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn examples(&self) -> usize {
        self.texts.len()
    }

    /// On a GPU, where memory is otherwise asked for piece by piece.
    fn rehearse(&self) -> Result<(), TchError> {
        if !self.network.model.device.is_cuda() {
            return Ok(());
        }
        let mut longest: Vec<usize> = (0..self.texts.len()).collect();
        longest.sort_by_key(|&text| std::cmp::Reverse(self.texts[text].tokens.len()));
        longest.truncate(self.training.texts_per_step());
        self.gradient(&longest, 0).map(drop)
    }

    fn gradient(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        let texts: Vec<&Text> = examples.iter().map(|&text| &self.texts[text]).collect();
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = self.network.leaves(&self.parameters)?;
        let predicted: usize = texts.iter().map(|text| text.predicted()).sum();
        let share = 1.0 / predicted.max(1) as f64;
        let mut sums = Vec::new();
        for (number, texts) in self.batches(&texts).into_iter().enumerate() {
            let batch = Batch::new(&texts, self.training.batching, self.network.model.device)?;
            // Far from that of any other batch: each layer adds its number.
            let seed = self.training.seed as i64 + ((step << 16) as i64 + number as i64) * 4096;
            let network = &self.network;
            sums.push(network.forward_backward(&batch, &leaves, &self.parameters, share, seed)?);
        }
        if self.network.factor() != 1.0 {
            let mut gradient = self.parameters.gradient.shallow_clone();
            let _ = gradient.f_mul_scalar_(self.network.factor())?;
        }
        Ok(Gradient {
            loss: total(&sums)? * share,
            predictions: predicted,
            tokens: texts.iter().map(|text| text.tokens.len()).sum(),
        })
    }

    fn validation_loss(&self) -> Result<Option<f64>, TchError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let leaves: Leaves = tch::no_grad(|| self.network.leaves(&self.parameters))?;
        let texts: Vec<&Text> = self.validation.iter().collect();
        let predicted: usize = texts.iter().map(|text| text.predicted()).sum();
        let mut sums = Vec::new();
        for texts in self.batches(&texts) {
            let batch = Batch::new(&texts, self.training.batching, self.network.model.device)?;
            sums.push(self.network.judge(&batch, &leaves)?);
        }
        Ok(Some(total(&sums)? / predicted.max(1) as f64))
    }

    fn loss_of_guessing(&self) -> f64 {
        (self.network.model.architecture.vocabulary as f64).ln()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let (base, name) = &self.base;
        let plan = &self.network.plan;
        weights::write(folder, self.training, (plan, &self.parameters), base, name)?;
        let Some((Vocabulary { tokenizer, codes }, data)) = &self.written else {
            return Ok(());
        };
        weights::describe_tokenizer(base, folder)?;
        tokenizer.write(folder)?;
        codes.iter().try_for_each(|codes| codes.write(folder, data))
    }
}

impl TextTraining<'_> {
    fn batches<'t>(&self, texts: &[&'t Text]) -> Vec<Vec<&'t Text>> {
        let training = self.training;
        split(
            texts,
            training.batching,
            training.per_device_train_batch_size,
            self.packed_tokens,
        )
    }
}

fn total(sums: &[Tensor]) -> Result<f64, TchError> {
    let mut total = 0.0;
    for sum in sums {
        total += sum.f_double_value(&[])?;
    }
    Ok(total)
}
