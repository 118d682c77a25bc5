//! The plugin crates of this build. The linker drops a crate that nothing names, so each one is
//! named here; `tests/plugins.rs` compares the list with the folders under `plugins/`.

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
use gloss_movielens as _;
use gloss_precomputed as _;
use gloss_rules as _;
#[cfg(feature = "libtorch")]
use gloss_sequential as _;
use gloss_tabular as _;

// Tells the build script where libtorch is.
#[cfg(feature = "libtorch")]
use torch_sys as _;
