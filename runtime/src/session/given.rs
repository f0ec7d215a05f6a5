//! [`Given`]: an input as the caller has it, and [`Prepared`], the same as kernels read it.
//!
//! Kernels read numbers as f32 and indices as i32. What the caller gives is used where it lies if it has that type. bf16 and
//! f16 are widened, which is exact. Everything else that is not the same number in the type that kernels read is refused.

use super::RunError;
use super::binding::Call;
use super::indices::read_indices;
use crate::memory::may_fail;
use bytemuck::cast_slice;
use half::{bf16, f16};
use ocellus_dialects::plan::{Plan, Port, PortValues};
use ocellus_dialects::{AnyTensor, Elements};
use std::borrow::Cow;

/// An input as the caller has it.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub shape: &'a [usize],
    pub elements: Elements<'a>,
}

impl<'a> Given<'a> {
    pub fn new<T: AnyTensor + ?Sized>(tensor: &'a T) -> Self {
        Given { shape: tensor.shape(), elements: tensor.elements() }
    }
}

/// An input as kernels read it.
pub enum Prepared<'a> {
    Numbers(Cow<'a, [f32]>),
    Indices(Cow<'a, [i32]>),
}

impl Prepared<'_> {
    /// The bytes that kernels read.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Prepared::Numbers(numbers) => cast_slice(numbers),
            Prepared::Indices(indices) => cast_slice(indices),
        }
    }
}

/// The inputs of a call as kernels read them.
pub fn prepare<'a>(plan: &Plan, call: &Call<'a>) -> Result<Vec<Prepared<'a>>, RunError> {
    let ports = plan.inputs.iter().zip(&call.inputs);
    ports
        .map(|(port, Given { elements, .. })| match &port.values {
            PortValues::Numbers => read_numbers(port, *elements).map(Prepared::Numbers),
            PortValues::Indices { below, permutation } => {
                let below = (below.as_slice(), *permutation);
                read_indices(plan, port, below, *elements, &call.symbols).map(Prepared::Indices)
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
