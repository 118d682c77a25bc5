//! The interface between gloss and its plugins: the traits of the four kinds of component (dataset,
//! query generator, retriever, metric), the records that they exchange, errors, options, the
//! registry, and [`plugin!`].
//!
//! A component is a struct of options that implements one of the traits and is named in
//! [`plugin!`]. `gloss-engine` runs experiments; this crate knows neither it nor any component.

mod added;
mod artefact;
mod code;
mod component;
mod context;
mod dataset;
mod decompress;
mod durable;
mod error;
mod evaluation;
mod file_hash;
mod generator;
mod identity;
mod input_files;
mod library;
mod lines;
mod memory;
mod metric;
mod models;
mod native;
mod prompt;
mod query;
mod ragged;
mod ranking;
mod records;
mod registry;
mod retriever;
mod running;
mod schema;
mod segment;
mod splits;
mod template;
mod warn;

pub use added::{add_plugin, replace_components};
pub use artefact::{ArtefactRequest, ArtefactStore, BuildArtefact};
pub use code::Code;
pub use component::{Component, Kind, Options, describe_component};
pub use context::{Context, Progress, ProgressTask, Task, Unit};
pub use dataset::{Dataset, Download, OnBadLine};
pub use decompress::{decompress, open_regular, read_error, read_file, read_limited};
pub use durable::move_into_place;
pub use error::{Diagnostic, Diagnostics, Error, ErrorClass, Location, Result, nearest};
pub use evaluation::{Evaluation, Scores, UserGains};
pub use file_hash::{InputFile, hash_file};
pub use generator::{Generator, QueryGenerator, Trainer, Validate};
pub use identity::Identity;
pub use input_files::hash_files;
pub use lines::{BadLines, for_each_line};
pub use memory::{ProcessMemory, process_memory};
pub use metric::{Invariants, Metric};
pub use models::{
    FetchedModel, ModelFile, find_model, is_hub_name, lfs_pointer, model_folder, probe_tokenizer,
    read_model_file,
};
pub use native::NativeLibrary;
pub use prompt::PromptFormat;
pub use query::{Query, QueryContent, QueryKind};
pub use ragged::Ragged;
pub use ranking::{Hit, ReciprocalRanks, rank};
pub use records::{Catalogue, Data, Dropped, Example, Histories, History, Item, Report, Splits};
pub use registry::{AnyComponent, Entry, Origin, Plugin, Registry};
pub use retriever::{Index, IndexStatistic, Request, Retriever, ScorePart, StatisticValue};
pub use running::RunningProgram;
pub use schema::{OptionDescription, choices, of as schema_of, overlay, summary, type_of};
pub use segment::Segment;
pub use splits::{Event, Interactions, SameDay, SplitOptions, SplitStrategy, Unseen};
pub use template::Template;
pub use warn::warn_once;

#[doc(hidden)]
pub use component::{Tagged, options_text};
#[doc(hidden)]
pub use library::{Difference, Export, Exported, Handshake, Parse, Sink, export, receive_log};
#[doc(hidden)]
pub use {inventory, typetag};
