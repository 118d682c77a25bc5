//! Components that are programs in any language, spoken to in JSON lines: `type = "command"`, for
//! all four kinds, and components by the names that programs give themselves.
//!
//! - `config`: the options.
//! - `protocol`: what is asked and answered.
//! - `process`: a running program; `family`: everything that it started.
//! - `peer`: the other side of an exchange: a program, or an object in the process of gloss.
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
mod peer;
mod process;
mod program;
mod protocol;
mod register;
mod retriever;
mod told;

pub use config::Command;
pub use family::{end_all, share_process};
pub use peer::{Factory, Responder};
pub use protocol::{Answer, Call, Facts, Hello, HistoryView, KindName, PROTOCOL, UserView};
pub use register::{load_inside, load_program, register};
