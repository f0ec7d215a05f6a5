//! The program of a piece at one size: first [`EvaluatedProgram`], with every number and offset in place, then
//! [`BoundProgram`], with every address but those of the caller's tensors. Only the first step can fail, and it touches
//! no memory that a program runs in.

use super::RunError;
use super::binding::{describe_values, expression_error};
use super::compiled_program::{CompiledArgument, CompiledLaunch, CompiledProgram, Values};
use super::dispatch::Dispatch;
use super::places::{ArgumentPosition, Home, Places, ResultView, Touch};
use crate::artifact::Artifact;
use crate::signature::{Access, LaunchWords, Signature, Word};
use std::ops::Range;

/// A program at one size that has no memory yet.
pub struct EvaluatedProgram {
    program: BoundProgram,
    /// The words that hold offsets into the arena.
    arena_words: Vec<usize>,
    arena_bytes: usize,
    /// What each worker needs.
    scratch_bytes: usize,
}

/// A program at one size, bound to an arena: it may run for as long as that is there.
pub struct BoundProgram {
    /// Which program.
    pub program: usize,
    /// The symbols' values.
    pub symbols: Vec<i64>,
    /// The shapes of the outputs.
    pub output_shapes: Vec<Vec<usize>>,
    /// The launches.
    pub launches: Vec<BoundLaunch>,
    /// Where the arena starts.
    arena: i64,
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

struct Patch {
    word: usize,
    tensor: CallTensor,
    offset: i64,
}

/// A tensor of the caller, by its position.
#[derive(Clone, Copy)]
enum CallTensor {
    Input(usize),
    Output(usize),
}

/// The addresses of the caller's tensors.
pub struct CallAddresses {
    pub inputs: Vec<i64>,
    pub outputs: Vec<i64>,
}

impl CallAddresses {
    /// The address where that tensor starts. The positions are those of a valid plan.
    fn of(&self, tensor: CallTensor) -> i64 {
        match tensor {
            CallTensor::Input(position) => self.inputs[position],
            CallTensor::Output(position) => self.outputs[position],
        }
    }
}

/// What a program is found and evaluated with.
pub struct Programs {
    pub dispatch: Dispatch,
    pub programs: Vec<CompiledProgram>,
    /// What the kernels do with their arguments, in the plan's order.
    pub signatures: Vec<Signature>,
}

impl EvaluatedProgram {
    /// Finds the program for these sizes and evaluates it. Every launch is such as its kernel takes.
    pub fn new(
        artifact: &Artifact,
        Programs { dispatch, programs, signatures }: &Programs,
        symbols: Vec<i64>,
        input_shapes: &[&[usize]],
    ) -> Result<Self, RunError> {
        let plan = artifact.plan();
        let program = dispatch
            .program_at(&symbols)
            .ok_or_else(|| RunError::NoPiece(describe_values(plan, &symbols)))?;
        let compiled = &programs[program];
        let values = compiled
            .evaluate(&symbols)
            .map_err(|(each, source)| expression_error(plan, each, &symbols, source))?;
        let output_shapes = (compiled.outputs.iter().zip(&plan.outputs))
            .map(|(shape, port)| values.shape(&format!("the output `{}`", port.name), shape))
            .collect::<Result<Vec<_>, _>>()?;
        let mut places = Places::new(artifact, compiled, &values, input_shapes, &output_shapes)?;
        let mut evaluated = EvaluatedProgram {
            arena_words: Vec::new(),
            arena_bytes: places.arena_bytes(),
            scratch_bytes: 0,
            program: BoundProgram {
                program,
                output_shapes,
                launches: Vec::with_capacity(compiled.launches.len()),
                arena: 0,
                words: Vec::new(),
                patches: Vec::new(),
                symbols,
            },
        };
        for (index, launch) in compiled.launches.iter().enumerate() {
            let result = plan.programs[program].launches[index].result.as_ref();
            let result = result
                .map(|result| {
                    let what = format!("the result `{}`", result.label);
                    let shape = values.shape(&what, &launch.result_shape)?;
                    places.view(&what, result.place, result.element, shape)
                })
                .transpose()?;
            evaluated.push_launch(&format!("launch {index}"), launch, &values, &places, result)?;
            let kernel = (plan.kernels[launch.kernel].symbol.as_str(), &signatures[launch.kernel]);
            check_launch(index, launch, kernel, &values, &mut places)?;
        }
        places.check_outputs(plan)?;
        Ok(evaluated)
    }

