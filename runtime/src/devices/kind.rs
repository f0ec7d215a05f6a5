//! [`DeviceKind`]: the kinds of devices, and [`DeviceName`], what the command line calls one.

use super::cuda::Driver;
use std::str::FromStr;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// This machine's CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda {
        /// By which driver.
        driver: Driver,
    },
}

impl DeviceKind {
    /// All of them.
    pub const ALL: [DeviceKind; 3] = [
        DeviceKind::Cpu,
        DeviceKind::Cuda { driver: Driver::System },
        DeviceKind::Cuda { driver: Driver::Simulator },
    ];

    /// What `--device` calls it: `cpu`, `cuda`, or `sim` for a GPU that is simulated.
    pub fn name(self) -> &'static str {
        match self {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Cuda { driver } => driver.name(),
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A device, as `--device` names it: by its kind, `cuda`, or by its number among those of its kind too, `cuda:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceName {
    /// What it is.
    pub kind: DeviceKind,
    /// Which it is of its kind, counted from 0 as the driver does.
    pub ordinal: u32,
}

/// A name that no device can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give one of {}", DeviceName::FORMS)]
pub struct UnknownDevice;

impl DeviceName {
    /// The names that there are, in words.
    pub const FORMS: &str = "`cpu`, `cuda`, `sim`, or a GPU by its number, as `cuda:1`";
}

impl FromStr for DeviceName {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        let (kind, ordinal) = match name.split_once(':') {
            None => (name, Some(0)),
            Some((kind, number)) => (kind, number.parse().ok()),
        };
        match (DeviceKind::from_name(kind), ordinal) {
            // There is one CPU, which has no number.
            (Some(DeviceKind::Cpu), Some(_)) if name != kind => Err(UnknownDevice),
            (Some(kind), Some(ordinal)) => Ok(DeviceName { kind, ordinal }),
            (None, _) | (_, None) => Err(UnknownDevice),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in DeviceKind::ALL {
            assert_eq!(DeviceKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(DeviceKind::from_name("tpu"), None);
    }

    #[test]
    fn a_gpu_may_be_named_by_its_number() {
        let system = DeviceKind::Cuda { driver: Driver::System };
        for (name, kind, ordinal) in
            [("cpu", DeviceKind::Cpu, 0), ("cuda", system, 0), ("cuda:12", system, 12)]
        {
            assert_eq!(name.parse(), Ok(DeviceName { kind, ordinal }));
        }
        for name in ["cpu:0", "tpu", "cuda:", "cuda:-1", "cuda:one", "cuda:4294967296", ""] {
            assert_eq!(name.parse::<DeviceName>(), Err(UnknownDevice), "{name}");
        }
    }
}
