//! Shared by the plugins that train models on libtorch: parameters in one vector, optimizers,
//! schedules of the learning rate, checkpoints, the record of a training, the loop with validation,
//! early stopping and resumption, and the weights and files of networks that are built here.

mod checkpoint;
mod folder;
mod model_files;
mod optimizer;
mod order;
mod parameters;
mod pass;
mod record;
mod schedule;
mod session;
mod shared;
mod trainee;
mod weights;
mod world;

pub use folder::{remove_folder, replace_folder};
pub use model_files::{
    CONFIG, ITEMS, VECTORS, WEIGHTS, check_config, check_items, load_weights, write_json,
    write_vectors, write_weights,
};
pub use optimizer::{Adam, Optimizer, OptimizerName};
pub use order::{epoch_order, random_stream};
pub use parameters::{Parameter, ParameterList, Parameters};
pub use pass::Pass;
pub use schedule::{LearningRate, Schedule};
pub use session::{Evaluator, Session, Settings, clipped_gradient};
pub use trainee::{Gradient, Trainee};
pub use weights::{Builder, Init, Leaves, Weight};
pub use world::World;
