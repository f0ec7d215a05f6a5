//! [`DeviceKind`]: the kinds of devices, and what the command line calls them.

use super::cuda::Driver;

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
}
