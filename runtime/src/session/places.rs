//! [`Places`]: what a program can address at one size, and whether an address lies in it.

use super::RunError;
use super::compiled_program::{CompiledProgram, Values};
use crate::artifact::Artifact;
use ocellus_dialects::plan::{Place, Plan};
use ocellus_dialects::{ElementType, element_count};

/// Buffers start at multiples of this.
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

/// A labeled result at one size.
pub struct ResultView {
    pub home: Home,
    pub element: ElementType,
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
    buffers: Vec<Extent>,
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
        let buffers = lay_out_buffers(values, program)?;
        Ok(Places {
            written_outputs: vec![0; output_shapes.len()],
            written_buffers: vec![0; buffers.len()],
            inputs: input_shapes.iter().map(|shape| f32_bytes(shape)).collect::<Result<_, _>>()?,
            outputs: output_shapes
                .iter()
                .map(|shape| f32_bytes(shape))
                .collect::<Result<_, _>>()?,
            weights: weights.collect(),
            buffers,
        })
    }

    /// How large the arena must be.
    pub fn arena_bytes(&self) -> usize {
        self.buffers.last().map_or(0, |last| last.start as usize + last.bytes)
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
        element: ElementType,
        shape: Vec<usize>,
    ) -> Result<ResultView, RunError> {
        let (home, memory_bytes) = self.extent(place);
        let bytes =
            element_count(&shape).and_then(|count| count.checked_mul(element.bytes() as usize));
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

/// Every buffer at a multiple of the alignment, one after the other.
fn lay_out_buffers(values: &Values, program: &CompiledProgram) -> Result<Vec<Extent>, RunError> {
    let mut end = 0usize;
    (program.buffers.iter().enumerate())
        .map(|(index, size)| {
            let what = format!("buffer {index}");
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
