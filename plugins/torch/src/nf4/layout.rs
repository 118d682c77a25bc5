//! The layout of bitsandbytes' NF4 among the tensors of a checkpoint.

use gloss_core::Result;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use super::{Nf4, code, double::Double};
use crate::checkpoint::Checkpoint;
use crate::dynamic_map::numbers;
use crate::error::torch_error;

/// The quantisation state, written as JSON in a tensor of bytes.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    quant_type: String,
    blocksize: i64,
    dtype: String,
    shape: Vec<i64>,
    #[serde(flatten)]
    nested: Option<Nested>,
}

/// The part of the state that is there with double quantisation.
#[derive(Debug, Serialize, Deserialize)]
struct Nested {
    nested_blocksize: usize,
    nested_dtype: String,
    nested_offset: f64,
}

const STATE: &str = "quant_state.bitsandbytes__nf4";
const TYPES: [(&str, Kind); 3] = [
    ("float32", Kind::Float),
    ("bfloat16", Kind::BFloat16),
    ("float16", Kind::Half),
];

impl Nf4 {
    /// Returns `true` if the matrix `name` of a checkpoint is in one of bitsandbytes' 4-bit types.
    pub fn is_in(checkpoint: &Checkpoint, name: &str) -> bool {
        checkpoint.contains(&format!("{name}.absmax"))
    }

    /// Reads the matrix `name` of a checkpoint that bitsandbytes wrote, with or without double
    /// quantisation.
    ///
    /// # Errors
    ///
    /// A matrix in another 4-bit type or of another shape, and parts that are missing or do not fit.
    /// Each error names the file and the tensor.
    pub fn read(
        checkpoint: &Checkpoint,
        name: &str,
        shape: [i64; 2],
        device: Device,
    ) -> Result<Self> {
        let source = Source { checkpoint, name };
        let state = source.state(shape)?;
        let kind = source.kind(&state)?;
        let count = shape[0] * shape[1];
        let blocks = (count + state.blocksize - 1) / state.blocksize;
        source.check_code()?;
        let action = format!("load `{name}`");
        let diagnostic = || torch_error(&action);
        let packed = source.packed((count + 1) / 2, device)?;
        let (absmax, double) = match state.nested {
            Some(nested) => {
                let double = source.double(&nested, blocks)?;
                (double.absmax().map_err(diagnostic())?, Some(double))
            }
            None => (source.part("absmax", Kind::Float, &[blocks])?, None),
        };
        Ok(Nf4 {
            packed,
            absmax: absmax.f_to_device(device).map_err(diagnostic())?,
            double,
            pairs: code::pairs(device).map_err(diagnostic())?,
            shape,
            block: state.blocksize,
            kind,
        })
    }
}

/// One matrix among the tensors of a checkpoint.
struct Source<'a> {
    checkpoint: &'a Checkpoint,
    name: &'a str,
}

