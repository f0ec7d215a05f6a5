//! [`Places`]: what a program can address at one size, and whether an address lies in it.

use super::RunError;
use super::compiled_program::{CompiledProgram, Values};
use crate::artifact::Artifact;
use crate::plan::{Element, Place};
use crate::tensor::element_count;

/// Slots start at multiples of this.
const ALIGNMENT: usize = 64;

/// Where memory starts: known while the piece is bound, or only in a call.
#[derive(Clone, Copy)]
pub enum Home {
    /// At this address.
    Fixed(i64),
    /// So many bytes into the arena.
    Arena(i64),
    /// Where the caller's input of that position does.
    Input(usize),
    /// Where the caller's output of that position does.
    Output(usize),
}

/// A labelled result at one size.
pub struct ResultView {
    pub home: Home,
    pub element: Element,
    pub shape: Vec<usize>,
    pub bytes: usize,
}

/// A stretch of memory: an address, or an offset into the arena, and its size.
#[derive(Clone, Copy)]
struct Extent {
    start: i64,
    bytes: usize,
}

/// What a program can address, by place. Of the caller's tensors and of the arena only the sizes are known.
pub struct Places {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    weights: Vec<Extent>,
    slots: Vec<Extent>,
}

impl Places {
    /// The memory of a program whose expressions have those values.
    pub fn new(
        artifact: &Artifact,
        program: &CompiledProgram,
        values: &Values,
        input_shapes: &[&[usize]],
        output_shapes: &[Vec<usize>],
    ) -> Result<Self, RunError> {
        let weights = (0..artifact.plan().weights.len())
            .map(|index| artifact.weight(index).unwrap_or_default())
            .map(|weight| Extent { start: weight.as_ptr() as i64, bytes: weight.len() });
        Ok(Places {
            inputs: input_shapes.iter().map(|shape| f32_bytes(shape)).collect::<Result<_, _>>()?,
            outputs: output_shapes
                .iter()
                .map(|shape| f32_bytes(shape))
                .collect::<Result<_, _>>()?,
            weights: weights.collect(),
            slots: lay_out_slots(values, program)?,
        })
    }

    /// How large the arena must be.
    pub fn arena_bytes(&self) -> usize {
        self.slots.last().map_or(0, |last| last.start as usize + last.bytes)
    }

    /// Where a place of a valid plan starts, and its size.
    fn extent(&self, place: Place) -> (Home, usize) {
        match place {
            Place::Input(index) => (Home::Input(index), self.inputs[index]),
            Place::Output(index) => (Home::Output(index), self.outputs[index]),
            Place::Weight(index) => {
                (Home::Fixed(self.weights[index].start), self.weights[index].bytes)
            }
            Place::Slot(index) => (Home::Arena(self.slots[index].start), self.slots[index].bytes),
        }
    }

    /// Whether the offset lies inside the memory, whose home it gives.
    pub fn check(&self, what: &str, place: Place, offset: i64) -> Result<Home, RunError> {
        let (home, bytes) = self.extent(place);
        // The address of an empty tensor is its start.
        if usize::try_from(offset).is_ok_and(|offset| offset < bytes.max(1)) {
            return Ok(home);
        }
        Err(RunError::OutOfBounds { what: format!("an address in {what}"), offset, bytes })
    }

    /// A view of a whole tensor at the start of the memory.
    pub fn view(
        &self,
        what: &str,
        place: Place,
        element: Element,
        shape: Vec<usize>,
    ) -> Result<ResultView, RunError> {
        let (home, memory_bytes) = self.extent(place);
        let bytes = element_count(&shape).and_then(|count| count.checked_mul(element.bytes()));
        match bytes.filter(|bytes| *bytes <= memory_bytes) {
            Some(bytes) => Ok(ResultView { home, element, shape, bytes }),
            None => Err(RunError::OutOfBounds {
                what: format!("the end of {what}"),
                offset: bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(i64::MAX),
                bytes: memory_bytes,
            }),
        }
    }
}

/// Every slot at a multiple of the alignment, one after the other.
fn lay_out_slots(values: &Values, program: &CompiledProgram) -> Result<Vec<Extent>, RunError> {
    let mut end = 0usize;
    (program.slots.iter().enumerate())
        .map(|(index, size)| {
            let what = format!("slot {index}");
            let bytes = values.size(&what, *size)?;
            let start = end;
            end = bytes
                .checked_next_multiple_of(ALIGNMENT)
                .and_then(|bytes| start.checked_add(bytes))
                .filter(|end| *end <= isize::MAX as usize)
                .ok_or(RunError::Size { what, value: start as i128 + bytes as i128 })?;
            Ok(Extent { start: start as i64, bytes })
        })
        .collect()
}

fn f32_bytes(shape: &[usize]) -> Result<usize, RunError> {
    element_count(shape)
        .and_then(|count| count.checked_mul(size_of::<f32>()))
        .filter(|bytes| *bytes <= isize::MAX as usize)
        .ok_or_else(|| RunError::Size {
            what: "a tensor's size".to_string(),
            value: shape.iter().fold(4, |product: i128, dim| product.saturating_mul(*dim as i128)),
        })
}
