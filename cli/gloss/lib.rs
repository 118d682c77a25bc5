//! gloss with all its plugins. To build a `gloss` of your own, name your plugin in a program:
//!
//! ```no_run
//! // use my_plugin as _;
//!
//! fn main() -> std::process::ExitCode {
//!     gloss::main()
//! }
//! ```
//!
//! A crate that declares its components by `gloss_core::plugin!` and is named in such a program
//! adds them to those that gloss comes with; every command knows them then. `gloss_cli::main` is
//! the same without the plugins that are named here, and builds in half the time.
//!
//! The linker drops a crate that nothing names, so each plugin is named here; `tests/plugins.rs`
//! compares the list with the folders under `plugins/`.

// A dependency that is not named would be dropped by the linker without a word; this makes it a
// compile error.
#![cfg_attr(not(test), deny(unused_crate_dependencies))]

pub use gloss_cli::main;

use gloss_amazon as _;
use gloss_baselines as _;
use gloss_bm25 as _;
use gloss_command as _;
#[cfg(feature = "libtorch")]
use gloss_e5 as _;
use gloss_hybrid as _;
use gloss_lis as _;
#[cfg(feature = "libtorch")]
use gloss_llama as _;
use gloss_metrics as _;
#[cfg(feature = "libtorch")]
use gloss_milvus as _;
use gloss_movielens as _;
use gloss_openai as _;
use gloss_precomputed as _;
use gloss_rules as _;
#[cfg(feature = "libtorch")]
use gloss_semantic_ids as _;
#[cfg(feature = "libtorch")]
use gloss_sequential as _;
use gloss_tabular as _;
use gloss_yelp as _;

// Turns on features of dependencies; see its documentation.
use workspace_hack as _;

// Tells the build script where libtorch is.
#[cfg(feature = "libtorch")]
use torch_sys as _;
