//! A training from its first step to its last.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gloss_core::{Context, Error, Result, Unit};
use gloss_torch::{memory_used, torch_error_with};
use tch::{TchError, Tensor};

use super::batch::{Batch, Text, split};
use super::checkpoint::{self, State};
use super::network::{Leaves, Network};
use super::optimizer::{Optimizer, clip};
use super::parameters::Parameters;
use super::record::{LogEvent, LogRecord, Record};
use super::schedule::learning_rate;
use super::texts::order;
use super::weights;
use crate::config::Training;

/// A metric's name, and how good the weights in a folder are by it; higher is better.
pub(crate) type Evaluator<'a> = (&'a str, &'a dyn Fn(&Path) -> Result<f64>);

/// A training, and what it needs.
pub(crate) struct Session<'a> {
    pub(crate) training: &'a Training,
    pub(crate) network: Network,
    pub(crate) parameters: Parameters,
    pub(crate) optimizer: Optimizer,
    pub(crate) texts: Vec<Text>,
    pub(crate) validation: Vec<Text>,
    /// The output folder.
    pub(crate) folder: &'a Path,
    /// The checkpoint that is trained, and what it is called.
    pub(crate) base: (PathBuf, String),
    /// The metric that decides, if one does.
    pub(crate) metric: Option<Evaluator<'a>>,
    pub(crate) packed_tokens: usize,
    pub(crate) context: &'a Context,
}

/// The measurements of a step.
struct Step {
    loss: f64,
    gradient_norm: f64,
    learning_rate: f64,
    tokens: usize,
}

