//! A checkpoint written whole: an adapter added, quantised weights as numbers.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use gloss_core::{Context, Error, Result, Unit};
use gloss_item_tokenizer::{CODES, REPORT};
use gloss_torch::{Adapter, Checkpoint, Nf4, Precision, torch_error, write_safetensors};
use serde_json::json;
use tch::{Device, Kind, TchError, Tensor};

use crate::architecture::{Architecture, EMBEDDING, HEAD};
use crate::config::{Llama, Quantize};
use crate::rows;
use crate::train::{Parameter, describe, parameters_of, write_json};

/// The most bytes of one file.
const FILE_BYTES: usize = 5_000_000_000;

/// The source of the weights.
struct Source {
    architecture: Architecture,
    /// The rows of the tables in the checkpoint; an adapter may have more.
    stored: i64,
    checkpoint: Checkpoint,
    adapter: Option<Adapter>,
    /// True if projections go through NF4, as they do when the model is used.
    quantize: bool,
    kind: Kind,
}

/// Writes the model of `options` into `folder`, in 16 bits unless the options say otherwise.
pub(crate) fn export(options: &Llama, folder: &Path, context: &Context) -> Result<()> {
    let base = options.folder()?;
    let precision = options.dtype.unwrap_or(Precision::Bf16);
    let (mut architecture, checkpoint) = Architecture::open(&base)?;
    let adapter = options.adapter.as_deref().map(Adapter::open).transpose()?;
    let stored = architecture.vocabulary;
    if let Some(last) = adapter.as_ref().and_then(Adapter::last_token) {
        architecture.vocabulary = stored.max(last + 1);
    }
    let source = Source {
        architecture,
        stored,
        checkpoint,
        adapter,
        quantize: options.quantize == Quantize::Nf4,
        kind: precision.kind(),
    };
    let codes = options.codes_file()?;
    let beside = codes.as_deref().and_then(Path::parent);
    let sources: Vec<&Path> = beside.into_iter().chain([&*base]).collect();
    describe(
        &sources,
        folder,
        match precision {
            Precision::F32 => "float32",
            Precision::Bf16 => "bfloat16",
            Precision::F16 => "float16",
        },
        Some(source.architecture.vocabulary),
    )?;
    if let Some(beside) = beside {
        copy_codes(beside, folder)?;
    }
    let files = files(parameters_of(&source.architecture), source.kind);
    let total: usize = files.iter().map(Vec::len).sum();
    let task = context.task("Writing the model", Some(total as u64), Unit::Count);
    let mut places = BTreeMap::new();
    for (number, parameters) in files.iter().enumerate() {
        let name = match files.len() {
            1 => "model.safetensors".to_string(),
            count => format!("model-{:05}-of-{count:05}.safetensors", number + 1),
        };
        let mut tensors = Vec::new();
        for parameter in parameters {
            tensors.push((parameter.name.as_str(), source.tensor(parameter)?));
            places.insert(parameter.name.clone(), name.clone());
            task.advance(1)?;
        }
        let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
        write_safetensors(&folder.join(name), &tensors, metadata)?;
    }
    if let Some(adapter) = &source.adapter {
        adapter.finish()?;
    }
    source.checkpoint.warn_of_unread();
    if files.len() > 1 {
        let numbers: i64 = files.iter().flatten().map(Parameter::numel).sum();
        let bytes = numbers * source.kind.elt_size_in_bytes() as i64;
        let index = json!({ "metadata": { "total_size": bytes }, "weight_map": places });
        write_json(&folder.join("model.safetensors.index.json"), &index)?;
    }
    Ok(())
}

/// Copies the codes of items that are beside the weights.
fn copy_codes(beside: &Path, folder: &Path) -> Result<()> {
    for name in [CODES, REPORT] {
        let from = beside.join(name);
        if from.is_file() {
            let to = folder.join(name);
            fs::copy(&from, &to).map_err(Error::io("write", &to))?;
        }
    }
    Ok(())
}

