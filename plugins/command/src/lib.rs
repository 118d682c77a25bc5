//! Components that are programs in any language, spoken to in JSON lines: `type = "command"`, for
//! all four kinds, and components by the names that programs give themselves.
//!
//! - `config`: the options.
//! - `protocol`: what is asked and answered.
//! - `process`: a running program; `family`: everything that it started.
//! - `exchange`: one question and its answer.
//! - `program`: a program that is started, and started again.
//! - `external`: what the four kinds have in common; `dataset`, `generator`, `retriever`, `metric`.
//! - `register`: how the registry gets to know them.

mod config;
mod dataset;
mod exchange;
mod external;
mod family;
mod generator;
mod metric;
mod process;
mod program;
mod protocol;
mod register;
mod retriever;
mod told;

pub use config::Command;
pub use family::end_all;
pub use protocol::{Answer, Call, Facts, Hello, HistoryView, KindName, PROTOCOL, UserView};
pub use register::{load_program, register};
