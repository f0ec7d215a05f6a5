//! [`Given`]: an input as the caller has it, and [`Prepared`], the same as kernels read it.
//!
//! Kernels read numbers as f32 and indices as i32. What the caller gives is used where it lies if it has that type. bf16 and
//! f16 are widened, which is exact. Everything else that is not the same number in the type that kernels read is refused. What
//! lies on the device is used there, so it must have the type that kernels read; and what they trust must lie on the host.

use super::RunError;
use super::binding::Call;
use super::indices::read_indices;
use crate::device_tensor::DeviceTensor;
use crate::memory::may_fail;
use bytemuck::cast_slice;
use half::{bf16, f16};
use ocellus_dialects::plan::{Plan, Port, PortValues};
use ocellus_dialects::{AnyTensor, ElementType, Elements};
use std::borrow::Cow;

/// An input as the caller has it.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub shape: &'a [usize],
    pub elements: Held<'a>,
}

/// Where its elements lie.
#[derive(Clone, Copy)]
pub enum Held<'a> {
    /// In the memory of the host.
    Host(Elements<'a>),
    /// On the device.
    Device(&'a DeviceTensor<'a>),
}

impl<'a> Given<'a> {
    /// A tensor of the host.
    pub fn new<T: AnyTensor + ?Sized>(tensor: &'a T) -> Self {
        Given { shape: tensor.shape(), elements: Held::Host(tensor.elements()) }
    }

    /// A tensor on the device.
    pub fn on_device(tensor: &'a DeviceTensor<'a>) -> Self {
        Given { shape: tensor.shape(), elements: Held::Device(tensor) }
    }
}

/// An input as kernels read it.
pub enum Prepared<'a> {
    Numbers(Cow<'a, [f32]>),
    Indices(Cow<'a, [i32]>),
    OnDevice(&'a DeviceTensor<'a>),
}

impl Prepared<'_> {
    /// The bytes that kernels read, where they lie in the memory of the host.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Prepared::Numbers(numbers) => Some(cast_slice(numbers)),
            Prepared::Indices(indices) => Some(cast_slice(indices)),
            Prepared::OnDevice(_) => None,
        }
    }
}

/// The inputs of a call as kernels read them.
pub fn prepare<'a>(plan: &Plan, call: &Call<'a>) -> Result<Vec<Prepared<'a>>, RunError> {
    let ports = plan.inputs.iter().zip(&call.inputs);
    ports
        .map(|(port, Given { elements, .. })| match (&port.values, *elements) {
            (PortValues::Numbers, Held::Host(elements)) => {
                read_numbers(port, elements).map(Prepared::Numbers)
            }
            (PortValues::Numbers, Held::Device(tensor)) => on_device(port, tensor),
            (PortValues::Indices { below, permutation }, Held::Host(elements)) => {
                let below = (below.as_slice(), *permutation);
                read_indices(plan, port, below, elements, &call.symbols).map(Prepared::Indices)
            }
            (PortValues::Indices { .. }, Held::Device(_)) => {
                Err(RunError::IndicesOnDevice { input: port.name.clone() })
            }
        })
        .collect()
}

fn read_numbers<'a>(port: &Port, elements: Elements<'a>) -> Result<Cow<'a, [f32]>, RunError> {
    match elements {
        Elements::F32(numbers) => Ok(Cow::Borrowed(numbers)),
        Elements::BF16(numbers) => convert(port, numbers, |each| Ok(bf16::to_f32(each))),
        Elements::F16(numbers) => convert(port, numbers, |each| Ok(f16::to_f32(each))),
        Elements::I32(_) | Elements::I64(_) => Err(RunError::ElementType {
            input: port.name.clone(),
            found: elements.type_name(),
            wanted: "numbers: give f32, bf16 or f16, and levels normalized as the model was trained",
        }),
    }
}

/// Numbers that kernels read where they lie.
fn on_device<'a>(port: &Port, tensor: &'a DeviceTensor<'a>) -> Result<Prepared<'a>, RunError> {
    match tensor.element() {
        ElementType::F32 => Ok(Prepared::OnDevice(tensor)),
        ElementType::BF16 | ElementType::F16 | ElementType::I32 => Err(RunError::ElementType {
            input: port.name.clone(),
            found: tensor.element().name(),
            wanted: "numbers, which must be f32 where they lie on the device already",
        }),
    }
}

/// Other elements made of all that are given, where there is memory for them and the position of none is an error.
pub fn convert<'a, T: Copy, U: Clone>(
    port: &Port,
    given: &[T],
    mut to: impl FnMut(T) -> Result<U, RunError>,
) -> Result<Cow<'a, [U]>, RunError> {
    let mut converted = room_for(port, given.len())?;
    for each in given {
        converted.push(to(*each)?);
    }
    Ok(Cow::Owned(converted))
}

/// Room for what is known of each element.
pub fn room_for<T>(port: &Port, count: usize) -> Result<Vec<T>, RunError> {
    let mut room = Vec::new();
    may_fail().ok().and_then(|()| room.try_reserve_exact(count).ok()).ok_or_else(|| {
        RunError::OutOfMemory {
            what: format!("the elements of the input `{}`", port.name),
            bytes: count.saturating_mul(size_of::<T>()),
        }
    })?;
    Ok(room)
}
