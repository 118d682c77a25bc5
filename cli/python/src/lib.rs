//! The extension module `gloss._gloss`: the functions that the Python package `gloss` beside it is written on.
//!
//! - `call`: commands of the command line, with progress and Ctrl-C as Python has them.
//! - `component`: components that are Python objects.
//! - `evaluate`, on `judged`, `places` and `values`: metrics of rankings in dictionaries and arrays.
//! - `index`: retrievers by themselves; `encoder`: encoders by themselves.
//! - `errors`: errors as Python raises them.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "the macros of PyO3 expand to both; the documentation is that of the Python package"
)]

mod call;
mod component;
#[cfg(feature = "libtorch")]
mod encoder;
mod errors;
mod evaluate;
mod index;
mod judged;
mod places;
mod values;

// Its plugins are compiled in.
use gloss as _;
// Tells the build script where libtorch is.
#[cfg(feature = "libtorch")]
use torch_sys as _;

use pyo3::prelude::*;

/// The functions that the package `gloss` is written on.
#[pymodule]
fn _gloss(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("libtorch", cfg!(feature = "libtorch"))?;
    module.add_function(wrap_pyfunction!(call::main, module)?)?;
    module.add_function(wrap_pyfunction!(call::call, module)?)?;
    module.add_function(wrap_pyfunction!(call::set_program, module)?)?;
    module.add_function(wrap_pyfunction!(component::register, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_dicts, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_pairs, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_rows, module)?)?;
    module.add_function(wrap_pyfunction!(call::open_run, module)?)?;
    module.add_class::<index::Index>()?;
    #[cfg(feature = "libtorch")]
    module.add_class::<encoder::Encoder>()?;
    Ok(())
}
