//! The index of a checkpoint in several files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use gloss_core::{Error, Result, read_model_file};
use serde::Deserialize;

/// The file of each tensor.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Index {
    /// The names of the files, sorted, each once.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let files: BTreeSet<&str> = self.weight_map.values().map(String::as_str).collect();
        files.into_iter()
    }

    /// The error for a file that the index at `list` names and that is not there.
    pub(super) fn lost(&self, list: &Path, path: &Path) -> Error {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let tensors = self.weight_map.values().filter(|file| **file == name);
        Error::input(
            path,
            format!(
                "there is no such file, but {} names it: {} of the model's {} tensors are in it; \
                 download it too, or the whole model again",
                list.display(),
                tensors.count(),
                self.weight_map.len(),
            ),
        )
    }

    /// Every tensor with the name of its file.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.weight_map
            .iter()
            .map(|(tensor, file)| (tensor.as_str(), file.as_str()))
    }
}

/// Reads an index; the files it names are in the same folder.
pub(super) fn read(path: &Path) -> Result<Index> {
    let text = read_model_file(path)?;
    let index: Index = serde_json::from_slice(&text).map_err(|error| {
        let message = format!("is not an index of safetensors files: {error}");
        Error::line(path, error.line() as u64, message)
    })?;
    for file in index.files() {
        let mut parts = Path::new(file).components();
        if !matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        ) {
            let message = format!("names the file `{file}`, which is not in this folder");
            return Err(Error::input(path, message));
        }
    }
    Ok(index)
}

/// Says why there is nothing called `stem` to open in `folder`.
pub(super) fn nothing_to_open(folder: &Path, stem: &str) -> Error {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            [".bin", ".pt", ".pth"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    names.sort();
    let message = match names.first() {
        Some(pickle) => format!(
            "holds weights as `{pickle}`, a format that can run code when it is read; convert \
             them to safetensors (in transformers: `model.save_pretrained(folder)`)"
        ),
        None => format!("holds neither {stem}.safetensors nor {stem}.safetensors.index.json"),
    };
    Error::input(folder, message)
}
