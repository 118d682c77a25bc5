//! One safetensors file, memory-mapped.

use std::fs;
use std::path::PathBuf;

use gloss_core::{Error, Result};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, tensor::Metadata, tensor::TensorInfo};
use tch::{Device, Kind, TchError, Tensor};

use super::header;

/// The length of the number that says how long the header is.
const LENGTH: usize = 8;

/// A safetensors file whose header has been read and checked.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    map: Mmap,
    /// The offset of the tensors' bytes.
    data: usize,
    header: Metadata,
}

impl File {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let file = fs::File::open(&path).map_err(Error::io("open", &path))?;
        let is_file = file.metadata().map_err(Error::io("read", &path))?.is_file();
        if !is_file {
            return Err(Error::input(
                path,
                "is a folder, but a safetensors file is expected",
            ));
        }
        let map = map(&file).map_err(Error::io("map", &path))?;
        match SafeTensors::read_metadata(&map) {
            Ok((length, header)) => {
                let data = LENGTH + length;
                if let Some(name) = header::repeated(map.get(LENGTH..data).unwrap_or_default()) {
                    let message = format!("holds two tensors of the name `{name}`");
                    return Err(Error::input(path, message));
                }
                Ok(File {
                    data,
                    path,
                    map,
                    header,
                })
            }
            Err(why) => Err(damaged(path, &map, &why)),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.header.offset_keys();
        names.sort();
        names
    }

    pub(super) fn shape(&self, name: &str) -> Option<Vec<i64>> {
        let sizes = self.info(name)?.shape.iter();
        sizes.map(|&size| i64::try_from(size).ok()).collect()
    }

    /// The type's name, as the file gives it.
    pub(super) fn dtype(&self, name: &str) -> String {
        let dtype = self.info(name).map(|info| info.dtype.to_string());
        dtype.unwrap_or_default()
    }

    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        match self.info(name)?.dtype {
            Dtype::BOOL => Some(Kind::Bool),
            Dtype::U8 => Some(Kind::Uint8),
            Dtype::I8 => Some(Kind::Int8),
            Dtype::I16 => Some(Kind::Int16),
            Dtype::I32 => Some(Kind::Int),
            Dtype::I64 => Some(Kind::Int64),
            Dtype::F16 => Some(Kind::Half),
            Dtype::BF16 => Some(Kind::BFloat16),
            Dtype::F32 => Some(Kind::Float),
            Dtype::F64 => Some(Kind::Double),
            _ => None,
        }
    }

    /// Copies the bytes of a tensor onto a device; `shape` and `kind` are those of the file.
    pub(super) fn read(
        &self,
        name: &str,
        shape: &[i64],
        kind: Kind,
        device: Device,
    ) -> std::result::Result<Tensor, TchError> {
        let bytes = self.bytes(name).unwrap_or_default();
        let count = shape.iter().product::<i64>();
        let expected = usize::try_from(count).map(|count| count * kind.elt_size_in_bytes());
        if expected.ok() != Some(bytes.len()) {
            return Err(TchError::Shape(format!(
                "{} bytes for {shape:?}",
                bytes.len()
            )));
        }
        if device == Device::Cpu
            || !bytes
                .as_ptr()
                .addr()
                .is_multiple_of(kind.elt_size_in_bytes())
        {
            return Tensor::f_from_data_size(bytes, shape, kind)?.f_to_device(device);
        }
        upload(bytes, shape, kind, device)
    }

    fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.header.info(name)
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        let (start, end) = self.info(name)?.data_offsets;
        self.map.get(self.data + start..self.data + end)
    }
}

/// Says what is wrong with a file that is no safetensors.
fn damaged(path: PathBuf, bytes: &[u8], why: &safetensors::SafeTensorError) -> Error {
    use safetensors::SafeTensorError as Diagnostic;
    if let Some(message) = gloss_core::lfs_pointer(bytes) {
        return Error::input(path, message);
    }
    let length = bytes.len();
    let message = match why {
        Diagnostic::HeaderTooSmall
        | Diagnostic::InvalidHeaderLength
        | Diagnostic::MetadataIncompleteBuffer => {
            format!("is cut short or damaged: its {length} bytes are not those that it announces")
        }
        Diagnostic::InvalidOffset(name) => {
            format!("is damaged: tensor `{name}` has no valid place")
        }
        other => format!("is not a safetensors file, or is damaged: {other}"),
    };
    Error::input(path, format!("{message}; fetch the file again"))
}

#[allow(unsafe_code, reason = "a memory map is only as safe as its file")]
fn map(file: &fs::File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and lives as long as `File`. Another process could change the
    // file meanwhile, as with any map; no value read from it is trusted to stay the same, for the
    // header is copied out and checked once, and weights can have any bits.
    unsafe { Mmap::map(file) }
}

/// Copies mapped bytes to a GPU without a copy in the CPU's memory between.
#[allow(unsafe_code, reason = "a tensor over borrowed bytes")]
fn upload(
    bytes: &[u8],
    shape: &[i64],
    kind: Kind,
    device: Device,
) -> std::result::Result<Tensor, TchError> {
    // SAFETY: the caller has checked that `bytes` is aligned and as long as `shape` and `kind` ask
    // for. The tensor over it is only read, and dropped here, before the borrow ends: the copy to
    // another device is complete when `f_to_device` returns, and shares nothing with it.
    unsafe { Tensor::f_from_blob(bytes.as_ptr(), shape, &[], kind, Device::Cpu)? }
        .f_to_device(device)
}
