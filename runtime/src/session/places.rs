//! [`Places`]: what a program can address at one size, and whether an address lies in it.

use super::RunError;
use super::call_addresses::CallAddresses;
use super::compiled_program::{CompiledProgram, Values};
use super::layout::Layout;
use super::weights::{Extent, Weights};
use crate::devices::MemorySpace;
use ocellus_dialects::plan::{Place, Plan};
use ocellus_dialects::{ElementType, element_count};

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

/// A labeled result at one size.
pub struct ResultView {
    pub home: Home,
    pub element: ElementType,
    pub shape: Vec<usize>,
    pub bytes: usize,
}

/// What a program can address, by place. Of the caller's tensors and of the arena only the sizes are known.
pub struct Places<'a> {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    weights: &'a [Extent],
    buffers: Vec<Extent>,
    /// Offsets into the arena, where the caller's tensors are copied there.
    staged: Option<CallAddresses>,
    arena_bytes: usize,
    /// How much of each output, and of each buffer, the launches so far have written, from its start on.
    written_outputs: Vec<usize>,
    written_buffers: Vec<usize>,
}

/// An argument of a launch: its position there, and the launch's in its program.
#[derive(Clone, Copy)]
pub struct ArgumentPosition {
    pub launch: usize,
    pub argument: usize,
}

/// Memory that a kernel touches: `reach` bytes from `offset` on.
#[derive(Clone, Copy)]
pub struct Touch {
    pub at: ArgumentPosition,
    pub place: Place,
    pub offset: i64,
    pub reach: usize,
    pub element_bytes: i64,
}

impl<'a> Places<'a> {
    /// The memory of a program whose expressions have those values.
    pub fn new(
        program: &CompiledProgram,
        values: &Values,
        weights: &'a Weights,
        space: MemorySpace,
        (input_shapes, output_shapes): (&[&[usize]], &[Vec<usize>]),
    ) -> Result<Self, RunError> {
        let mut arena = Layout::default();
        let buffers = lay_out_buffers(&mut arena, values, program)?;
        let inputs: Vec<usize> =
            input_shapes.iter().map(|shape| f32_bytes(shape)).collect::<Result<_, _>>()?;
        let outputs: Vec<usize> =
            output_shapes.iter().map(|shape| f32_bytes(shape)).collect::<Result<_, _>>()?;
        let mut stage = |tensors: &[usize]| -> Result<Vec<i64>, RunError> {
            let what = || "a tensor's copy".to_string();
            tensors.iter().map(|bytes| Ok(arena.place(*bytes, what)?.start)).collect()
        };
        let staged = match space {
            MemorySpace::Host => None,
            MemorySpace::Device => {
                Some(CallAddresses { inputs: stage(&inputs)?, outputs: stage(&outputs)? })
            }
        };
        Ok(Places {
            written_outputs: vec![0; outputs.len()],
            written_buffers: vec![0; buffers.len()],
            inputs,
            outputs,
            weights: weights.extents(),
            buffers,
            staged,
            arena_bytes: arena.bytes(),
        })
    }

    /// How large the arena must be, and which offsets in it the copies of the caller's tensors have, if there are any.
    pub fn into_arena(self) -> (usize, Option<CallAddresses>) {
        (self.arena_bytes, self.staged)
    }

    /// Where a place of a valid plan starts, and its size.
    fn extent(&self, place: Place) -> (Home, usize) {
        match place {
            Place::Input(index) => (Home::Input(index), self.inputs[index]),
            Place::Output(index) => (Home::Output(index), self.outputs[index]),
            Place::Weight(index) => {
                (Home::Fixed(self.weights[index].start), self.weights[index].bytes)
            }
            Place::Buffer(index) => {
                (Home::Arena(self.buffers[index].start), self.buffers[index].bytes)
            }
        }
    }

