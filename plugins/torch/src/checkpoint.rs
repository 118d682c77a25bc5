//! Checkpoints in Hugging Face's layout: one safetensors file, or several and an index of them.

mod file;
pub(crate) mod header;
mod index;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Result, nearest, warn_once};
use tch::{Device, Kind, Tensor};

use crate::error::torch_error;
use file::File;

/// The tensors of a checkpoint, on disk until they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    /// The file that lists the tensors.
    list: PathBuf,
    files: Vec<File>,
    /// The number of the file of every tensor.
    places: BTreeMap<String, usize>,
    /// The names of the tensors that were read.
    read: Mutex<BTreeSet<String>>,
}

/// Endings of tensors that older libraries stored beside the weights; transformers computes them.
const COMPUTED: [&str; 3] = [
    "rotary_emb.inv_freq",
    "attention.bias",
    "embeddings.position_ids",
];

/// The most names in a warning.
const SHOWN: usize = 8;

impl Checkpoint {
    /// Opens the folder of a model: `model.safetensors`, or the files that
    /// `model.safetensors.index.json` names.
    ///
    /// # Errors
    ///
    /// Files that are missing, cut short or no safetensors, and a tensor that is in two files or
    /// not in the file that the index names. Each error names the file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_named(folder.as_ref(), "model")
    }

    /// Opens one safetensors file.
    ///
    /// # Errors
    ///
    /// A file that is missing, cut short or no safetensors.
    pub fn open_file(path: impl AsRef<Path>) -> Result<Self> {
        let list = path.as_ref().to_path_buf();
        Self::new(list.clone(), vec![File::open(list)?])
    }

    /// Opens `NAME.safetensors` in a folder, or the files that its index names.
    pub(crate) fn open_named(folder: &Path, name: &str) -> Result<Self> {
        std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))?;
        let single = folder.join(format!("{name}.safetensors"));
        let list = folder.join(format!("{name}.safetensors.index.json"));
        if single.exists() {
            Self::open_file(single)
        } else if list.exists() {
            Self::open_sharded(list, folder)
        } else {
            Err(index::nothing_to_open(folder, name))
        }
    }

    fn open_sharded(list: PathBuf, folder: &Path) -> Result<Self> {
        let index = index::read(&list)?;
        let files = index.files().map(|name| {
            let path = folder.join(name);
            match path.exists() {
                true => File::open(path),
                false => Err(index.lost(&list, &path)),
            }
        });
        let checkpoint = Self::new(list.clone(), files.collect::<Result<_>>()?)?;
        for (name, file) in index.tensors() {
            let path = folder.join(file);
            if checkpoint.file(name).is_none_or(|held| held.path != path) {
                let list = checkpoint.list.display();
                let message = format!("tensor `{name}` is missing, which {list} says to be here");
                return Err(Error::input(path, message));
            }
        }
        Ok(checkpoint)
    }

    fn new(list: PathBuf, files: Vec<File>) -> Result<Self> {
        let mut places = BTreeMap::new();
        for (place, file) in files.iter().enumerate() {
            for name in file.names() {
                if let Some(other) = places.insert(name.clone(), place) {
                    let other = files[other].path.display();
                    let message = format!("tensor `{name}` is in {other} already");
                    return Err(Error::input(&file.path, message));
                }
            }
        }
        Ok(Checkpoint {
            list,
            files,
            places,
            read: Mutex::default(),
        })
    }

    /// The files that hold the tensors, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Returns `true` if there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The shape of a tensor, if it is there.
    pub fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.file(name)?.shape(name)
    }

    /// The number type of a tensor, if it is there and libtorch has that type.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.file(name)?.kind(name)
    }

    /// The file that a tensor is in, or that would name it if it were there; for messages.
    pub fn path(&self, name: &str) -> &Path {
        self.file(name).map_or(&self.list, |file| &file.path)
    }

    /// An [`Error::Input`] about a tensor: `message` follows "tensor `NAME`".
    pub fn diagnostic(&self, name: &str, message: impl AsRef<str>) -> Error {
        Error::input(
            self.path(name),
            format!("tensor `{name}` {}", message.as_ref()),
        )
    }

    /// Reads a tensor onto a device, in the number type it was written in.
    ///
    /// # Errors
    ///
    /// A tensor that is missing, of another shape, of a number type that libtorch lacks, or that
    /// holds NaN or infinity. Each error names the file and the tensor.
    pub fn tensor(&self, name: &str, shape: &[i64], device: Device) -> Result<Tensor> {
        let found = self.shape(name).ok_or_else(|| self.missing(name))?;
        if found != shape {
            let message = format!("has shape {found:?}, but {shape:?} is expected");
            return Err(self.diagnostic(name, message));
        }
        let (tensor, kind) = self.stored(name, shape, device)?;
        if kind_is_float(kind) && !is_finite(&tensor).map_err(torch_error("check a tensor"))? {
            return Err(self.diagnostic(name, "holds NaN or infinity: the file is damaged"));
        }
        Ok(tensor)
    }

    /// Reads the bytes of a tensor, whatever its shape and number type, as a vector on a device.
    ///
    /// # Errors
    ///
    /// A tensor that is missing, or of a number type that libtorch lacks.
    pub(crate) fn bytes(&self, name: &str, device: Device) -> Result<Tensor> {
        let shape = self.shape(name).ok_or_else(|| self.missing(name))?;
        let (tensor, _) = self.stored(name, &shape, device)?;
        let bytes = tensor
            .f_reshape([-1])
            .and_then(|t| t.f_view_dtype(Kind::Uint8));
        bytes.map_err(torch_error(&format!("load tensor `{name}`")))
    }

    /// A tensor of a known shape as it is stored.
    fn stored(&self, name: &str, shape: &[i64], device: Device) -> Result<(Tensor, Kind)> {
        let file = self.file(name).ok_or_else(|| self.missing(name))?;
        let Some(kind) = file.kind(name) else {
            let message = format!("is of type {}, which is not supported", file.dtype(name));
            return Err(self.diagnostic(name, message));
        };
        let tensor = file.read(name, shape, kind, device)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(name.to_string());
        Ok((tensor, kind))
    }

    /// Compares the tensors with the hash that gloss wrote beside them, if it did.
    ///
    /// # Errors
    ///
    /// A file whose tensors are not those that were written.
    pub fn verify(&self) -> Result<()> {
        for file in &self.files {
            match file.recorded_hash() {
                Some(recorded) if file.hash()? != recorded => {
                    let path = file.path.clone();
                    let message = "is damaged: its tensors are not those that were written".into();
                    return Err(Error::Stale { path, message });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Warns of the tensors that were never read; to be called when the whole model is loaded.
    /// Tensors that libraries compute anew, such as `rotary_emb.inv_freq`, are left out.
    pub fn warn_of_unread(&self) {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let unread: Vec<&str> = self
            .names()
            .filter(|name| !read.contains(*name))
            .filter(|name| !COMPUTED.iter().any(|end| name.ends_with(end)))
            .collect();
        let Some(first) = unread.first() else {
            return;
        };
        let file = self.path(first).display();
        let shown = unread[..unread.len().min(SHOWN)].join("`, `");
        let others = match unread.len() - unread.len().min(SHOWN) {
            0 => String::new(),
            count => format!(" and {count} others"),
        };
        warn_once(format!(
            "{file}: the model has no place for {} of the checkpoint's tensors, which are ignored: \
             `{shown}`{others}; does config.json lack an option, such as `attention_bias` or `mlp_bias`?",
            unread.len()
        ));
    }

    fn file(&self, name: &str) -> Option<&File> {
        self.places.get(name).map(|&place| &self.files[place])
    }

    fn missing(&self, name: &str) -> Error {
        let names: Vec<&str> = self.names().collect();
        let hint = nearest(name, &names).map(|near| format!("; the nearest name is `{near}`"));
        self.diagnostic(name, format!("is missing{}", hint.unwrap_or_default()))
    }
}

fn kind_is_float(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double
    )
}

/// Returns `true` if there is neither NaN nor infinity, by one pass on the tensor's device.
fn is_finite(tensor: &Tensor) -> std::result::Result<bool, tch::TchError> {
    if tensor.numel() == 0 {
        return Ok(true);
    }
    let (low, high) = tensor.f_aminmax(None, false)?;
    Ok(low.f_double_value(&[])?.is_finite() && high.f_double_value(&[])?.is_finite())
}
