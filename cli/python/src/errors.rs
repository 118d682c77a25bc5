//! Errors of gloss as Python raises them: those of the package's module `errors`.

use gloss_core::Error;
use pyo3::prelude::*;

/// The exception for an error.
pub(crate) fn raised(error: Error) -> PyErr {
    let text = gloss_cli::error_as_json(error);
    Python::attach(|py| {
        let make = || py.import("gloss.errors")?.call_method1("of_json", (text,));
        make().map_or_else(|error| error, PyErr::from_value)
    })
}
