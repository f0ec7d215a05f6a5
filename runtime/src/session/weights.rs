//! [`Weights`]: the weights of a variant where kernels address them.

use super::LoadError;
use crate::artifact::{Artifact, Variant};
use crate::devices::{Device, DeviceError, Memory, MemorySpace};

/// A stretch of memory: an address, or an offset into memory that has none yet, and its size.
#[derive(Clone, Copy)]
pub struct Extent {
    pub start: i64,
    pub bytes: usize,
}

/// Where each weight lies: in the artifact, which must stay, or in memory of the device.
pub struct Weights {
    extents: Vec<Extent>,
    /// The device's memory that they were copied to.
    _memory: Option<Memory>,
}

impl Weights {
    /// The weights where the device's kernels address them; copied, once, where that is not the artifact or is asked for.
    pub fn new(
        artifact: &Artifact,
        variant: &Variant,
        device: &dyn Device,
        copies: bool,
    ) -> Result<Self, LoadError> {
        let weights: Vec<&[u8]> = (0..variant.plan.weights.len())
            .map(|index| artifact.weight(variant, index).unwrap_or_default())
            .collect();
        match device.memory_space() {
            MemorySpace::Host if !copies => {
                let extent =
                    |weight: &&[u8]| Extent { start: weight.as_ptr() as i64, bytes: weight.len() };
                Ok(Weights { extents: weights.iter().map(extent).collect(), _memory: None })
            }
            MemorySpace::Host | MemorySpace::Device => {
                upload(&weights, device).map_err(LoadError::Weights)
            }
        }
    }

    /// Where they lie, in the plan's order.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }
}

fn upload(weights: &[&[u8]], device: &dyn Device) -> Result<Weights, DeviceError> {
    let mut end = 0;
    // They lie in one file, so that their sizes cannot overflow.
    let starts: Vec<usize> = weights
        .iter()
        .map(|weight| {
            let start = end;
            end += weight.len().next_multiple_of(Memory::ALIGNMENT);
            start
        })
        .collect();
    let memory = device.allocate(end)?;
    let mut stream = device.stream()?;
    let mut extents = Vec::with_capacity(weights.len());
    for (weight, start) in weights.iter().zip(starts) {
        let start = memory.address() + start as i64;
        // SAFETY: the memory has room for all of them, and neither it nor the artifact goes away before the stream is
        // synchronized, which dropping it does too.
        unsafe { stream.upload(weight, start) }?;
        extents.push(Extent { start, bytes: weight.len() });
    }
    stream.synchronize()?;
    Ok(Weights { extents, _memory: Some(memory) })
}
