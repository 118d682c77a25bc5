//! The core of gloss: the traits of its four kinds of component (data set, query generator,
//! retriever, metric), the records that they exchange, the registry that finds them by name, and
//! the pipeline that runs them.
//!
//! A component is a struct of options that implements one of the traits, named in
//! [`plugin!`]. This crate knows no component.

mod bootstrap;
mod component;
mod config;
mod conformance;
mod content;
mod context;
mod dataset;
mod error;
mod evaluation;
mod files;
mod generator;
mod library;
mod loaded;
mod metric;
mod models;
mod output;
mod pipeline;
mod protocol;
mod ranking;
mod records;
mod registry;
mod retriever;
mod schema;
mod segments;
mod store;
mod tables;
mod template;
mod trainer;
pub mod trec;

pub use bootstrap::{Bootstrap, Interval};
pub use component::{AnyComponent, Component, Kind, Options};
pub use config::{
    Draft, Experiment, FusedMethods, Method, Split, describe_component, experiment_schema,
    option_faults,
};
pub use conformance::{Outcome, Verdict, assert_laws, check_laws};
pub use content::hash_file;
pub use context::{Context, Progress, ProgressTask, Task, Unit};
pub use dataset::{Dataset, Download};
pub use error::{Error, ErrorClass, Fault, Faults, Location, Result, nearest};
pub use evaluation::{Evaluation, Judged, Lists};
pub use files::{read_error, read_file, unpack};
pub use generator::{Generator, Query, QueryContent, QueryGenerator, QueryKind};
pub use library::load_library;
pub use loaded::add_plugin;
pub use metric::{Laws, Metric, Scores};
pub use models::{FetchedModel, ModelFile, find_model, is_hub_name, model_folder};
pub use output::OutputFolder;
pub use protocol::{Event, Interactions, Protocol};
pub use ranking::{Answer, Fusion, Ranking, Seen};
pub use records::{Case, Catalogue, Data, Histories, History, Item, Report, Splits};
pub use registry::{Entry, OptionDescription, Origin, Plugin, Registry};
pub use retriever::{Hit, Index, Remark, Request, Retriever, Told, rank};
pub use schema::of as schema_of;
pub use segments::{NamedSegmentation, Segment, Segmentation};
pub use template::Template;
pub use trainer::{Trainer, Validate};

pub use pipeline::{
    Existing, Figure, Generated, Indexed, Manifest, MethodResult, Prepared, Results, Retrieved,
    Run, SegmentResult, Stage, Trained, Training, generate, index, prepare, read_data, retrieve,
    run, train, train_experiment, write_data,
};
pub use store::{Artefact, Input, Store};

#[doc(hidden)]
pub use component::{Tagged, options_text};
#[doc(hidden)]
pub use library::{Exported, Handshake, export};
#[doc(hidden)]
pub use {inventory, typetag};