/// The parameters of each file, in order.
fn files(all: Vec<Parameter>, kind: Kind) -> Vec<Vec<Parameter>> {
    let mut files: Vec<Vec<Parameter>> = vec![Vec::new()];
    let mut bytes = 0;
    for parameter in all {
        let own = parameter.numel() as usize * kind.elt_size_in_bytes();
        bytes += own;
        match files.last_mut() {
            Some(file) if bytes <= FILE_BYTES || file.is_empty() => file.push(parameter),
            _ => {
                files.push(vec![parameter]);
                bytes = own;
            }
        }
    }
    files
}

impl Source {
    fn tensor(&self, parameter: &Parameter) -> Result<Tensor> {
        let failed = || torch_error("export the model");
        let (name, shape) = (&parameter.name, parameter.shape.as_slice());
        let module = name
            .strip_suffix(".weight")
            .filter(|n| n.ends_with("_proj"));
        let (Some(module), &[outputs, inputs]) = (module, shape) else {
            if let (HEAD, &[rows, columns]) = (name.as_str(), shape)
                && Nf4::is_in(&self.checkpoint, HEAD)
            {
                let numbers = self.dequantized(name, [rows.min(self.stored), columns])?;
                let numbers = self.with_rows(rows::HEAD, numbers)?;
                return numbers.f_to_kind(self.kind).map_err(failed());
            }
            let tensor = match (name.as_str(), shape) {
                (EMBEDDING | HEAD, &[_, columns]) => {
                    let shape = [self.stored, columns];
                    let table = self.checkpoint.tensor(name, &shape, Device::Cpu)?;
                    self.with_rows(name.trim_end_matches(".weight"), table)?
                }
                _ => self.checkpoint.tensor(name, shape, Device::Cpu)?,
            };
            return tensor.f_to_kind(self.kind).map_err(failed());
        };
        let weight = self.projection(module, name, [outputs, inputs])?;
        let change = match &self.adapter {
            Some(adapter) => adapter.module(module, inputs, outputs, Device::Cpu)?,
            None => None,
        };
        let sum = || -> Result<Tensor, TchError> {
            let Some(change) = change else {
                return weight.f_to_kind(self.kind);
            };
            let wide = |tensor: &Tensor| tensor.f_to_kind(Kind::Float);
            let product = wide(&change.b)?.f_matmul(&wide(&change.a)?)?;
            wide(&weight)?
                .f_add(&product.f_mul_scalar(change.scale)?)?
                .f_to_kind(self.kind)
        };
        sum().map_err(failed())
    }

    /// A table with the rows that the adapter has for it.
    fn with_rows(&self, module: &str, table: Tensor) -> Result<Tensor> {
        let Some(adapter) = &self.adapter else {
            return Ok(table);
        };
        match adapter.token_rows(module, self.architecture.hidden, Device::Cpu)? {
            Some(rows) => rows.put_into(&table),
            None => Ok(table),
        }
    }

    /// A projection's matrix, as the model computes with it.
    fn projection(&self, module: &str, name: &str, shape: [i64; 2]) -> Result<Tensor> {
        let failed = || torch_error("export the model");
        if self.architecture.is_nf4(module) {
            return self.dequantized(name, shape);
        }
        let weight = self.checkpoint.tensor(name, &shape, Device::Cpu)?;
        match self.quantize && !self.architecture.nf4 {
            false => Ok(weight),
            true => Nf4::quantize(&weight, true)
                .and_then(|quantized| quantized.dequantize(Kind::Float))
                .map_err(failed()),
        }
    }

    /// A matrix that is stored in NF4, as numbers.
    fn dequantized(&self, name: &str, shape: [i64; 2]) -> Result<Tensor> {
        let stored = Nf4::read(&self.checkpoint, name, shape, Device::Cpu)?;
        let numbers = stored.dequantize(Kind::Float);
        numbers.map_err(torch_error("export the model"))
    }
}