impl Session<'_> {
    /// Trains to the end, from where an earlier attempt stood if there was one.
    pub(crate) fn run(&mut self) -> Result<()> {
        let found = checkpoint::read(self.folder, &self.parameters, &self.optimizer)?;
        if let Some(state) = &found {
            tracing::info!(step = state.step, "going on with an earlier training");
        }
        let mut state = found.unwrap_or_default();
        let mut record = Record::open(self.folder, state.step)?;
        let steps = self.steps();
        let task = self.context.task("Training", Some(steps), Unit::Count);
        task.advance(state.step)?;
        self.rehearse()?;
        let mut order: Option<(u64, Vec<usize>)> = None;
        while state.step < steps && !self.is_over(&state) {
            let clock = Instant::now();
            let epoch = state.step / self.steps_an_epoch();
            if order.as_ref().is_none_or(|(of, _)| *of != epoch) {
                order = Some((epoch, self::order(self.training, epoch, self.texts.len())));
            }
            let order = order.as_ref().map_or(&[][..], |(_, order)| order);
            let step = self.step(&state, order)?;
            state.step += 1;
            state.first_loss.get_or_insert(step.loss);
            state.tokens += step.tokens as u64;
            let seconds = clock.elapsed().as_secs_f64();
            let memory = memory_used(self.network.model.device);
            record.add(self.line(&state, log_event(&step, &state, seconds, memory)))?;
            task.note(&note(&step, seconds, memory));
            task.advance(1)?;
            let validates = self.validates(state.step);
            if validates {
                self.validate(&mut state, &mut record)?;
            }
            if validates || state.step.is_multiple_of(self.training.save_steps) {
                checkpoint::write(self.folder, &state, &self.parameters, &self.optimizer)?;
            }
        }
        self.finish(&state, &record)
    }

    fn steps_an_epoch(&self) -> u64 {
        self.texts.len().div_ceil(self.training.texts_per_step()) as u64
    }

    fn steps(&self) -> u64 {
        let steps = self.steps_an_epoch() * self.training.num_train_epochs;
        self.training
            .max_steps
            .map_or(steps, |most| steps.min(most))
    }

    fn is_over(&self, state: &State) -> bool {
        self.training.early_stopping_patience > 0
            && state.worse >= self.training.early_stopping_patience
    }

    fn validates(&self, step: u64) -> bool {
        let every = self.training.eval_steps.unwrap_or(self.steps_an_epoch());
        step.is_multiple_of(every) || step == self.steps()
    }

    /// Computes the gradient of the longest texts on a GPU, so that memory that does not suffice runs
    /// out at once, and memory that does is not asked for piece by piece later.
    fn rehearse(&self) -> Result<()> {
        if !self.network.model.device.is_cuda() {
            return Ok(());
        }
        let mut texts: Vec<&Text> = self.texts.iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.tokens.len()));
        texts.truncate(self.training.texts_per_step());
        self.gradient(&texts, 0)
            .map(drop)
            .map_err(torch_error_with("train on the longest texts", ADVICE))
    }

    fn step(&mut self, state: &State, order: &[usize]) -> Result<Step> {
        let per_step = self.training.texts_per_step();
        let start = (state.step % self.steps_an_epoch()) as usize * per_step;
        let chosen = &order[start..order.len().min(start + per_step)];
        let texts: Vec<&Text> = chosen.iter().map(|&text| &self.texts[text]).collect();
        let rate = learning_rate(self.training, state.step, self.steps());
        let (loss, gradient_norm) = self
            .gradient(&texts, state.step)
            .map_err(torch_error_with("train", ADVICE))?;
        self.check(state, loss, gradient_norm)?;
        tch::no_grad(|| self.optimizer.step(&self.parameters, rate, state.step + 1))
            .map_err(torch_error_with("train", ADVICE))?;
        Ok(Step {
            loss,
            gradient_norm,
            learning_rate: rate,
            tokens: texts.iter().map(|text| text.tokens.len()).sum(),
        })
    }

    /// The mean loss of texts and the length of its gradient, which becomes that of the parameters.
    pub(crate) fn gradient(&self, texts: &[&Text], step: u64) -> Result<(f64, f64), TchError> {
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = self.network.leaves(&self.parameters)?;
        let predicted: usize = texts.iter().map(|text| text.predicted()).sum();
        let share = 1.0 / predicted.max(1) as f64;
        let mut sums = Vec::new();
        for (number, texts) in self.batches(texts).into_iter().enumerate() {
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
        let norm = tch::no_grad(|| clip(&self.parameters, self.training.max_grad_norm))?;
        Ok((total(&sums)? * share, norm))
    }

    fn batches<'t>(&self, texts: &[&'t Text]) -> Vec<Vec<&'t Text>> {
        let training = self.training;
        split(
            texts,
            training.batching,
            training.per_device_train_batch_size,
            self.packed_tokens,
        )
    }

    /// Stops a training whose numbers are lost.
    fn check(&self, state: &State, loss: f64, gradient_norm: f64) -> Result<()> {
        let guessing = (self.network.model.architecture.vocabulary as f64).ln();
        let most = 2.0 * guessing.max(state.first_loss.unwrap_or(loss));
        let lost = match (loss.is_finite(), gradient_norm.is_finite()) {
            (true, true) if loss <= most => return Ok(()),
            (true, true) => format!("twice that of the first step or of guessing ({most:.2})"),
            _ => "no number any more, or its gradient is none".to_string(),
        };
        let kept = match state.best {
            Some((_, step)) => format!(
                "; the weights after step {step} are in {}",
                self.folder.join(weights::name(self.training)).display()
            ),
            None => String::new(),
        };
        Err(Error::Usage(format!(
            "the loss of step {} is {loss:.3}, {lost}, and training stops{kept}. A lower \
             `learning_rate`, more `warmup_steps` or a `max_grad_norm` of 1 or less may help",
            state.step + 1
        )))
    }

    /// Judges the weights, and keeps them if they are the best so far.
    fn validate(&self, state: &mut State, record: &mut Record) -> Result<()> {
        if self.training.metric_for_best_model == "last" && self.validation.is_empty() {
            return Ok(());
        }
        let loss = self
            .validation_loss()
            .map_err(torch_error_with("validate", ADVICE))?;
        let candidate = self.folder.join("candidate");
        weights::remove(&candidate)?;
        self.write(&candidate)?;
        let metric = match self.metric {
            Some((label, judge)) => Some((label.to_string(), judge(&candidate)?)),
            None => None,
        };
        let value = metric.as_ref().map_or(-loss, |(_, value)| *value);
        record.add(self.line(
            state,
            LogEvent::Validation {
                validation_loss: loss,
                metric,
            },
        ))?;
        record.publish()?;
        let better = state.best.is_none_or(|(best, _)| value > best);
        if better || self.training.metric_for_best_model == "last" {
            state.best = Some((value, state.step));
            state.worse = 0;
            weights::replace(&candidate, &self.folder.join(weights::name(self.training)))
        } else {
            state.worse += 1;
            weights::remove(&candidate)
        }
    }

    /// The mean loss of the validation texts.
    pub(crate) fn validation_loss(&self) -> Result<f64, TchError> {
        let leaves: Leaves = tch::no_grad(|| self.network.leaves(&self.parameters))?;
        let texts: Vec<&Text> = self.validation.iter().collect();
        let predicted: usize = texts.iter().map(|text| text.predicted()).sum();
        let mut sums = Vec::new();
        for texts in self.batches(&texts) {
            let batch = Batch::new(&texts, self.training.batching, self.network.model.device)?;
            sums.push(self.network.judge(&batch, &leaves)?);
        }
        Ok(total(&sums)? / predicted.max(1) as f64)
    }

    fn finish(&self, state: &State, record: &Record) -> Result<()> {
        if state.best.is_none() {
            self.write(&self.folder.join(weights::name(self.training)))?;
        }
        record.publish()?;
        checkpoint::remove(self.folder)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let (base, name) = &self.base;
        weights::write(folder, self.training, &self.parameters, base, name)
    }

    fn line(&self, state: &State, what: LogEvent) -> LogRecord {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        LogRecord {
            step: state.step,
            epoch: state.step as f64 / self.steps_an_epoch() as f64,
            time: now.map_or(0.0, |now| now.as_secs_f64()),
            what,
        }
    }
}

fn log_event(step: &Step, state: &State, seconds: f64, memory: Option<u64>) -> LogEvent {
    LogEvent::Step {
        loss: step.loss,
        learning_rate: step.learning_rate,
        gradient_norm: step.gradient_norm,
        tokens: state.tokens,
        tokens_per_second: step.tokens as f64 / seconds,
        memory,
    }
}

fn note(step: &Step, seconds: f64, memory: Option<u64>) -> String {
    format!(
        "loss {:.3}, {:.0} tokens/s, {:.1} GiB",
        step.loss,
        step.tokens as f64 / seconds,
        memory.unwrap_or_default() as f64 / f64::from(1 << 30)
    )
}

const ADVICE: &str = "Fewer `packed_tokens` (or a smaller `per_device_train_batch_size` with more `gradient_accumulation_steps`, if \
                      texts are padded), `gradient_checkpointing`, a shorter `max_length` or \
                      `quantize = \"nf4\"` need less";

fn total(sums: &[Tensor]) -> Result<f64, TchError> {
    let mut total = 0.0;
    for sum in sums {
        total += sum.f_double_value(&[])?;
    }
    Ok(total)
}
