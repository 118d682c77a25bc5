//! A training from its first step to its last.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gloss_core::{Context, Error, Result, Unit};
use gloss_torch::{memory_used, torch_error_with};
use tch::TchError;

use crate::checkpoint::{self, State};
use crate::folder::{remove_folder, replace_folder};
use crate::optimizer::{Optimizer, clip};
use crate::order::epoch_order;
use crate::record::{LogEvent, LogRecord, Record};
use crate::schedule::LearningRate;
use crate::shared;
use crate::trainee::{Gradient, Trainee};
use crate::world::World;

/// The settings of the loop.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most times that every example is seen.
    pub epochs: u64,
    /// The most steps, whatever the epochs have.
    pub max_steps: Option<u64>,
    /// Examples of a step.
    pub examples_per_step: usize,
    /// The learning rate.
    pub learning_rate: LearningRate,
    /// The longest that the gradient may be; 0 for any length.
    pub max_grad_norm: f64,
    /// Decides the order of examples.
    pub seed: u64,
    /// Steps from one validation to the next; once an epoch if `None`.
    pub eval_steps: Option<u64>,
    /// Steps from one checkpoint to the next. Every validation makes one too.
    pub save_steps: u64,
    /// The number of validations in a row without improvement that ends the training; 0 for none.
    pub early_stopping_patience: u64,
    /// True if the last weights are kept, whatever their validation.
    pub keeps_last: bool,
    /// The name of the folder of weights in that of the training.
    pub weights: &'static str,
    /// Advice for when memory runs out, as a sentence without its full stop.
    pub advice: &'static str,
}

/// A metric's name, and how good the weights in a folder are by it; higher is better.
pub type Evaluator<'a> = (&'a str, &'a dyn Fn(&Path) -> Result<f64>);

/// A training, and what it needs.
pub struct Session<'a, T> {
    /// The model.
    pub trainee: T,
    /// The optimizer of its parameters.
    pub optimizer: Optimizer,
    /// The settings of the loop.
    pub settings: Settings,
    /// The output folder.
    pub folder: &'a Path,
    /// The metric that decides, if one does.
    pub metric: Option<Evaluator<'a>>,
    /// The processes that train together, if they are several.
    pub world: Option<World>,
    /// For progress and interruption.
    pub context: &'a Context,
}

/// The measurements of a step.
struct Step {
    gradient: Gradient,
    norm: f64,
    learning_rate: f64,
}

/// Puts the gradient of `examples` in that of the parameters, at most `longest` long if that is not
/// 0; returns the loss, and the length before that.
///
/// # Errors
/// Those of libtorch.
pub fn clipped_gradient(
    trainee: &impl Trainee,
    examples: &[usize],
    step: u64,
    longest: f64,
) -> Result<(Gradient, f64), TchError> {
    let gradient = trainee.gradient(examples, step)?;
    let norm = tch::no_grad(|| clip(trainee.parameters(), longest))?;
    Ok((gradient, norm))
}

