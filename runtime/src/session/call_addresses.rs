//! [`CallAddresses`]: where the tensors of a call lie.

use super::destination::Destination;
use super::given::Prepared;

/// A tensor of the caller, by its position.
#[derive(Clone, Copy)]
pub enum CallTensor {
    /// An input.
    Input(usize),
    /// An output.
    Output(usize),
}

/// Where the caller's tensors lie, as kernels address them.
#[derive(Clone, Default)]
pub struct CallAddresses {
    /// The inputs, in the plan's order.
    pub inputs: Vec<i64>,
    /// The outputs, likewise.
    pub outputs: Vec<i64>,
}

impl CallAddresses {
    /// Where kernels find the tensors of a call: those on the device there, and those of the host where they are staged, or
    /// where they lie if kernels address the memory of the host.
    pub fn new(staged: Option<&Self>, inputs: &[Prepared], outputs: &mut [Destination]) -> Self {
        let at = |of: &[i64], position: usize| of.get(position).copied();
        let input = |(position, input): (usize, &Prepared)| match input {
            Prepared::OnDevice(tensor) => tensor.pointer() as i64,
            Prepared::Numbers(numbers) => staged
                .and_then(|staged| at(&staged.inputs, position))
                .unwrap_or(numbers.as_ptr() as i64),
            Prepared::Indices(indices) => staged
                .and_then(|staged| at(&staged.inputs, position))
                .unwrap_or(indices.as_ptr() as i64),
        };
        let output = |(position, output): (usize, &mut Destination)| match output {
            Destination::Device(tensor) => tensor.pointer() as i64,
            Destination::Host(tensor) => staged
                .and_then(|staged| at(&staged.outputs, position))
                .unwrap_or(tensor.data.as_mut_ptr() as i64),
        };
        CallAddresses {
            inputs: inputs.iter().enumerate().map(input).collect(),
            outputs: outputs.iter_mut().enumerate().map(output).collect(),
        }
    }

    /// The address where that tensor starts. The positions are those of a valid plan.
    pub fn of(&self, tensor: CallTensor) -> i64 {
        match tensor {
            CallTensor::Input(position) => self.inputs[position],
            CallTensor::Output(position) => self.outputs[position],
        }
    }

    /// The same, where these are offsets into memory that starts there.
    pub fn behind(mut self, start: i64) -> Self {
        self.inputs.iter_mut().chain(&mut self.outputs).for_each(|address| *address += start);
        self
    }
}
