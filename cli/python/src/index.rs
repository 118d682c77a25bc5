//! Retrievers by themselves: an index of texts, and its answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{
    Catalogue, Context, Error, Item, Kind, QueryContent, QueryKind, Registry, Request, Result,
    Retriever,
};
use gloss_engine::ExperimentConfig;
use numpy::PyArray2;
use numpy::ndarray::Array2;
use pyo3::prelude::*;
use self_cell::self_cell;
use serde_json::Value;

use crate::errors::raised;

struct Owner {
    retriever: Arc<dyn Retriever>,
    catalogue: Catalogue,
}

type Opened<'a> = Box<dyn gloss_core::Index + 'a>;

self_cell!(
    struct Open {
        owner: Owner,
        #[covariant]
        dependent: Opened,
    }
);

/// An index of texts, made by a retriever.
#[pyclass(frozen, module = "gloss._gloss")]
pub(crate) struct Index {
    open: Open,
    /// Holds the index where it is not saved anywhere.
    _scratch: Option<tempfile::TempDir>,
}

type Found<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>);

#[pymethods]
impl Index {
    /// Builds the index of `texts` in `folder`, or in memory's place on disk without one. `retriever` is a
    /// table of JSON with the retriever's name as `type` and its options.
    #[new]
    fn new(
        py: Python<'_>,
        retriever: String,
        texts: Vec<String>,
        folder: Option<PathBuf>,
        build: bool,
    ) -> PyResult<Self> {
        let made = py.detach(|| Index::make(&retriever, texts, folder, build));
        made.map_err(raised)
    }

    /// The positions of the `k` best texts of each query, and their scores. Rows with fewer are filled up
    /// with -1 and 0.
    fn search<'py>(&self, py: Python<'py>, queries: Vec<String>, k: usize) -> PyResult<Found<'py>> {
        let found = py.detach(|| self.find(queries, k)).map_err(raised)?;
        Ok((
            PyArray2::from_owned_array(py, found.0),
            PyArray2::from_owned_array(py, found.1),
        ))
    }

    /// The number of texts.
    fn __len__(&self) -> usize {
        self.open.borrow_owner().catalogue.len()
    }
}

impl Index {
    fn make(
        retriever: &str,
        texts: Vec<String>,
        folder: Option<PathBuf>,
        build: bool,
    ) -> Result<Self> {
        let retriever = resolve(retriever)?;
        if !retriever.accepts().contains(&QueryKind::Text) {
            return Err(Error::Usage(format!(
                "the retriever `{}` does not answer texts",
                retriever.name()
            )));
        }
        let items = texts.into_iter().enumerate().map(|(position, text)| Item {
            id: position.to_string(),
            text,
            fields: Vec::new(),
        });
        let catalogue = Catalogue::new(items.collect(), Vec::new())?;
        let scratch = match &folder {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(Error::io("create", "a temporary folder"))?),
        };
        let folder = scratch
            .as_ref()
            .map(|scratch| scratch.path().to_path_buf())
            .or(folder);
        let folder = folder.ok_or_else(|| Error::Internal("an index without a folder".into()))?;
        let context = Context::default();
        if build {
            std::fs::create_dir_all(&folder).map_err(Error::io("create the folder", &folder))?;
            refuse_full(&folder)?;
            retriever.build(&catalogue, &folder, &context)?;
        }
        let owner = Owner {
            retriever,
            catalogue,
        };
        let open = Open::try_new(owner, |owner| {
            owner.retriever.open(&owner.catalogue, &folder, &context)
        })?;
        Ok(Index {
            open,
            _scratch: scratch,
        })
    }

    fn find(&self, queries: Vec<String>, k: usize) -> Result<(Array2<i64>, Array2<f32>)> {
        if k == 0 {
            return Err(Error::Usage("`k` is 0; ask for at least one text".into()));
        }
        let k = k.min(self.open.borrow_owner().catalogue.len().max(1));
        let queries: Vec<_> = queries.into_iter().map(QueryContent::Text).collect();
        let requests: Vec<_> = queries.iter().map(|query| Request { query, k }).collect();
        let answers = self.open.borrow_dependent().search(&requests)?;
        let mut positions = Array2::from_elem((queries.len(), k), -1);
        let mut scores = Array2::zeros((queries.len(), k));
        for (row, hits) in answers.iter().enumerate() {
            for (at, hit) in hits.iter().enumerate() {
                positions[(row, at)] = i64::from(hit.item);
                scores[(row, at)] = hit.score;
            }
        }
        Ok((positions, scores))
    }
}

/// An index is not written into a folder with other files.
fn refuse_full(folder: &Path) -> Result<()> {
    let mut entries = std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::input(
            folder,
            "has files already; name an empty folder",
        )),
    }
}

fn resolve(table: &str) -> Result<Arc<dyn Retriever>> {
    let table: Value =
        serde_json::from_str(table).map_err(|error| Error::Internal(error.to_string()))?;
    let mut config = ExperimentConfig::new();
    config.replace("gloss.Index", "retriever", table);
    match config.resolve_one(Kind::Retriever, &Registry::known()?)? {
        (gloss_core::AnyComponent::Retriever(retriever), _) => Ok(retriever),
        _ => Err(Error::Internal("a retriever of another kind".into())),
    }
}
