//! Components that are objects of Python. They answer the questions of the plugin protocol, in place of
//! a program.

use gloss_command::{Factory, Responder, load_inside};
use gloss_core::{Context, Error, Result};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raised;

/// Registers the component whose objects `make` returns: functions from a question to its answer, both
/// lines of JSON as bytes. Errors call it `label`.
#[pyfunction]
pub(crate) fn register(py: Python<'_>, label: String, make: Py<PyAny>) -> PyResult<()> {
    let named = label.clone();
    let factory = Factory::new(label, move || {
        let made = Python::attach(|py| make.call0(py));
        match made {
            Ok(answer) => Ok(Box::new(Object {
                label: named.clone(),
                answer,
            })),
            Err(error) => Err(Error::component(named.clone(), error)),
        }
    });
    // Without the interpreter's lock, for another thread may wait for it with a lock of gloss.
    let registered = py.detach(|| load_inside(&factory).map(drop));
    registered.map_err(raised)
}

struct Object {
    label: String,
    answer: Py<PyAny>,
}

impl Responder for Object {
    fn answer(&mut self, question: &[u8], _: &Context) -> Result<Vec<u8>> {
        Python::attach(|py| {
            let answer = self.answer.call1(py, (PyBytes::new(py, question),));
            let bytes = answer.and_then(|answer| answer.extract::<Vec<u8>>(py));
            bytes.map_err(
                |error| match error.is_instance_of::<PyKeyboardInterrupt>(py) {
                    true => Error::Interrupted,
                    false => Error::component(&self.label, error),
                },
            )
        })
    }
}
