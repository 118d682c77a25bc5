//! The properties of a machine that results depend on.

use std::collections::BTreeMap;

use tch::Device;

use super::library::report;
use crate::libtorch::cpu_capability;
use crate::memory::gpu_name;

/// Returns the properties of this machine that results computed on `device` depend on: the version
/// and build of libtorch, and the model of the GPU or the instruction set of the CPU kernels.
pub fn machine(device: Device) -> BTreeMap<String, String> {
    let unknown = || "unknown".to_string();
    let version = report().version.unwrap_or_else(unknown);
    let mut properties = BTreeMap::from([("libtorch".to_string(), version)]);
    let (name, value) = match device {
        Device::Cuda(number) => ("gpu", gpu_name(number).unwrap_or_else(unknown)),
        _ => ("cpu kernels", cpu_capability()),
    };
    properties.insert(name.to_string(), value);
    properties
}

/// Returns the name of a kind of device, `cpu` or `cuda`: results do not depend on the number of a
/// GPU.
pub fn device_kind(device: Device) -> &'static str {
    match device {
        Device::Cuda(_) => "cuda",
        _ => "cpu",
    }
}