impl Source<'_> {
    fn state(&self, shape: [i64; 2]) -> Result<State> {
        let name = format!("{}.{STATE}", self.name);
        let fp4 = format!("{}.quant_state.bitsandbytes__fp4", self.name);
        if self.checkpoint.contains(&fp4) {
            let message = "is quantised in FP4, which is not supported; NF4 is";
            return Err(self.checkpoint.diagnostic(self.name, message));
        }
        let length = self.checkpoint.shape(&name).unwrap_or_default();
        let bytes = self.checkpoint.tensor(&name, &length, Device::Cpu)?;
        let mut text = vec![0_u8; bytes.numel()];
        let copied = bytes.f_copy_data(&mut text, bytes.numel());
        copied.map_err(torch_error(&format!("read `{name}`")))?;
        let state: State = serde_json::from_slice(&text).map_err(|error| {
            let message = format!("is not a quantisation state of bitsandbytes: {error}");
            self.checkpoint.diagnostic(&name, message)
        })?;
        let refused = |message: String| Err(self.checkpoint.diagnostic(&name, message));
        if state.quant_type != "nf4" {
            return refused(format!("has the type `{}`, not `nf4`", state.quant_type));
        }
        if state.shape != shape {
            return refused(format!(
                "is of a matrix of shape {:?}, but {shape:?} is expected",
                state.shape
            ));
        }
        if !matches!(
            state.blocksize,
            32 | 64 | 128 | 256 | 512 | 1024 | 2048 | 4096
        ) {
            return refused(format!("has blocks of {} weights", state.blocksize));
        }
        Ok(state)
    }

    fn kind(&self, state: &State) -> Result<Kind> {
        let known = TYPES.iter().find(|(name, _)| *name == state.dtype);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let message = format!("has numbers of type `{}`", state.dtype);
            self.checkpoint
                .diagnostic(&format!("{}.{STATE}", self.name), message)
        })
    }

    /// The packed weights, as a vector of bytes, in whatever type they are stored
    /// (`bnb_4bit_quant_storage`).
    fn packed(&self, bytes: i64, device: Device) -> Result<Tensor> {
        let packed = self.checkpoint.bytes(self.name, device)?;
        let found = packed.size().iter().product::<i64>();
        match found == bytes {
            true => Ok(packed),
            false => {
                let message = format!("has {found} bytes, but {bytes} are expected");
                Err(self.checkpoint.diagnostic(self.name, message))
            }
        }
    }

    /// A tensor that belongs to the matrix, on the CPU.
    fn part(&self, part: &str, kind: Kind, shape: &[i64]) -> Result<Tensor> {
        let name = format!("{}.{part}", self.name);
        self.check_kind(&name, kind)?;
        self.checkpoint.tensor(&name, shape, Device::Cpu)
    }

    fn check_kind(&self, name: &str, kind: Kind) -> Result<()> {
        match self.checkpoint.kind(name) {
            Some(found) if found != kind => {
                let message = format!("holds {found:?} numbers, but {kind:?} is expected");
                Err(self.checkpoint.diagnostic(name, message))
            }
            _ => Ok(()),
        }
    }

    fn numbers(&self, part: &str, length: i64) -> Result<Vec<f32>> {
        let tensor = self.part(part, Kind::Float, &[length])?;
        numbers(&tensor).map_err(torch_error(&format!("read `{}.{part}`", self.name)))
    }

    /// Checks that the 16 numbers are those of NF4.
    fn check_code(&self) -> Result<()> {
        let code = self.numbers("quant_map", 16)?;
        let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6;
        if code.iter().zip(&code::CODE).all(is_near) {
            return Ok(());
        }
        let name = format!("{}.quant_map", self.name);
        Err(self
            .checkpoint
            .diagnostic(&name, "holds other numbers than the 16 of NF4"))
    }

    fn double(&self, nested: &Nested, blocks: i64) -> Result<Double> {
        let block = nested.nested_blocksize;
        let scales = match i64::try_from(block) {
            Ok(block @ 1..) => (blocks + block - 1) / block,
            _ => {
                let name = format!("{}.{STATE}", self.name);
                let message = format!("has blocks of {block} magnitudes");
                return Err(self.checkpoint.diagnostic(&name, message));
            }
        };
        let absmax = self.part("absmax", Kind::Uint8, &[blocks])?;
        let mut codes = vec![0; absmax.numel()];
        let copied = absmax.f_copy_data(&mut codes, absmax.numel());
        copied.map_err(torch_error(&format!("read `{}.absmax`", self.name)))?;
        Ok(Double {
            codes,
            scales: self.numbers("nested_absmax", scales)?,
            map: self.numbers("nested_quant_map", 256)?,
            offset: nested.nested_offset as f32,
            block,
        })
    }
}

impl Nf4 {
    /// The tensors that bitsandbytes would write for the matrix `name`, each with its own name;
    /// [`Nf4::read`] reads them back.
    ///
    /// # Errors
    ///
    /// Memory that ran out.
    pub fn tensors(&self, name: &str) -> Result<Vec<(String, Tensor)>, TchError> {
        let mut tensors = vec![
            (String::new(), self.packed.f_view([-1, 1])?),
            (".quant_map".to_string(), Tensor::f_from_slice(&code::CODE)?),
        ];
        match &self.double {
            None => tensors.push((".absmax".to_string(), self.absmax.shallow_clone())),
            Some(double) => tensors.extend([
                (".absmax".to_string(), Tensor::f_from_slice(&double.codes)?),
                (
                    ".nested_absmax".to_string(),
                    Tensor::f_from_slice(&double.scales)?,
                ),
                (
                    ".nested_quant_map".to_string(),
                    Tensor::f_from_slice(&double.map)?,
                ),
            ]),
        }
        let state = serde_json::to_vec(&self.state())
            .map_err(|error| TchError::Convert(error.to_string()))?;
        tensors.push((format!(".{STATE}"), Tensor::f_from_slice(&state)?));
        let named = tensors.into_iter();
        Ok(named
            .map(|(part, tensor)| (format!("{name}{part}"), tensor))
            .collect())
    }

    fn state(&self) -> State {
        let dtype = TYPES.iter().find(|(_, kind)| *kind == self.kind);
        State {
            quant_type: "nf4".to_string(),
            blocksize: self.block,
            dtype: dtype
                .map(|(name, _)| (*name).to_string())
                .unwrap_or_default(),
            shape: self.shape.to_vec(),
            nested: self.double.as_ref().map(|double| Nested {
                nested_blocksize: double.block,
                nested_dtype: "float32".to_string(),
                nested_offset: double.offset.into(),
            }),
        }
    }
}
