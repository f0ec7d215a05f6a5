//! [`Destination`]: where an output of a call goes.

use super::RunError;
use crate::device_tensor::DeviceTensor;
use crate::memory::may_fail;
use ocellus_dialects::plan::{Plan, Port};
use ocellus_dialects::{ElementType, HostTensor};

/// Where an output goes.
pub enum Destination<'a> {
    /// To a tensor of the host, which is made for it.
    Host(HostTensor),
    /// To a tensor of the caller on the device.
    Device(&'a DeviceTensor<'a>),
}

/// The tensors that outputs are bound to, in the plan's order, or nothing where none is; each bound once, and none beside them.
pub fn order_outputs<'a>(
    plan: &Plan,
    bound: &[(&str, &'a DeviceTensor<'a>)],
) -> Result<Vec<Option<&'a DeviceTensor<'a>>>, RunError> {
    for (position, (name, _)) in bound.iter().enumerate() {
        if !plan.outputs.iter().any(|port| port.name == *name) {
            let expected: Vec<String> =
                plan.outputs.iter().map(|port| format!("`{}`", port.name)).collect();
            let (name, expected) = (name.to_string(), expected.join(", "));
            return Err(RunError::UnexpectedOutput { name, expected });
        }
        if bound.iter().take(position).any(|(before, _)| before == name) {
            return Err(RunError::DuplicateOutput(name.to_string()));
        }
    }
    if bound.is_empty() {
        return Ok(Vec::new());
    }
    let tensor = |port: &Port| bound.iter().find(|(name, _)| *name == port.name);
    Ok(plan.outputs.iter().map(|port| tensor(port).map(|(_, tensor)| *tensor)).collect())
}

impl<'a> Destination<'a> {
    /// Where an output of that shape goes: to the tensor that it is bound to, or to a new one of the host.
    pub fn new(
        port: &Port,
        shape: &[usize],
        bound: Option<&'a DeviceTensor<'a>>,
    ) -> Result<Self, RunError> {
        match bound {
            None => new_host_tensor("an output", shape).map(Destination::Host),
            Some(tensor) if tensor.shape() == shape && tensor.element() == ElementType::F32 => {
                Ok(Destination::Device(tensor))
            }
            Some(tensor) => Err(RunError::OutputTensor {
                output: port.name.clone(),
                found: format!("{:?} of {}", tensor.shape(), tensor.element()),
                wanted: format!("{shape:?} of {}", ElementType::F32),
            }),
        }
    }

    /// The tensor of the host, where it is one.
    pub fn host(self) -> Option<HostTensor> {
        match self {
            Destination::Host(tensor) => Some(tensor),
            Destination::Device(_) => None,
        }
    }
}

/// A tensor of zeros in the memory of the host; `what` it is for is said where there is no room.
pub fn new_host_tensor(what: &str, shape: &[usize]) -> Result<HostTensor, RunError> {
    may_fail().ok().and_then(|()| HostTensor::zeros(shape.to_vec())).ok_or_else(|| {
        RunError::OutOfMemory {
            what: what.to_string(),
            bytes: shape.iter().fold(4, |bytes: usize, dim| bytes.saturating_mul(*dim)),
        }
    })
}
