//! Shared by the plugins that train models on libtorch: parameters in one vector, optimizers,
//! schedules of the learning rate, checkpoints, the record of a training, and the loop with
//! validation, early stopping and resumption.

mod checkpoint;
mod folder;
mod optimizer;
mod order;
mod parameters;
mod record;
mod schedule;
mod session;
mod shared;
mod trainee;
mod world;

pub use folder::{remove_folder, replace_folder};
pub use optimizer::{Adam, Optimizer, OptimizerName};
pub use order::{epoch_order, random_stream};
pub use parameters::{Parameter, ParameterList, Parameters};
pub use schedule::{LearningRate, Schedule};
pub use session::{Evaluator, Session, Settings, clipped_gradient};
pub use trainee::{Gradient, Trainee};
pub use world::World;
