//! Devices by the names that people give them.

use crate::panics;
use burn::tensor::{Device, Tensor};
use std::{
    fmt::{self, Display, Formatter},
    panic::catch_unwind,
    str::FromStr,
};

/// A device that training can be asked to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceName {
    /// The CPU with burn's `flex` backend: the one whose results repeat to the bit.
    #[default]
    Flex,
    /// The CPU with kernels that are compiled when they are first used.
    Cpu,
    /// An NVIDIA GPU by its index.
    Cuda(usize),
    /// A GPU that WebGPU reaches (Vulkan, Metal, DirectX): the best, or a discrete one by its index.
    Wgpu(Option<usize>),
}

/// Why a device can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nothing is called that.
    #[error("`{0}` is not a device; there are flex, cpu, cuda, cuda:1 …, wgpu, wgpu:0 …")]
    Unknown(String),
    /// A feature of this crate that was off.
    #[error("this build has no `{0}`; build with the feature `{1}`")]
    NotBuilt(DeviceName, &'static str),
    /// The machine has none, or no driver for it.
    #[error("{name} can't be used: {reason}")]
    Unusable {
        /// The device that was asked for.
        name: DeviceName,
        /// What its driver said.
        reason: String,
    },
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        match (kind, index) {
            ("flex", None) => Ok(Self::Flex),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            _ => Err(unknown()),
        }
    }
}

impl Display for DeviceName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flex => f.write_str("flex"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
        }
    }
}

impl DeviceName {
    /// The device, once it has computed something.
    pub(super) fn open(self) -> Result<Device, DeviceError> {
        let device = self.device()?;
        // Drivers are looked for at the first use, and a missing one is a panic there.
        let sum = catch_unwind(|| {
            let ones = Tensor::<1>::ones([3], &device);
            ones.sum().try_into_scalar::<f32>().map_err(|error| error.to_string())
        });
        let reason = match sum {
            Ok(Ok(3.0)) => return Ok(device),
            Ok(Ok(sum)) => format!("it says that 1 + 1 + 1 is {sum}"),
            Ok(Err(reason)) => reason,
            Err(panic) => panics::words(&*panic).to_owned(),
        };
        Err(DeviceError::Unusable { name: self, reason })
    }

    fn device(self) -> Result<Device, DeviceError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "cpu")]
            Self::Cpu => Ok(Device::cpu()),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => Ok(Device::cuda(index)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => {
                use burn::tensor::DeviceKind::{DefaultDevice, DiscreteGpu};
                Ok(Device::wgpu(index.map_or(DefaultDevice, DiscreteGpu)))
            }
            #[cfg(not(feature = "cpu"))]
            Self::Cpu => Err(DeviceError::NotBuilt(self, "cpu")),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(DeviceError::NotBuilt(self, "cuda")),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu(_) => Err(DeviceError::NotBuilt(self, "wgpu")),
        }
    }
}

/// What a device calls itself.
#[cfg(any(feature = "cpu", feature = "cuda", feature = "wgpu"))]
pub(super) fn model(device: &Device) -> Option<String> {
    device.identity().map(|identity| identity.name.trim().to_owned())
}

/// The CPU calls itself nothing.
#[cfg(not(any(feature = "cpu", feature = "cuda", feature = "wgpu")))]
pub(super) fn model(_: &Device) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Machine;

    #[test]
    fn names_are_read_as_they_are_written() {
        let read = |text: &str| text.parse::<DeviceName>();
        for name in ["flex", "cpu", "cuda:0", "cuda:3", "wgpu", "wgpu:1"] {
            assert_eq!(read(name).unwrap().to_string(), name);
        }
        assert_eq!(read("cuda").unwrap(), DeviceName::Cuda(0));
        for name in ["", "tpu", "flex:0", "cuda:", "cuda:-1", "wgpu:first"] {
            let error = read(name).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")) && error.contains("flex"), "{error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_was_not_built_says_how_to() {
        let error = Machine::default().on(DeviceName::Cuda(1)).unwrap_err().to_string();
        assert_eq!(error, "this build has no `cuda:1`; build with the feature `cuda`");
    }

    #[test]
    fn the_cpu_is_always_there() {
        let machine = Machine::default().on(DeviceName::Flex).unwrap();
        assert_eq!(machine.words(), "flex");
    }
}
