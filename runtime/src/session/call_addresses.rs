//! [`CallAddresses`]: where the tensors of a call lie.

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
