//! Encoders by themselves: texts to vectors.

use gloss_core::{Context, Error, Result};
use gloss_encoder::{Embed, EncoderOptions, Model, Role, encode};
use numpy::PyArray2;
use numpy::ndarray::Array2;
use pyo3::prelude::*;

use crate::errors::raised;

/// An encoder of texts.
#[pyclass(frozen, module = "gloss._gloss")]
pub(crate) struct Encoder(Model);

#[pymethods]
impl Encoder {
    /// Loads the encoder of the options of the retriever `e5`, as JSON.
    #[new]
    fn new(py: Python<'_>, options: String) -> PyResult<Self> {
        let open = || {
            let options: EncoderOptions = serde_json::from_str(&options)
                .map_err(|error| Error::Usage(format!("the options of an encoder: {error}")))?;
            Model::open(&options)
        };
        py.detach(open).map(Encoder).map_err(raised)
    }

    /// The vectors of `texts`, one a row, as those of queries or of passages.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        query: bool,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let made = py.detach(|| self.make(&texts, query)).map_err(raised)?;
        Ok(PyArray2::from_owned_array(py, made))
    }

    /// The number of dimensions.
    fn dimensions(&self) -> usize {
        self.0.dimensions()
    }

    /// The settings that decide a vector, as JSON.
    fn settings(&self) -> String {
        self.0.identity().to_string()
    }
}

impl Encoder {
    fn make(&self, texts: &[String], query: bool) -> Result<Array2<f32>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let role = match query {
            true => Role::Query,
            false => Role::Passage,
        };
        let values = encode(&self.0, &texts, role, &Context::default())?;
        Array2::from_shape_vec((texts.len(), self.0.dimensions()), values)
            .map_err(|error| Error::Internal(error.to_string()))
    }
}
