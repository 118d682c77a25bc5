//! Hashing of many files.

use std::fs;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::{Context, Error, InputFile, Result, Unit};

/// Hashes files in parallel, with progress.
///
/// # Errors
/// If a file cannot be read.
pub fn hash_files(paths: Vec<PathBuf>, context: &Context) -> Result<Vec<InputFile>> {
    let size = |path: &PathBuf| Ok(fs::metadata(path).map_err(Error::io("read", path))?.len());
    let sizes = paths.iter().map(size).collect::<Result<Vec<u64>>>()?;
    let task = context.task("Hashing files", Some(sizes.iter().sum()), Unit::Bytes);
    let read = |path: PathBuf| {
        let file = InputFile::read(&path)?;
        task.advance(file.bytes)?;
        Ok(file)
    };
    paths.into_par_iter().map(read).collect()
}
