//! The program of a piece at one size: first [`EvaluatedProgram`], with every number and offset in place, then
//! [`BoundProgram`], with every address but those of the caller's tensors. Only the first step can fail, and it touches
//! no memory that a program runs in.

use super::RunError;
use super::binding::{describe_values, expression_error};
use super::call_addresses::{CallAddresses, CallTensor};
use super::compiled_program::{CompiledArgument, CompiledLaunch, CompiledProgram, Values};
use super::dispatch::Dispatch;
use super::places::{ArgumentPosition, Home, Places, ResultView, Touch};
use super::weights::Weights;
use crate::devices::{Launch, Launches, MemorySpace};
use crate::signature::{Access, LaunchWords, Signature, Word};
use ocellus_dialects::plan::Plan;

/// A program at one size that has no memory yet.
pub struct EvaluatedProgram {
    program: BoundProgram,
    /// The words that hold offsets into the arena.
    arena_words: Vec<usize>,
    arena_bytes: usize,
}

/// A program at one size, bound to an arena: it may run for as long as that is there.
pub struct BoundProgram {
    /// The symbols' values.
    pub symbols: Vec<i64>,
    /// The shapes of the outputs.
    pub output_shapes: Vec<Vec<usize>>,
    /// What it runs.
    pub launches: Launches,
    /// What each launch wrote, where that has a label.
    pub results: Vec<Option<ResultView>>,
    /// Where the device has copies of the caller's tensors, where it needs them.
    pub staged: Option<CallAddresses>,
    /// Where the arena starts.
    arena: i64,
    /// The words that change from call to call.
    patches: Vec<Patch>,
}

/// A word that holds an address in a tensor of the caller.
struct Patch {
    word: usize,
    tensor: CallTensor,
    offset: i64,
}

/// What a program is found and evaluated with.
pub struct Programs {
    pub dispatch: Dispatch,
    pub programs: Vec<CompiledProgram>,
    /// What the kernels do with their arguments, in the plan's order.
    pub signatures: Vec<Signature>,
    pub weights: Weights,
    /// Whose memory the kernels address.
    pub space: MemorySpace,
}

impl EvaluatedProgram {
    /// Finds the program for these sizes and evaluates it. Every launch is such as its kernel takes.
    pub fn new(
        plan: &Plan,
        programs: &Programs,
        symbols: Vec<i64>,
        input_shapes: &[&[usize]],
    ) -> Result<Self, RunError> {
        let program = (programs.dispatch.program_at(&symbols))
            .ok_or_else(|| RunError::NoPiece(describe_values(plan, &symbols)))?;
        let compiled = &programs.programs[program];
        let values = compiled
            .evaluate(&symbols)
            .map_err(|(each, source)| expression_error(plan, each, &symbols, source))?;
        let output_shapes = (compiled.outputs.iter().zip(&plan.outputs))
            .map(|(shape, port)| values.shape(|| format!("the output `{}`", port.name), shape))
            .collect::<Result<Vec<_>, _>>()?;
        let (weights, space) = (&programs.weights, programs.space);
        let shapes = (input_shapes, output_shapes.as_slice());
        let mut places = Places::new(compiled, &values, weights, space, shapes)?;
        let mut evaluated = EvaluatedProgram {
            arena_words: Vec::new(),
            arena_bytes: 0,
            program: BoundProgram {
                launches: Launches::of_program(program),
                results: Vec::with_capacity(compiled.launches.len()),
                staged: None,
                arena: 0,
                patches: Vec::new(),
                symbols,
                output_shapes,
            },
        };
        let mut arguments = Vec::new();
        for (index, launch) in compiled.launches.iter().enumerate() {
            let result = plan.programs[program].launches[index].result.as_ref();
            let result = result
                .map(|result| {
                    let what = || format!("the result `{}`", result.label);
                    let shape = values.shape(what, &launch.result_shape)?;
                    places.view(what, result.place, result.element, shape)
                })
                .transpose()?;
            evaluated.program.results.push(result);
            evaluated.push_launch(index, launch, &values, &places, &mut arguments)?;
            let kernel =
                (plan.kernels[launch.kernel].symbol.as_str(), &programs.signatures[launch.kernel]);
            check_launch(index, launch, kernel, &values, &mut places)?;
        }
        places.check_outputs(plan)?;
        (evaluated.arena_bytes, evaluated.program.staged) = places.into_arena();
        Ok(evaluated)
    }

    /// Evaluates a launch; `arguments` is room for its words.
    fn push_launch(
        &mut self,
        index: usize,
        launch: &CompiledLaunch,
        values: &Values,
        places: &Places,
        arguments: &mut Vec<i64>,
    ) -> Result<(), RunError> {
        let what = || format!("launch {index}");
        let start = self.program.launches.words().len();
        arguments.clear();
        for argument in &launch.arguments {
            arguments.push(match argument {
                CompiledArgument::Integer(value) => values.of(*value),
                CompiledArgument::Address { place, offset } => {
                    let offset = values.of(*offset);
                    let home = places.check(what, *place, offset)?;
                    self.address(start + arguments.len(), home, offset)
                }
            });
        }
        let tiles = values.of(launch.tiles);
        let tiles = u32::try_from(tiles).map_err(|_| RunError::Size {
            what: format!("the tiles of {}", what()),
            value: tiles.into(),
        })?;
        let scratch = || format!("the scratch memory of {}", what());
        let scratch_bytes = values.size(scratch, launch.scratch_bytes)?;
        self.program.launches.push(Launch {
            kernel: launch.kernel,
            arguments,
            tiles,
            scratch_bytes,
        });
        Ok(())
    }

    /// What that word holds, `offset` bytes behind `home`, as far as that is known; the rest is noted.
    fn address(&mut self, word: usize, home: Home, offset: i64) -> i64 {
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
        self.program.launches.scratch_bytes()
    }

    /// The program in an arena that starts there and is large enough.
    pub fn at(self, arena: i64) -> BoundProgram {
        let EvaluatedProgram { mut program, arena_words, .. } = self;
        program.arena = arena;
        program.staged = program.staged.map(|staged| staged.behind(arena));
        let words = program.launches.words_mut();
        arena_words.into_iter().for_each(|word| words[word] += arena);
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
        let words = self.launches.words_mut();
        for patch in &self.patches {
            words[patch.word] = addresses.of(patch.tensor) + patch.offset;
        }
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
