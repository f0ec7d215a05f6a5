//! [`DeviceTensor`]: a tensor that lies where kernels address it already, and [`DeviceArray`], one with memory of its own.

use crate::devices::Memory;
use ocellus_dialects::{ElementType, element_count};
use std::marker::PhantomData;

/// A view of a tensor in the memory of the device that a session runs on: contiguous, slowest dimension first. It says what
/// DLPack's `DLTensor` says of such a one: its `data` with the `byte_offset` added, `dtype` and `shape`; `strides` must be those
/// of a contiguous tensor, and which device it is the driver knows by the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceTensor<'a> {
    pointer: u64,
    element: ElementType,
    shape: Vec<usize>,
    memory: PhantomData<&'a ()>,
}

impl DeviceTensor<'_> {
    /// The tensor of those elements and dimensions that begins at an address of the device, as its driver gives it.
    ///
    /// # Safety
    /// From the address on there is memory for as many elements as the shape says. It stays, and nothing but the calls that are
    /// given the tensor writes there, until each of these calls is done with it: for a call on a [stream](crate::devices::DeviceStream) until the
    /// work is done that was in the stream when the call returned, and for any other until it returns. A tensor that is given as
    /// an output overlaps no other tensor of the call.
    pub unsafe fn from_raw(pointer: u64, element: ElementType, shape: Vec<usize>) -> Self {
        DeviceTensor { pointer, element, shape, memory: PhantomData }
    }

    /// Where it begins.
    pub fn pointer(&self) -> u64 {
        self.pointer
    }

    /// How its elements are stored.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// The dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether there are no elements, so that nobody looks where it begins.
    pub(crate) fn is_empty(&self) -> bool {
        element_count(&self.shape) == Some(0)
    }
}

/// A tensor of f32 in memory of a session's device, which is given back when it is dropped. What is in it at first nobody has
/// written. See [`Session::to_device`](crate::Session::to_device) and [`Session::new_on_device`](crate::Session::new_on_device).
pub struct DeviceArray {
    memory: Memory,
    shape: Vec<usize>,
}

impl DeviceArray {
    /// The tensor of that shape; the memory is as large.
    pub(crate) fn new(memory: Memory, shape: Vec<usize>) -> Self {
        DeviceArray { memory, shape }
    }

    /// A view of it, for the calls that read or write it. A device that works behind its callers' backs is waited for before the
    /// memory is given back, so it may be dropped at any time.
    pub fn tensor(&self) -> DeviceTensor<'_> {
        DeviceTensor {
            pointer: self.memory.address() as u64,
            element: ElementType::F32,
            shape: self.shape.clone(),
            memory: PhantomData,
        }
    }
}