    fn push_launch(
        &mut self,
        what: &str,
        launch: &CompiledLaunch,
        values: &Values,
        places: &Places,
        result: Option<ResultView>,
    ) -> Result<(), RunError> {
        let start = self.program.words.len();
        for argument in &launch.arguments {
            let word = match argument {
                CompiledArgument::Integer(value) => values.of(*value),
                CompiledArgument::Address { place, offset } => {
                    let offset = values.of(*offset);
                    self.address(places.check(what, *place, offset)?, offset)
                }
            };
            self.program.words.push(word);
        }
        let tiles = values.of(launch.tiles);
        let tiles = u32::try_from(tiles).map_err(|_| RunError::Size {
            what: format!("the tiles of {what}"),
            value: tiles.into(),
        })?;
        let scratch =
            values.size(&format!("the scratch memory of {what}"), launch.scratch_bytes)?;
        self.scratch_bytes = self.scratch_bytes.max(scratch);
        let words = start..self.program.words.len();
        self.program.launches.push(BoundLaunch { kernel: launch.kernel, tiles, words, result });
        Ok(())
    }

    /// The next word, `offset` bytes behind `home`, as far as that is known; the rest is noted.
    fn address(&mut self, home: Home, offset: i64) -> i64 {
        let word = self.program.words.len();
        let mut patch = |tensor| {
            self.program.patches.push(Patch { word, tensor, offset });
            0
        };
        match home {
            Home::Fixed(address) => address + offset,
            Home::Arena(start) => {
                self.arena_words.push(word);
                start + offset
            }
            Home::Input(position) => patch(CallTensor::Input(position)),
            Home::Output(position) => patch(CallTensor::Output(position)),
        }
    }

    /// How large the arena must be.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Bytes of scratch memory that each worker needs.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    /// The program in an arena that starts there and is large enough.
    pub fn at(self, arena: i64) -> BoundProgram {
        let EvaluatedProgram { mut program, arena_words, .. } = self;
        program.arena = arena;
        arena_words.into_iter().for_each(|word| program.words[word] += arena);
        program
    }
}

/// Whether a kernel, given these arguments, stays inside the memory that they name, and reads what was written.
fn check_launch(
    index: usize,
    launch: &CompiledLaunch,
    (kernel, signature): (&str, &Signature),
    values: &Values,
    places: &mut Places,
) -> Result<(), RunError> {
    let misfit = |misfit| RunError::Misfit { launch: index, kernel: kernel.to_string(), misfit };
    let numbers: Vec<i64> = launch
        .arguments
        .iter()
        .map(|argument| match argument {
            CompiledArgument::Integer(value) => values.of(*value),
            CompiledArgument::Address { .. } => 0,
        })
        .collect();
    let numbers = LaunchWords { words: &numbers, tiles: values.of(launch.tiles) };
    let scratch = usize::try_from(values.of(launch.scratch_bytes)).unwrap_or(0);
    signature.check_numbers(&numbers, scratch).map_err(misfit)?;
    // What a launch writes can be read by those behind it only.
    for access in [Access::Read, Access::Write] {
        for (argument, pair) in launch.arguments.iter().zip(&signature.words).enumerate() {
            let (CompiledArgument::Address { place, offset }, Word::Pointer(pointer)) = pair else {
                continue;
            };
            if pointer.access != access {
                continue;
            }
            let touch = Touch {
                at: ArgumentPosition { launch: index, argument },
                place: *place,
                offset: values.of(*offset),
                reach: pointer.reach(&numbers).map_err(misfit)?,
                element_bytes: pointer.element_bytes,
            };
            match access {
                Access::Read => places.check_read(touch)?,
                Access::Write => places.write(touch)?,
            }
        }
    }
    Ok(())
}

impl BoundProgram {
    /// Puts the addresses of a call's tensors into the argument blocks.
    pub fn patch(&mut self, addresses: &CallAddresses) {
        for patch in &self.patches {
            self.words[patch.word] = addresses.of(patch.tensor) + patch.offset;
        }
    }

    /// The argument block of a launch.
    pub fn arguments(&self, launch: &BoundLaunch) -> &[i64] {
        &self.words[launch.words.clone()]
    }

    /// The address where memory starts.
    pub fn address(&self, home: Home, call: &CallAddresses) -> i64 {
        match home {
            Home::Fixed(address) => address,
            Home::Arena(start) => self.arena + start,
            Home::Input(position) => call.of(CallTensor::Input(position)),
            Home::Output(position) => call.of(CallTensor::Output(position)),
        }
    }
}
