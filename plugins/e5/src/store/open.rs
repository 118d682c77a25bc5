//! Reading an index.

use std::path::Path;
use std::sync::Arc;

use gloss_core::{Error, Result};
use gloss_dense::{Matrix, hash_bytes};

use super::header::{Header, Identity};
use crate::environment::{Environment, damaged};

/// The file of an index.
pub(super) const FILE: &str = "data.mdb";

/// An index that is what it should be.
pub(crate) struct Stored {
    pub(crate) environment: Arc<Environment>,
    pub(crate) header: Header,
}

/// Opens the index in `folder`, which must have been made from `expected`.
pub(crate) fn open(folder: &Path, expected: &Identity) -> Result<Stored> {
    let stored = open_any(&folder.join(FILE))?;
    let found = &stored.header.identity;
    if found == expected {
        return Ok(stored);
    }
    Err(Error::Stale {
        path: folder.to_path_buf(),
        message: format!(
            "not the index of vectors that is needed here: {}; delete the folder and run again",
            expected.difference(found)
        ),
    })
}

/// Opens the index in the file `path`, whatever it was made from.
pub(super) fn open_any(path: &Path) -> Result<Stored> {
    let environment = Environment::open(path)?;
    let header = environment.read_header()?;
    let header = serde_json::from_slice(&header).map_err(|error| {
        let what = format!("its header cannot be understood ({error})");
        damaged(path, &what)
    })?;
    Ok(Stored {
        environment,
        header,
    })
}

impl Stored {
    /// All vectors.
    pub(crate) fn vectors(&self) -> Result<Matrix> {
        let identity = &self.header.identity;
        let size = identity.items * identity.dimensions * 4;
        let mut bytes: Vec<u8> = Vec::with_capacity(size);
        self.environment.read(|txn| {
            for block in self.environment.vectors.iter(txn)? {
                bytes.extend_from_slice(block?.1);
            }
            Ok(())
        })?;
        if bytes.len() != size || hash_bytes(&bytes) != self.header.vectors {
            return Err(damaged(
                self.environment.path(),
                "its vectors are not whole",
            ));
        }
        let (numbers, _) = bytes.as_chunks::<4>();
        let values = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok(Matrix::new(values.collect(), identity.dimensions))
    }
}
