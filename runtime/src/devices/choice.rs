//! Which device runs what was compiled for a target: the one place that knows all kinds.

use super::cpu::{self, CpuDevice, UnfitCpu};
use super::cuda::{Capability, CudaDevice, Driver};
use super::kind::DeviceKind;
use super::{Device, DeviceError};
use crate::artifact::TargetRequirements;
use crate::options::Options;
use crate::signature::Signature;
use ocellus_dialects::plan::Plan;
use std::sync::Arc;

/// A machine that cannot run an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMachine {
    /// A target of another version, or of another program.
    #[error(
        "the artifact was compiled for `{target}`, and {}: compile the model again, with `--target cpu`", self.why()
    )]
    UnknownTarget {
        /// The artifact's target.
        target: String,
    },
    /// Another device than was asked for.
    #[error(
        "the artifact was compiled for `{target}`, and {}: leave `--device` out, or compile the model again with \
         `--target {wanted}`", self.why()
    )]
    OtherDevice {
        /// The artifact's target.
        target: String,
        /// The device that was asked for.
        device: &'static str,
        /// A target of that device.
        wanted: &'static str,
    },
    /// Another CPU.
    #[error(transparent)]
    Cpu(#[from] UnfitCpu),
}

impl UnfitMachine {
    /// The target that it does not fit.
    pub fn target(&self) -> &str {
        match self {
            UnfitMachine::UnknownTarget { target } | UnfitMachine::OtherDevice { target, .. } => {
                target
            }
            UnfitMachine::Cpu(unfit) => unfit.target(),
        }
    }

    /// What is in the way, as a clause: `this CPU lacks avx512f`.
    pub fn why(&self) -> String {
        match self {
            UnfitMachine::UnknownTarget { .. } => "there is no device here for that".to_string(),
            UnfitMachine::OtherDevice { device, .. } => {
                format!("the device `{device}` cannot run that")
            }
            UnfitMachine::Cpu(unfit) => unfit.why(),
        }
    }
}

impl DeviceKind {
    /// The kind of device that a target is for, whether or not there is one here; `None` where it is of no kind that there is.
    pub fn of_target(target: &TargetRequirements) -> Option<Self> {
        match target.name.split(':').next() {
            Some("cpu") => Some(DeviceKind::Cpu),
            Some(name) if Capability::of_architecture(name).is_some() => {
                Some(DeviceKind::Cuda { driver: Driver::System })
            }
            _ => None,
        }
    }

    /// The device for a target: the one that is asked for, or the one that the target itself says. What a GPU can run is
    /// known when it is asked, which is when code is [loaded](Self::load).
    pub fn of(
        target: &TargetRequirements,
        asked: Option<DeviceKind>,
    ) -> Result<Self, UnfitMachine> {
        let of_target = Self::of_target(target)
            .ok_or_else(|| UnfitMachine::UnknownTarget { target: target.name.clone() })?;
        let refuse = |device: DeviceKind, wanted| {
            let (target, device) = (target.name.clone(), device.name());
            Err(UnfitMachine::OtherDevice { target, device, wanted })
        };
        match (of_target, asked.unwrap_or(of_target)) {
            (DeviceKind::Cpu, DeviceKind::Cpu) => {
                cpu::check(target)?;
                Ok(DeviceKind::Cpu)
            }
            (DeviceKind::Cuda { .. }, DeviceKind::Cuda { driver }) => {
                Ok(DeviceKind::Cuda { driver })
            }
            (DeviceKind::Cpu, device @ DeviceKind::Cuda { .. }) => refuse(device, "sm_80"),
            (DeviceKind::Cuda { .. }, device @ DeviceKind::Cpu) => refuse(device, "cpu"),
        }
    }

    /// A device with the kernels of a plan, and what each of them does with its arguments, as the code object says. A
    /// code object that was compiled for another plan is refused.
    ///
    /// # Safety
    /// The code object is machine code, and loading it may run it: it must be one that the compiler wrote. A GPU is run by
    /// the driver's library, which becomes part of this process.
    pub unsafe fn load(
        self,
        code: &[u8],
        plan: &Plan,
        options: &Options,
    ) -> Result<(Arc<dyn Device>, Vec<Signature>), DeviceError> {
        match self {
            DeviceKind::Cpu => {
                // SAFETY: by the contract of this function.
                let (device, signatures) = unsafe { CpuDevice::load(code, plan, options) }?;
                Ok((Arc::new(device), signatures))
            }
            DeviceKind::Cuda { driver } => {
                // SAFETY: by the contract of this function.
                let (device, signatures) =
                    unsafe { CudaDevice::load(code, plan, (driver, options.ordinal)) }?;
                Ok((Arc::new(device), signatures))
            }
        }
    }
}
