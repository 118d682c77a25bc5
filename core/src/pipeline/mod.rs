//! The stages of a run, each cached by what it was made from.

mod export;
mod generate;
mod index;
mod prepare;
mod provenance;
mod retrieve;
mod run;
mod score;
mod train;

pub use generate::{Generated, generate};
pub use index::{Indexed, index};
pub use prepare::{Prepared, prepare, read_data, write_data};
pub use retrieve::{Retrieved, retrieve};
pub(crate) use run::RUN_FILES;
pub use run::{Existing, Manifest, Results, Run, Stage, run};
pub use score::{Figure, MethodResult, SegmentResult};
pub use train::{Trained, Training, train, train_experiment};
