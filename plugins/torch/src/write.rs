//! Writing tensors.

use std::collections::HashMap;
use std::path::Path;

use gloss_core::{Error, Result, move_into_place};
use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, TchError, Tensor};

use crate::checkpoint::header;
use crate::error::torch_error;

/// Writes a safetensors file of named tensors and of a text that describes them; without one, of a
/// hash of the tensors that [`Checkpoint::verify`](crate::Checkpoint::verify) checks. (The format's
/// library writes several texts in no fixed order, so that the same tensors would give other bytes.)
/// The file appears whole or not at all, in the place of one that was there.
///
/// # Errors
///
/// A full disk; a number type that such files do not have.
pub fn write_safetensors<N: AsRef<str>, T: std::borrow::Borrow<Tensor>>(
    path: &Path,
    tensors: &[(N, T)],
    mut metadata: HashMap<String, String>,
) -> Result<()> {
    let bytes = tensors
        .iter()
        .map(|(_, tensor)| bytes(tensor.borrow()).map_err(torch_error("copy a tensor")))
        .collect::<Result<Vec<_>>>()?;
    let mut views = Vec::new();
    for ((name, tensor), bytes) in tensors.iter().zip(&bytes) {
        let tensor = tensor.borrow();
        let kind = tensor.f_kind().map_err(torch_error("write a tensor"))?;
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        let unwritable = |why: String| Error::component("libtorch", why);
        let dtype = dtype(kind).ok_or_else(|| unwritable(format!("{kind:?} cannot be written")))?;
        let view = TensorView::new(dtype, shape, bytes);
        let view = view.map_err(|error| unwritable(error.to_string()))?;
        views.push((name.as_ref(), view));
    }
    if metadata.is_empty() {
        metadata.insert(header::HASH.to_string(), hash(&views));
    }
    let partial = path.with_extension("safetensors.partial");
    safetensors::serialize_to_file(views, Some(metadata), &partial).map_err(
        |error| match error {
            safetensors::SafeTensorError::IoError(error) => Error::io("write", &partial)(error),
            other => Error::Internal(format!("{}: {other}", partial.display())),
        },
    )?;
    move_into_place(&partial, path)
}

fn hash(views: &[(&str, TensorView<'_>)]) -> String {
    let mut sorted: Vec<_> = views.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut hash = header::Hash::default();
    for (name, view) in sorted {
        hash.add(name, &view.dtype().to_string(), view.shape(), view.data());
    }
    hash.finish()
}

fn bytes(tensor: &Tensor) -> std::result::Result<Vec<u8>, TchError> {
    let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
    let count = tensor.numel();
    let mut bytes = vec![0; count * tensor.f_kind()?.elt_size_in_bytes()];
    if count > 0 {
        tensor.f_copy_data_u8(&mut bytes, count)?;
    }
    Ok(bytes)
}

fn dtype(kind: Kind) -> Option<Dtype> {
    Some(match kind {
        Kind::Float => Dtype::F32,
        Kind::BFloat16 => Dtype::BF16,
        Kind::Half => Dtype::F16,
        Kind::Double => Dtype::F64,
        Kind::Uint8 => Dtype::U8,
        Kind::Int => Dtype::I32,
        Kind::Int64 => Dtype::I64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;
    use std::fs;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let a = Tensor::from_slice(&[1.5_f32, -2.0, 3.0]).view([3, 1]);
        let b = Tensor::from_slice(&[1_u8, 255]);
        let tensors = [("a", a.to_kind(Kind::BFloat16)), ("b", b.shallow_clone())];
        write_safetensors(&path, &tensors, HashMap::new()).unwrap();
        let read = Checkpoint::open_file(&path).unwrap();
        let bf16 = read.tensor("a", &[3, 1], Device::Cpu).unwrap();
        assert_eq!(bf16.kind(), Kind::BFloat16);
        assert_eq!(bf16.to_kind(Kind::Float), a);
        assert_eq!(read.tensor("b", &[2], Device::Cpu).unwrap(), b);
        read.verify().unwrap();

        let bytes = fs::read(&path).unwrap();
        for at in bytes.len() - 8..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = Checkpoint::open_file(&path).unwrap().verify().unwrap_err();
            assert!(error.to_string().contains("not those that were written"));
        }
    }
}
