//! One safetensors file.
//!
//! It is read and not mapped into memory, so that a file that another process cuts short meanwhile is
//! an error.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Result, lfs_pointer, open_regular};
use safetensors::{Dtype, tensor::Metadata, tensor::TensorInfo};
use tch::{Device, Kind, TchError, Tensor};

use super::header;
use crate::error::torch_error;

/// The length of the number that says how long the header is.
const LENGTH: u64 = 8;
/// The longest header, as in the format's own library.
const LONGEST_HEADER: u64 = 100_000_000;
/// The bytes of a pointer of git-lfs that tell it.
const START: u64 = 64;

/// A safetensors file whose header has been read and checked.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    file: Mutex<fs::File>,
    /// The offset of the tensors' bytes.
    data: u64,
    header: Metadata,
}

impl File {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let mut file = open_regular(&path)?;
        let metadata = file.metadata().map_err(Error::io("read", &path))?;
        let (data, header) = match read_header(&mut file, metadata.len()) {
            Ok(Ok(read)) => read,
            Ok(Err(message)) => {
                let message = pointer(&mut file).unwrap_or(message);
                return Err(Error::input(path, message));
            }
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        Ok(File {
            path,
            file: Mutex::new(file),
            data,
            header,
        })
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
    ) -> Result<Tensor> {
        let bytes = self.bytes(name)?;
        let count = shape.iter().product::<i64>();
        let expected = usize::try_from(count).map(|count| count * kind.elt_size_in_bytes());
        if expected.ok() != Some(bytes.len()) {
            let message = format!("tensor `{name}` has {} bytes for {shape:?}", bytes.len());
            return Err(Error::input(&self.path, message));
        }
        let failed = torch_error(&format!("load tensor `{name}`"));
        let is_aligned = bytes
            .as_ptr()
            .addr()
            .is_multiple_of(kind.elt_size_in_bytes());
        let tensor = match device == Device::Cpu || !is_aligned {
            true => Tensor::f_from_data_size(&bytes, shape, kind)
                .and_then(|tensor| tensor.f_to_device(device)),
            false => upload(&bytes, shape, kind, device),
        };
        tensor.map_err(failed)
    }

    /// The hash that gloss wrote into the header, if it did.
    pub(super) fn recorded_hash(&self) -> Option<&str> {
        let metadata = self.header.metadata().as_ref()?;
        metadata.get(header::HASH).map(String::as_str)
    }

    /// The hash of all tensors as they are now; see [`header::Hash`].
    pub(super) fn hash(&self) -> Result<String> {
        let mut hash = header::Hash::default();
        for name in self.names() {
            let dtype = self.dtype(&name);
            let shape = self.info(&name).map(|info| info.shape.clone());
            hash.add(
                &name,
                &dtype,
                &shape.unwrap_or_default(),
                &self.bytes(&name)?,
            );
        }
        Ok(hash.finish())
    }

    fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.header.info(name)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let Some(info) = self.info(name) else {
            return Ok(Vec::new());
        };
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let at = SeekFrom::Start(self.data + start as u64);
        let read = file.seek(at).and_then(|_| file.read_exact(&mut bytes));
        match read {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Error::input(
                &self.path,
                "was cut short while it was read; make sure that nothing writes it, and run again",
            )),
            Err(error) => Err(Error::io("read", &self.path)(error)),
        }
    }
}

/// Reads the header of a file of `size` bytes; the offset of the data behind it.
fn read_header(file: &mut fs::File, size: u64) -> io::Result<Result<(u64, Metadata), String>> {
    const AGAIN: &str = "fetch the file again";
    let short = || {
        format!(
            "is cut short or damaged: its {size} bytes are not those that it announces; {AGAIN}"
        )
    };
    let mut length = [0; LENGTH as usize];
    if size < LENGTH {
        return Ok(Err(short()));
    }
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        let message = "is not a safetensors file, or is damaged: its header would be too large";
        return Ok(Err(format!("{message}; {AGAIN}")));
    }
    if length > size - LENGTH {
        return Ok(Err(short()));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    if let Some(name) = header::repeated(&text) {
        return Ok(Err(format!(
            "is damaged: it holds two tensors `{name}`; {AGAIN}"
        )));
    }
    let header: Metadata = match serde_json::from_slice(&text) {
        Ok(header) => header,
        Err(error) => {
            let message = format!("is not a safetensors file, or is damaged: {error}; {AGAIN}");
            return Ok(Err(message));
        }
    };
    let data = LENGTH + length;
    match data + header.data_len() as u64 == size {
        true => Ok(Ok((data, header))),
        false => Ok(Err(short())),
    }
}

/// The message about a pointer of git-lfs in the place of the file.
fn pointer(file: &mut fs::File) -> Option<String> {
    let mut start = Vec::new();
    file.rewind().ok()?;
    file.take(START).read_to_end(&mut start).ok()?;
    lfs_pointer(&start)
}

/// Copies bytes to a GPU without another copy in the CPU's memory.
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
