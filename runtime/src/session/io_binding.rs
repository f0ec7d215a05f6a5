//! [`IoBinding`]: where a call finds its inputs, and where it leaves its outputs.

use super::given::Given;
use crate::device_tensor::DeviceTensor;
use crate::devices::DeviceStream;
use ocellus_dialects::AnyTensor;

/// What a call is given, and where its outputs go. An input is a tensor of the host, or one that lies on the device. An output
/// that is bound to a tensor on the device is written there; any other one becomes a tensor of the host.
///
/// # When the work is done
/// Without a [stream](Self::on_stream) it is done when the call returns, and whatever wrote the inputs must be done when it
/// begins. On a stream of the caller, the work stands in the order of that stream: it begins when all is done that was in the
/// stream, and what is put there afterwards finds the outputs. A call whose outputs all stay on the device returns then as soon
/// as its work is submitted, and waits for nothing; one that has an output for the host waits for that.
///
/// Tensors of the host that are inputs are the caller's again when the call returns.
#[derive(Clone, Default)]
pub struct IoBinding<'a> {
    pub(super) inputs: Vec<(&'a str, Given<'a>)>,
    pub(super) outputs: Vec<(&'a str, &'a DeviceTensor<'a>)>,
    pub(super) stream: Option<DeviceStream>,
}

impl<'a> IoBinding<'a> {
    /// Nothing is bound yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives an input that lies in the memory of the host.
    pub fn input<T: AnyTensor + ?Sized>(mut self, name: &'a str, tensor: &'a T) -> Self {
        self.inputs.push((name, Given::new(tensor)));
        self
    }

    /// Gives an input that lies on the device, in f32. Indices cannot: they are looked at before kernels read them.
    pub fn device_input(mut self, name: &'a str, tensor: &'a DeviceTensor<'a>) -> Self {
        self.inputs.push((name, Given::on_device(tensor)));
        self
    }

    /// Leaves an output on the device, in f32.
    pub fn device_output(mut self, name: &'a str, tensor: &'a DeviceTensor<'a>) -> Self {
        self.outputs.push((name, tensor));
        self
    }

    /// Runs in the order of a stream of the caller.
    pub fn on_stream(mut self, stream: DeviceStream) -> Self {
        self.stream = Some(stream);
        self
    }
}
