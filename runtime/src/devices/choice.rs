//! Which device runs what was compiled for a target: the one place that names them all.

use super::cpu::{self, CpuDevice, UnfitCpu};
use super::{Device, DeviceError};
use crate::artifact::TargetRequirements;
use crate::options::Options;
use crate::signature::Signature;
use ocellus_dialects::plan::Plan;
use std::sync::Arc;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// This machine's CPU.
    Cpu,
}

/// A machine that cannot run an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMachine {
    /// A target of another version, or of another program.
    #[error(
        "the artifact was compiled for `{target}`, for which there is no device here: compile the model again, with \
         `--target cpu`"
    )]
    UnknownTarget {
        /// The artifact's target.
        target: String,
    },
    /// Another CPU.
    #[error(transparent)]
    Cpu(#[from] UnfitCpu),
}

impl DeviceKind {
    /// The device for a target, where this machine has it.
    pub fn of(target: &TargetRequirements) -> Result<Self, UnfitMachine> {
        match target.name.split(':').next() {
            Some("cpu") => {
                cpu::check(target)?;
                Ok(DeviceKind::Cpu)
            }
            _ => Err(UnfitMachine::UnknownTarget { target: target.name.clone() }),
        }
    }

    /// A device with the kernels of a plan, and what each of them does with its arguments, as the code object says. A
    /// code object that was compiled for another plan is refused.
    ///
    /// # Safety
    /// The code object is machine code, and loading it may run it: it must be one that the compiler wrote.
    pub unsafe fn load(
        self,
        code: &[u8],
        plan: &Plan,
        options: Options,
    ) -> Result<(Arc<dyn Device>, Vec<Signature>), DeviceError> {
        match self {
            DeviceKind::Cpu => {
                // SAFETY: by the contract of this function.
                let (device, signatures) = unsafe { CpuDevice::load(code, plan, options) }?;
                Ok((Arc::new(device), signatures))
            }
        }
    }
}