impl<T: Trainee> Session<'_, T> {
    /// Trains to the end, from where an earlier attempt stood if there was one.
    ///
    /// # Errors
    /// If a step or a validation fails, the loss is lost, or a file cannot be written.
    pub fn run(&mut self) -> Result<()> {
        let mut state = self.start()?;
        let mut record = match self.writes() {
            true => Some(Record::open(self.folder, state.step)?),
            false => None,
        };
        let steps = self.steps();
        let task = self.context.task("Training", Some(steps), Unit::Count);
        task.advance(state.step)?;
        let failed = torch_error_with("train on the longest examples", self.settings.advice);
        self.trainee.rehearse().map_err(failed)?;
        let mut order: Option<(u64, Vec<usize>)> = None;
        while state.step < steps && !self.is_over(&state) {
            let clock = Instant::now();
            let epoch = state.step / self.steps_an_epoch();
            if order.as_ref().is_none_or(|(of, _)| *of != epoch) {
                let drawn = epoch_order(self.settings.seed, epoch, self.trainee.examples());
                order = Some((epoch, drawn));
            }
            let order = order.as_ref().map_or(&[][..], |(_, order)| order);
            let step = self.step(&state, order)?;
            state.step += 1;
            state.first_loss.get_or_insert(step.gradient.loss);
            state.tokens += step.gradient.tokens as u64;
            let seconds = clock.elapsed().as_secs_f64();
            let memory = memory_used(self.trainee.parameters().values.device());
            if let Some(record) = &mut record {
                record.add(self.line(&state, log_event(&step, &state, seconds, memory)))?;
            }
            task.note(&note(&step, seconds, memory));
            task.advance(1)?;
            let validates = self.validates(state.step);
            if validates {
                self.validate(&mut state, record.as_mut())?;
            }
            if validates || state.step.is_multiple_of(self.settings.save_steps) {
                self.save(&state)?;
            }
        }
        match &record {
            Some(record) => self.finish(&state, record),
            None => Ok(()),
        }
    }

    /// Returns `true` for the one process that writes.
    fn writes(&self) -> bool {
        self.world.as_ref().is_none_or(|world| world.rank() == 0)
    }

    /// The state to go on from, which all processes have.
    fn start(&mut self) -> Result<State> {
        let parameters = self.trainee.parameters();
        let found = match self.writes() {
            true => checkpoint::read(self.folder, parameters, &self.optimizer)?,
            false => None,
        };
        if let Some(state) = &found {
            tracing::info!(step = state.step, "going on with an earlier training");
        }
        let state = found.unwrap_or_default();
        match &mut self.world {
            None => Ok(state),
            Some(world) => {
                let examples = self.trainee.examples();
                shared::start(world, state, examples, parameters, &self.optimizer)
            }
        }
    }

    fn save(&self, state: &State) -> Result<()> {
        if !self.writes() {
            return Ok(());
        }
        let parameters = self.trainee.parameters();
        checkpoint::write(self.folder, state, parameters, &self.optimizer)
    }

    fn steps_an_epoch(&self) -> u64 {
        self.trainee
            .examples()
            .div_ceil(self.settings.examples_per_step) as u64
    }

    fn steps(&self) -> u64 {
        let steps = self.steps_an_epoch() * self.settings.epochs;
        self.settings
            .max_steps
            .map_or(steps, |most| steps.min(most))
    }

    fn is_over(&self, state: &State) -> bool {
        let patience = self.settings.early_stopping_patience;
        patience > 0 && state.worse >= patience
    }

    fn validates(&self, step: u64) -> bool {
        let every = self.settings.eval_steps.unwrap_or(self.steps_an_epoch());
        step.is_multiple_of(every) || step == self.steps()
    }

    fn step(&mut self, state: &State, order: &[usize]) -> Result<Step> {
        let per_step = self.settings.examples_per_step;
        let start = (state.step % self.steps_an_epoch()) as usize * per_step;
        let chosen = &order[start..order.len().min(start + per_step)];
        let rate = self.settings.learning_rate.at(state.step, self.steps());
        let failed = || torch_error_with("train", self.settings.advice);
        let longest = self.settings.max_grad_norm;
        let (gradient, norm) = match &mut self.world {
            None => {
                let own = clipped_gradient(&self.trainee, chosen, state.step, longest);
                own.map_err(failed())?
            }
            Some(world) => {
                let gradient =
                    shared::gradient(world, &self.trainee, chosen, state.step, failed())?;
                let parameters = self.trainee.parameters();
                let norm = tch::no_grad(|| clip(parameters, longest)).map_err(failed())?;
                (gradient, norm)
            }
        };
        self.check(state, gradient.loss, norm)?;
        let failed = failed();
        let parameters = self.trainee.parameters();
        tch::no_grad(|| self.optimizer.step(parameters, rate, state.step + 1)).map_err(failed)?;
        Ok(Step {
            gradient,
            norm,
            learning_rate: rate,
        })
    }

    /// Stops a training whose numbers are lost.
    fn check(&self, state: &State, loss: f64, gradient_norm: f64) -> Result<()> {
        let guessing = self.trainee.loss_of_guessing();
        let most = 2.0 * guessing.max(state.first_loss.unwrap_or(loss));
        let lost = match (loss.is_finite(), gradient_norm.is_finite()) {
            (true, true) if loss <= most => return Ok(()),
            (true, true) => format!("twice that of the first step or of guessing ({most:.2})"),
            _ => "no number any more, or its gradient is none".to_string(),
        };
        let kept = match state.best {
            Some((_, step)) => format!(
                "; the weights after step {step} are in {}",
                self.folder.join(self.settings.weights).display()
            ),
            None => String::new(),
        };
        Err(Error::Usage(format!(
            "the loss of step {} is {loss:.3}, {lost}, and training stops{kept}. A lower \
             `learning_rate`, more `warmup_steps` or a `max_grad_norm` of 1 or less may help",
            state.step + 1
        )))
    }

    /// Validates the weights, and keeps them if they are the best so far.
    fn validate(&mut self, state: &mut State, record: Option<&mut Record>) -> Result<()> {
        if let Some(record) = record {
            self.validate_here(state, record)?;
        }
        if let Some(world) = &mut self.world {
            *state = shared::state(world, state)?;
        }
        Ok(())
    }

    fn validate_here(&self, state: &mut State, record: &mut Record) -> Result<()> {
        let failed = torch_error_with("validate", self.settings.advice);
        let Some(loss) = self.trainee.validation_loss().map_err(failed)? else {
            return Ok(());
        };
        let candidate = self.folder.join("candidate");
        remove_folder(&candidate)?;
        self.trainee.write(&candidate)?;
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
        if better || self.settings.keeps_last {
            state.best = Some((value, state.step));
            state.worse = 0;
            replace_folder(&candidate, &self.folder.join(self.settings.weights))
        } else {
            state.worse += 1;
            remove_folder(&candidate)
        }
    }

    fn finish(&self, state: &State, record: &Record) -> Result<()> {
        if state.best.is_none() {
            self.trainee
                .write(&self.folder.join(self.settings.weights))?;
        }
        record.publish()?;
        checkpoint::remove(self.folder)
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
        loss: step.gradient.loss,
        learning_rate: step.learning_rate,
        gradient_norm: step.norm,
        tokens: state.tokens,
        tokens_per_second: step.gradient.tokens as f64 / seconds,
        memory,
    }
}

fn note(step: &Step, seconds: f64, memory: Option<u64>) -> String {
    format!(
        "loss {:.3}, {:.0} tokens/s, {:.1} GiB",
        step.gradient.loss,
        step.gradient.tokens as f64 / seconds,
        memory.unwrap_or_default() as f64 / f64::from(1 << 30)
    )
}
