//! Devices.

mod library;
mod machine;
mod settings;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use gloss_core::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tch::{Cuda, Device};

pub use machine::{device_kind, machine};
pub use settings::deterministic;

/// The device of a model: `auto` (the first GPU if there is one, else the CPU; each process of torchrun has
/// its own GPU), `cpu`, or `cuda:N`
/// (GPU number N, counted from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceName {
    /// The first GPU if there is one, else the CPU; of the processes that torchrun started, each has its own
    /// GPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU of this number, counted from 0.
    Cuda(usize),
}

impl DeviceName {
    /// The device itself.
    ///
    /// # Errors
    ///
    /// A GPU that was asked for and cannot be used, with the reason.
    pub fn open(&self) -> Result<Device> {
        match *self {
            DeviceName::Cpu => Ok(Device::Cpu),
            DeviceName::Auto if library::cuda().is_ok() && Cuda::device_count() > 0 => {
                let own = local_rank(std::env::var("LOCAL_RANK").ok());
                Ok(Device::Cuda(own % Cuda::device_count() as usize))
            }
            DeviceName::Auto => Ok(Device::Cpu),
            DeviceName::Cuda(number) => match library::cuda() {
                Ok(()) => gpu(number, Cuda::device_count()),
                Err(why) => Err(unusable(number, why)),
            },
        }
    }
}

/// The number of this process among those that torchrun started on this machine; 0 without it.
fn local_rank(variable: Option<String>) -> usize {
    variable.and_then(|rank| rank.parse().ok()).unwrap_or(0)
}

/// GPU `number` of `count`.
fn gpu(number: usize, count: i64) -> Result<Device> {
    match usize::try_from(count).unwrap_or(0) {
        0 => Err(unusable(number, "libtorch sees no NVIDIA GPU")),
        count if number < count => Ok(Device::Cuda(number)),
        1 => Err(unusable(number, "there is one GPU, `cuda:0`")),
        count => Err(unusable(
            number,
            &format!("there are {count} GPUs, `cuda:0` to `cuda:{}`", count - 1),
        )),
    }
}

fn unusable(number: usize, why: &str) -> Error {
    Error::Usage(format!(
        "device `cuda:{number}` cannot be used: {why}. `gloss doctor` shows what was found; \
         `device = \"cpu\"` runs without a GPU"
    ))
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        match name {
            "auto" => Some(DeviceName::Auto),
            "cpu" => Some(DeviceName::Cpu),
            _ => name
                .strip_prefix("cuda:")
                .and_then(number)
                .map(DeviceName::Cuda),
        }
        .ok_or_else(|| format!("unknown device `{name}`: expected `auto`, `cpu` or `cuda:0`"))
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        name.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> String {
        name.to_string()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Auto => f.write_str("auto"),
            DeviceName::Cpu => f.write_str("cpu"),
            DeviceName::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl JsonSchema for DeviceName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DeviceName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(auto|cpu|cuda:[0-9]{1,3})$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["auto", "cpu", "cuda:0", "cuda:12"] {
            let text = format!("\"{name}\"");
            let device: DeviceName = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&device).unwrap(), text);
        }
        for name in ["", "cuda", "cuda:", "cuda:+1", "cuda:x", "CPU", "gpu"] {
            let error = serde_json::from_str::<DeviceName>(&format!("\"{name}\"")).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("expected `auto`, `cpu` or `cuda:0`")
            );
        }
    }

    #[test]
    fn a_gpu_that_is_not_there_is_told_with_those_that_are() {
        assert!(
            gpu(0, 0)
                .unwrap_err()
                .to_string()
                .contains("sees no NVIDIA GPU")
        );
        assert!(
            gpu(1, 1)
                .unwrap_err()
                .to_string()
                .contains("there is one GPU, `cuda:0`")
        );
        assert!(
            gpu(4, 4)
                .unwrap_err()
                .to_string()
                .contains("`cuda:0` to `cuda:3`")
        );
        assert_eq!(gpu(3, 4).unwrap(), Device::Cuda(3));
    }

    #[test]
    fn every_name_opens_or_says_why_not() {
        assert_eq!(DeviceName::Cpu.open().unwrap(), Device::Cpu);
        let first = DeviceName::Cuda(0).open();
        match DeviceName::Auto.open().unwrap() {
            Device::Cpu => {
                let text = first.unwrap_err().to_string();
                assert!(
                    text.starts_with("device `cuda:0` cannot be used: "),
                    "{text}"
                );
            }
            device => assert_eq!(first.unwrap(), device),
        }
    }
}
