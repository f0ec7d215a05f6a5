//! [`BoundProgram`]: the program of a piece at one size, with every number and address in place but those of the caller's tensors.

use super::RunError;
use super::binding::{describe_values, expression_error};
use super::compiled_program::{CompiledArgument, CompiledLaunch, CompiledProgram, ExpressionId};
use super::dispatch::Dispatch;
use crate::artifact::Artifact;
use crate::memory::map_memory;
use crate::plan::{Element, Place};
use crate::tensor::element_count;
use memmap2::MmapMut;
use std::ops::Range;

/// Slots start at multiples of this.
const ALIGNMENT: usize = 64;

/// The program of a piece at one size.
pub struct BoundProgram {
    /// Which program.
    pub program: usize,
    /// The symbols' values.
    pub symbols: Vec<i64>,
    /// What each worker needs.
    pub scratch_bytes: usize,
    /// The shapes of the outputs.
    pub output_shapes: Vec<Vec<usize>>,
    /// The launches.
    pub launches: Vec<BoundLaunch>,
    /// The argument blocks of all launches.
    words: Vec<i64>,
    /// The words that change from call to call.
    patches: Vec<Patch>,
}

/// A launch at one size.
pub struct BoundLaunch {
    /// Which kernel.
    pub kernel: usize,
    /// How many tiles.
    pub tiles: u32,
    /// Its part of the argument blocks.
    pub words: Range<usize>,
    /// What it wrote, where that has a label.
    pub result: Option<ResultView>,
}

/// A labelled result at one size.
pub struct ResultView {
    pub home: Home,
    pub element: Element,
    pub shape: Vec<usize>,
    pub bytes: usize,
}

/// Where memory starts: known while the piece is bound, or only in a call.
#[derive(Clone, Copy)]
pub enum Home {
    Fixed(i64),
    Input(usize),
    Output(usize),
}

struct Patch {
    word: usize,
    home: Home,
    offset: i64,
}

/// The addresses of the caller's tensors.
pub struct CallAddresses {
    pub inputs: Vec<i64>,
    pub outputs: Vec<i64>,
}

impl CallAddresses {
    /// The address where that memory starts. The positions are those of a valid plan.
    pub fn of(&self, home: Home) -> i64 {
        match home {
            Home::Fixed(address) => address,
            Home::Input(position) => self.inputs[position],
            Home::Output(position) => self.outputs[position],
        }
    }
}

impl BoundProgram {
    /// Finds the program for these sizes and evaluates it. The arena grows where it is too small.
    pub fn new(
        artifact: &Artifact,
        (dispatch, programs): (&Dispatch, &[CompiledProgram]),
        symbols: Vec<i64>,
        input_shapes: &[&[usize]],
        arena: &mut MmapMut,
    ) -> Result<Self, RunError> {
        let plan = artifact.plan();
        let program = dispatch
            .program_at(&symbols)
            .ok_or_else(|| RunError::NoPiece(describe_values(plan, &symbols)))?;
        let compiled = &programs[program];
        let values = compiled
            .expressions
            .iter()
            .map(|each| {
                each.evaluate(&symbols)
                    .map_err(|source| expression_error(plan, each, &symbols, source))
            })
            .collect::<Result<Vec<i64>, RunError>>()?;
        let values = Values(values);

        let output_shapes = (compiled.outputs.iter().zip(&plan.outputs))
            .map(|(shape, port)| values.shape(&format!("the output `{}`", port.name), shape))
            .collect::<Result<Vec<_>, _>>()?;
        let mut memory = Memory {
            inputs: input_shapes.iter().map(|shape| f32_bytes(shape)).collect::<Result<_, _>>()?,
            outputs: output_shapes.iter().map(|s| f32_bytes(s)).collect::<Result<_, _>>()?,
            weights: (0..plan.weights.len())
                .map(|index| artifact.weight(index).unwrap_or_default())
                .map(|weight| Extent { address: weight.as_ptr() as i64, bytes: weight.len() })
                .collect(),
            slots: lay_out_slots(&values, compiled)?,
        };
        memory.place_slots(arena)?;

        let mut bound = BoundProgram {
            program,
            scratch_bytes: 0,
            output_shapes,
            launches: Vec::with_capacity(compiled.launches.len()),
            words: Vec::new(),
            patches: Vec::new(),
            symbols,
        };
        for (index, launch) in compiled.launches.iter().enumerate() {
            let result = plan.programs[program].launches[index].result.as_ref();
            let result = result
                .map(|result| {
                    let what = format!("the result `{}`", result.label);
                    let shape = values.shape(&what, &launch.result_shape)?;
                    memory.view(&what, result.place, result.element, shape)
                })
                .transpose()?;
            bound.push_launch(&format!("launch {index}"), launch, &values, &memory, result)?;
        }
        Ok(bound)
    }

