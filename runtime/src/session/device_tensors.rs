//! Tensors on the device: whether those of a call can be used where they lie, and how a caller without a driver of its own gets
//! any.

use super::RunError;
use super::destination::new_host_tensor;
use super::given::Held;
use super::io_binding::IoBinding;
use crate::device_tensor::{DeviceArray, DeviceTensor};
use crate::devices::{Device, DeviceError};
use bytemuck::{cast_slice, cast_slice_mut};
use ocellus_dialects::{HostTensor, element_count};

/// The size of what no machine has room for.
const MAX_BYTES: usize = isize::MAX as usize;

/// Whether the tensors that a call is given on the device can be used there.
pub fn check_device_tensors(device: &dyn Device, binding: &IoBinding) -> Result<(), RunError> {
    let inputs = binding.inputs.iter().filter_map(|(name, given)| match given.elements {
        Held::Host(_) => None,
        Held::Device(tensor) => Some((*name, tensor)),
    });
    let outputs = binding.outputs.iter().copied();
    inputs.chain(outputs).try_for_each(|(name, tensor)| check(device, name, tensor))
}

fn check(device: &dyn Device, name: &str, tensor: &DeviceTensor) -> Result<(), RunError> {
    // Nobody reads or writes an empty one.
    if tensor.is_empty() {
        return Ok(());
    }
    let (pointer, alignment) = (tensor.pointer(), device.tensor_alignment());
    if !pointer.is_multiple_of(alignment as u64) {
        return Err(RunError::MisalignedTensor { name: name.to_string(), pointer, alignment });
    }
    let checked = device.check_address(pointer);
    checked.map_err(|source| RunError::ForeignTensor { name: name.to_string(), source })
}

/// A tensor of f32 on the device, of which nothing has been written.
pub fn new_on_device(device: &dyn Device, shape: &[usize]) -> Result<DeviceArray, DeviceError> {
    let bytes = element_count(shape).and_then(|count| count.checked_mul(size_of::<f32>()));
    // What no memory has room for is refused by the device in its words.
    let bytes = bytes.filter(|bytes| *bytes <= MAX_BYTES).unwrap_or(MAX_BYTES);
    Ok(DeviceArray::new(device.allocate(bytes)?, shape.to_vec()))
}

/// A copy of a tensor on the device, which is there when this returns.
pub fn to_device(device: &dyn Device, tensor: &HostTensor) -> Result<DeviceArray, RunError> {
    if element_count(&tensor.shape) != Some(tensor.data.len()) {
        let (shape, elements) = (tensor.shape.clone(), tensor.data.len());
        return Err(RunError::Elements { input: String::new(), shape, elements });
    }
    let array = new_on_device(device, &tensor.shape)?;
    let mut stream = device.stream()?;
    // SAFETY: the memory is as large as the tensor, and stays until the stream is synchronized.
    unsafe { stream.upload(cast_slice(&tensor.data), array.tensor().pointer() as i64) }?;
    stream.synchronize()?;
    Ok(array)
}

/// A copy of a tensor of the device in the memory of the host.
pub fn to_host(device: &dyn Device, array: &DeviceArray) -> Result<HostTensor, RunError> {
    let tensor = array.tensor();
    let mut copy = new_host_tensor("a tensor of the device", tensor.shape())?;
    let mut stream = device.stream()?;
    // SAFETY: the memory is as large as the copy, and both stay until the stream is synchronized. Where nothing was written
    // there, any number will do.
    unsafe { stream.download(tensor.pointer() as i64, cast_slice_mut(&mut copy.data)) }?;
    stream.synchronize()?;
    Ok(copy)
}