    /// Whether what a kernel touches lies inside the memory: where that ends.
    fn check_touch(&self, touch: Touch) -> Result<usize, RunError> {
        let Touch { at: ArgumentPosition { launch, argument }, offset, element_bytes, .. } = touch;
        let bytes = self.extent(touch.place).1;
        if element_bytes < 1 || offset % element_bytes != 0 {
            return Err(RunError::Misaligned { launch, argument, offset, element_bytes });
        }
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(touch.reach));
        match end {
            Some(end) if touch.reach == 0 || end <= bytes => Ok(end),
            _ => {
                let end = end.unwrap_or(usize::MAX);
                Err(RunError::Reach { launch, argument, end, bytes })
            }
        }
    }

    /// Whether a kernel may read there: memory that is the caller's or the artifact's, or that launches before it wrote.
    pub fn check_read(&self, touch: Touch) -> Result<(), RunError> {
        let end = self.check_touch(touch)?;
        let written = match touch.place {
            Place::Input(_) | Place::Weight(_) => return Ok(()),
            Place::Output(index) => self.written_outputs[index],
            Place::Buffer(index) => self.written_buffers[index],
        };
        if touch.reach == 0 || end <= written {
            return Ok(());
        }
        let ArgumentPosition { launch, argument } = touch.at;
        Err(RunError::Unwritten { launch, argument, end, written })
    }

    /// Whether a kernel may write there, which is noted. A write that leaves a gap behind what was written before counts
    /// for nothing.
    pub fn write(&mut self, touch: Touch) -> Result<(), RunError> {
        let end = self.check_touch(touch)?;
        let written = match touch.place {
            Place::Output(index) => &mut self.written_outputs[index],
            Place::Buffer(index) => &mut self.written_buffers[index],
            // A plan that writes there is refused when it is loaded.
            Place::Input(_) | Place::Weight(_) => return Ok(()),
        };
        if end - touch.reach <= *written {
            *written = end.max(*written);
        }
        Ok(())
    }

    /// Whether the launches have written all of every output.
    pub fn check_outputs(&self, plan: &Plan) -> Result<(), RunError> {
        for ((port, bytes), written) in
            plan.outputs.iter().zip(&self.outputs).zip(&self.written_outputs)
        {
            if written < bytes {
                let (output, bytes, written) = (port.name.clone(), *bytes, *written);
                return Err(RunError::IncompleteOutput { output, bytes, written });
            }
        }
        Ok(())
    }

    /// Whether the offset lies inside the memory, whose home it gives.
    pub fn check(
        &self,
        what: impl Fn() -> String,
        place: Place,
        offset: i64,
    ) -> Result<Home, RunError> {
        let (home, bytes) = self.extent(place);
        // The address of an empty tensor is its start.
        if usize::try_from(offset).is_ok_and(|offset| offset < bytes.max(1)) {
            return Ok(home);
        }
        Err(RunError::OutOfBounds { what: format!("an address in {}", what()), offset, bytes })
    }

    /// A view of a whole tensor at the start of the memory.
    pub fn view(
        &self,
        what: impl Fn() -> String,
        place: Place,
        element: ElementType,
        shape: Vec<usize>,
    ) -> Result<ResultView, RunError> {
        let (home, memory_bytes) = self.extent(place);
        let bytes =
            element_count(&shape).and_then(|count| count.checked_mul(element.bytes() as usize));
        match bytes.filter(|bytes| *bytes <= memory_bytes) {
            Some(bytes) => Ok(ResultView { home, element, shape, bytes }),
            None => Err(RunError::OutOfBounds {
                what: format!("the end of {}", what()),
                offset: bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(i64::MAX),
                bytes: memory_bytes,
            }),
        }
    }
}

/// The buffers, one after the other.
fn lay_out_buffers(
    arena: &mut Layout,
    values: &Values,
    program: &CompiledProgram,
) -> Result<Vec<Extent>, RunError> {
    (program.buffers.iter().enumerate())
        .map(|(index, size)| {
            let what = || format!("buffer {index}");
            arena.place(values.size(what, *size)?, what)
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