    fn push_launch(
        &mut self,
        what: &str,
        launch: &CompiledLaunch,
        values: &Values,
        memory: &Memory,
        result: Option<ResultView>,
    ) -> Result<(), RunError> {
        let start = self.words.len();
        for argument in &launch.arguments {
            match argument {
                CompiledArgument::Integer(value) => self.words.push(values.0[*value]),
                CompiledArgument::Address { place, offset } => {
                    let offset = values.0[*offset];
                    let home = memory.check(what, *place, offset)?;
                    match home {
                        Home::Fixed(address) => self.words.push(address + offset),
                        _ => {
                            self.patches.push(Patch { word: self.words.len(), home, offset });
                            self.words.push(0);
                        }
                    }
                }
            }
        }
        let tiles = values.0[launch.tiles];
        let tiles = u32::try_from(tiles).map_err(|_| RunError::Size {
            what: format!("the tiles of {what}"),
            value: tiles.into(),
        })?;
        let scratch =
            values.size(&format!("the scratch memory of {what}"), launch.scratch_bytes)?;
        self.scratch_bytes = self.scratch_bytes.max(scratch);
        let words = start..self.words.len();
        self.launches.push(BoundLaunch { kernel: launch.kernel, tiles, words, result });
        Ok(())
    }

    /// Puts the addresses of a call's tensors into the argument blocks.
    pub fn patch(&mut self, addresses: &CallAddresses) {
        for patch in &self.patches {
            self.words[patch.word] = addresses.of(patch.home) + patch.offset;
        }
    }

    /// The argument block of a launch.
    pub fn arguments(&self, launch: &BoundLaunch) -> &[i64] {
        &self.words[launch.words.clone()]
    }
}

/// The values of a program's expressions.
struct Values(Vec<i64>);

impl Values {
    fn size(&self, what: &str, id: ExpressionId) -> Result<usize, RunError> {
        let value = self.0[id];
        usize::try_from(value)
            .map_err(|_| RunError::Size { what: what.to_string(), value: value.into() })
    }

    fn shape(&self, what: &str, ids: &[ExpressionId]) -> Result<Vec<usize>, RunError> {
        ids.iter().map(|id| self.size(what, *id)).collect()
    }
}

/// Memory at an address.
#[derive(Clone, Copy)]
struct Extent {
    address: i64,
    bytes: usize,
}

/// What a program can address, by place. Of the caller's tensors only the sizes are known.
struct Memory {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    weights: Vec<Extent>,
    slots: Vec<Extent>,
}

impl Memory {
    /// Turns the slots' offsets into addresses.
    fn place_slots(&mut self, arena: &mut MmapMut) -> Result<(), RunError> {
        let bytes = self.slots.last().map_or(0, |last| last.address as usize + last.bytes);
        if bytes > arena.len() {
            *arena = map_memory(bytes)
                .map_err(|_| RunError::OutOfMemory { what: "the arena".to_string(), bytes })?;
        }
        let start = arena.as_mut_ptr() as i64;
        self.slots.iter_mut().for_each(|slot| slot.address += start);
        Ok(())
    }

    fn extent(&self, place: Place) -> (Home, usize) {
        match place {
            Place::Input(index) => (Home::Input(index), self.inputs[index]),
            Place::Output(index) => (Home::Output(index), self.outputs[index]),
            Place::Weight(index) => {
                (Home::Fixed(self.weights[index].address), self.weights[index].bytes)
            }
            Place::Slot(index) => (Home::Fixed(self.slots[index].address), self.slots[index].bytes),
        }
    }

    /// Whether the offset lies inside the memory, whose home it gives.
    fn check(&self, what: &str, place: Place, offset: i64) -> Result<Home, RunError> {
        let (home, bytes) = self.extent(place);
        // The address of an empty tensor is its start.
        if usize::try_from(offset).is_ok_and(|offset| offset < bytes.max(1)) {
            return Ok(home);
        }
        Err(RunError::OutOfBounds { what: format!("an address in {what}"), offset, bytes })
    }

    /// A view of a whole tensor at the start of the memory.
    fn view(
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

/// Every slot at a multiple of the alignment, one after the other; the addresses are offsets for now.
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
            Ok(Extent { address: start as i64, bytes })
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
