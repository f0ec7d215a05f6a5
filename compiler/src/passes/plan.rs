//! Turns the chosen program of each piece into the host program: kernels, weights, buffers, argument blocks.
//!
//! Before:
//! ```text
//! %qkv = launch gemm(%x, %norm_weight, %bias, %w, %b) prologue layer_norm epilogue [add columns]
//! %o   = launch attention(view %qkv[0..768], view %qkv[768..1536], view %qkv[1536..2304])
//! ```
//! After:
//! ```text
//! launch gemm_768x2304_..(buffer 0, images*151296, .., weight 2, buffer 1, ..) tiles ceil(images*197 / 96) * 6
//! launch attention_12x64_..(buffer 1, buffer 1 + 3072, buffer 1 + 6144, buffer 0, ..) tiles images*12*..
//! ```
//! Programs, kernels and weights that pieces share appear once.

use super::{
    AssignBuffers, BufferAssignment, PackedWeight, PassError, WeightRecipe, assign_buffers,
    inline_calls,
};
use indexmap::{IndexMap, IndexSet};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{Function, KernelOp, Prologue, Step, Value, ValueKind};
use ocellus_dialects::plan::{
    Expression, KernelEntry, LabeledResult, Launch, LaunchArgument, Piece, PieceRange, Place, Plan,
    Port, PortValues, Program, Schedule, SymbolEntry, SymbolSource, WeightEntry,
};
use ocellus_dialects::symbolic::{Definition, Dim, Symbol, SymbolRange, Symbols};
use ocellus_dialects::venc::{self, IndexBounds, ValueId};
use ocellus_kernels::gemm::WeightPacking;
use ocellus_kernels::{Access, Argument, Kernel, Layout, Target, launch, symbols};
use ocellus_rewrite::{PieceProgram, ScheduleOffers};

/// All that an artifact is made of, but for the code and the weights' bytes.
#[derive(Clone, Debug)]
pub struct HostProgram {
    /// The plan.
    pub plan: Plan,
    /// The kernels, in the plan's order.
    pub kernels: Vec<Kernel>,
    /// The weights, in the plan's order.
    pub weights: Vec<PackedWeight>,
}

/// Plans the pieces of a module for a CPU. `module` declares the symbols and the interface.
pub fn plan(
    module: &venc::Module,
    pieces: &[PieceProgram],
    target: impl Into<Target>,
) -> Result<HostProgram, PassError> {
    plan_with(module, pieces, target, PlanOptions { assign_buffers, offers: None })
}

/// How pieces are planned.
#[derive(Clone, Copy)]
pub struct PlanOptions<'a> {
    /// How intermediates share buffers.
    pub assign_buffers: AssignBuffers,
    /// What offers other schedules of launches; `None` for those that were chosen alone.
    pub offers: Option<&'a ScheduleOffers<'a>>,
}

/// The same, as the options say.
pub fn plan_with(
    module: &venc::Module,
    pieces: &[PieceProgram],
    target: impl Into<Target>,
    options: PlanOptions,
) -> Result<HostProgram, PassError> {
    let mut planner = Planner {
        symbols: SymbolTable::new(&module.symbols),
        target: target.into(),
        options,
        kernels: IndexSet::new(),
        weights: IndexSet::new(),
        programs: IndexSet::new(),
    };
    let inputs = planner.inputs(module)?;
    let outputs = planner.outputs(module)?;
    let pieces = pieces.iter().map(|piece| planner.piece(piece)).collect::<Result<Vec<_>, _>>()?;
    let kernels = symbols(&planner.kernels)
        .into_iter()
        .map(|(kernel, symbol)| KernelEntry { symbol, family: kernel.family() });
    let weights = planner
        .weights
        .iter()
        .map(|weight| Ok(WeightEntry { name: weight.name(), bytes: weight.bytes()? }))
        .collect::<Result<_, PassError>>()?;
    let plan = Plan {
        symbols: planner.symbols.entries()?,
        inputs,
        outputs,
        weights,
        kernels: kernels.collect(),
        programs: planner.programs.into_iter().collect(),
        pieces,
    };
    Ok(HostProgram {
        plan,
        kernels: planner.kernels.into_iter().collect(),
        weights: planner.weights.into_iter().collect(),
    })
}

/// The symbols by position, as the plan's expressions name them; behind them what pieces are told apart by and is no
/// symbol of the module: `images*tokens`.
struct SymbolTable<'a> {
    symbols: &'a Symbols,
    positions: IndexMap<Symbol, usize>,
    others: IndexSet<Dim>,
}

impl<'a> SymbolTable<'a> {
    fn new(symbols: &'a Symbols) -> Self {
        let positions =
            symbols.iter().enumerate().map(|(position, (s, _))| (s.clone(), position)).collect();
        SymbolTable { symbols, positions, others: IndexSet::new() }
    }

    fn entries(&self) -> Result<Vec<SymbolEntry>, PassError> {
        let others = self.others.iter().map(|dim| {
            let source = SymbolSource::Defined(self.expression(dim)?);
            Ok(SymbolEntry { name: dim.to_string(), source })
        });
        self.symbols
            .iter()
            .map(|(symbol, definition)| {
                let source = match definition {
                    Definition::Free(SymbolRange { min, max, step }) => {
                        SymbolSource::Free { min: *min, max: *max, step: *step }
                    }
                    Definition::FloorDiv { numerator, divisor } => SymbolSource::Defined(
                        Expression::FloorDiv(Box::new(self.expression(numerator)?), *divisor),
                    ),
                };
                Ok(SymbolEntry { name: symbol.to_string(), source })
            })
            .chain(others)
            .collect()
    }

    /// The position of a dimension, with one of its own where it is no symbol.
    fn position_of(&mut self, dim: &Dim) -> Result<usize, PassError> {
        match dim.as_symbol() {
            Some(symbol) => self.position(symbol),
            None => Ok(self.positions.len() + self.others.insert_full(dim.clone()).0),
        }
    }

    fn position(&self, symbol: &Symbol) -> Result<usize, PassError> {
        let position = self.positions.get(symbol).copied();
        position.ok_or_else(|| PassError::UndeclaredSymbol(symbol.to_string()))
    }

    fn expression(&self, dim: &Dim) -> Result<Expression, PassError> {
        let mut terms = dim
            .terms()
            .map(|(coefficient, symbols)| {
                let mut factors = symbols
                    .iter()
                    .map(|symbol| self.position(symbol).map(Expression::Symbol))
                    .collect::<Result<Vec<_>, _>>()?;
                if coefficient != 1 || factors.is_empty() {
                    factors.push(Expression::Constant(coefficient));
                }
                Ok(single_or(factors, Expression::Product))
            })
            .collect::<Result<Vec<_>, PassError>>()?;
        if terms.is_empty() {
            terms.push(Expression::Constant(0));
        }
        Ok(single_or(terms, Expression::Sum))
    }
}

/// The one expression there is, or all of them wrapped.
fn single_or(
    mut expressions: Vec<Expression>,
    wrap: fn(Vec<Expression>) -> Expression,
) -> Expression {
    match expressions.len() {
        1 => expressions.remove(0),
        _ => wrap(expressions),
    }
}

struct Planner<'a> {
    symbols: SymbolTable<'a>,
    target: Target,
    options: PlanOptions<'a>,
    kernels: IndexSet<Kernel>,
    weights: IndexSet<PackedWeight>,
    programs: IndexSet<Program>,
}

impl Planner<'_> {
    fn inputs(&self, module: &venc::Module) -> Result<Vec<Port>, PassError> {
        let entry = entry_of(module)?;
        let bounds = module.index_bounds()?;
        entry
            .arguments
            .iter()
            .enumerate()
            .map(|(position, argument)| {
                if argument.role == venc::Role::Weight {
                    let (function, weight) = (entry.name.clone(), argument.name.clone());
                    return Err(PassError::WeightArgument { function, weight });
                }
                for dim in &argument.ty.shape {
                    let symbol = dim.symbols().next();
                    let plain = dim.as_constant().is_some()
                        || symbol.is_some_and(|symbol| *dim == Dim::symbol(symbol));
                    if !plain {
                        let input = argument.name.clone();
                        return Err(PassError::InputDim { input, dim: dim.to_string() });
                    }
                }
                let mut port = self.port(&argument.name, &argument.ty.shape)?;
                if let Some(IndexBounds { below, permutation }) = bounds.get(&position) {
                    let (below, permutation) = (self.expressions(below)?, *permutation);
                    port.values = PortValues::Indices { below, permutation };
                }
                Ok(port)
            })
            .collect()
    }

    fn outputs(&self, module: &venc::Module) -> Result<Vec<Port>, PassError> {
        let entry = entry_of(module)?;
        let port = |(name, id): &(String, ValueId)| self.port(name, &entry.type_of(*id).shape);
        entry.results.iter().map(port).collect()
    }

    fn port(&self, name: &str, shape: &[Dim]) -> Result<Port, PassError> {
        let shape = self.expressions(shape)?;
        Ok(Port { name: name.to_string(), shape, values: PortValues::Numbers })
    }

    fn expressions(&self, dims: &[Dim]) -> Result<Vec<Expression>, PassError> {
        dims.iter().map(|dim| self.symbols.expression(dim)).collect()
    }

    fn piece(&mut self, piece: &PieceProgram) -> Result<Piece, PassError> {
        let mut function = inline_calls(&piece.module)?;
        let outputs = materialize_results(&mut function);
        let buffers = (self.options.assign_buffers)(&function, &outputs)?;
        let memory = Memory { function: &function, outputs: &outputs, buffers: &buffers };
        let launches = function
            .steps
            .iter()
            .map(|step| self.launch(&memory, step))
            .collect::<Result<_, _>>()?;
        let ranges = piece.region.ranges().iter().map(|(dim, range)| {
            let symbol = self.symbols.position_of(dim)?;
            Ok(PieceRange { symbol, min: range.min, max: range.max })
        });
        let ranges = ranges.collect::<Result<_, PassError>>()?;
        let program = Program { buffers: self.expressions(&buffers.sizes)?, launches };
        let (program, _) = self.programs.insert_full(program);
        Ok(Piece { ranges, program })
    }

    fn launch(&mut self, memory: &Memory, step: &Step) -> Result<Launch, PassError> {
        let function = memory.function;
        let Step::Launch { op, operands, result, label } = step else {
            return Err(PassError::UnknownFunction(format!("{step:?}")));
        };
        let accesses =
            operands.iter().map(|id| Access::of(function, *id)).collect::<Result<Vec<_>, _>>()?;
        let layouts: Vec<Layout> = accesses.iter().map(|access| access.layout.clone()).collect();
        let result_layout = Layout::contiguous(&function.value(*result).ty);
        let lowered = launch(op, &layouts, &result_layout, self.target)?;
        let arguments = lowered
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Operand(position) => {
                    let packed = lowered.packed.iter().find(|(packed, _)| packed == position);
                    self.address(memory, &accesses[*position], packed.map(|(_, how)| *how))
                }
                Argument::Result => {
                    let place = memory.place_of(*result)?;
                    Ok(LaunchArgument::Address { place, offset: Expression::Constant(0) })
                }
                Argument::Integer(dim) => {
                    Ok(LaunchArgument::Integer(self.symbols.expression(dim)?))
                }
            })
            .collect::<Result<_, PassError>>()?;
        let alternatives = match self.options.offers {
            None => vec![],
            Some(offers) => offers.of(op, &layouts, &result_layout.ty, self.target),
        };
        let alternatives = alternatives
            .iter()
            .map(|op| Ok(launch(op, &layouts, &result_layout, self.target)?))
            .collect::<Result<Vec<_>, PassError>>()?;
        // A call gives all of them the same arguments.
        let alternatives = alternatives.into_iter().filter(|other| {
            (&other.arguments, &other.packed) == (&lowered.arguments, &lowered.packed)
        });
        let alternatives: Vec<_> = alternatives.collect();
        Ok(Launch {
            schedule: self.schedule(lowered)?,
            alternatives: alternatives
                .into_iter()
                .map(|other| self.schedule(other))
                .collect::<Result<_, _>>()?,
            arguments,
            result: label.as_ref().map(|label| self.labeled(label, memory, *result)).transpose()?,
        })
    }

    fn schedule(
        &mut self,
        lowered: ocellus_kernels::Launch<Kernel>,
    ) -> Result<Schedule, PassError> {
        let (kernel, _) = self.kernels.insert_full(lowered.kernel);
        let tiles = lowered
            .tiles
            .0
            .iter()
            .map(|(extent, step)| {
                let extent = self.symbols.expression(extent)?;
                Ok(if *step == 1 { extent } else { Expression::CeilDiv(Box::new(extent), *step) })
            })
            .collect::<Result<Vec<_>, PassError>>()?;
        // Of products in a product, the factors are those of one, as a text has them.
        let factors = tiles.into_iter().flat_map(|tiles| match tiles {
            Expression::Product(factors) => factors,
            other => vec![other],
        });
        Ok(Schedule {
            kernel,
            tiles: single_or(factors.collect(), Expression::Product),
            scratch_bytes: self.symbols.expression(&lowered.scratch_bytes)?,
        })
    }

    fn address(
        &mut self,
        memory: &Memory,
        access: &Access,
        packing: Option<WeightPacking>,
    ) -> Result<LaunchArgument, PassError> {
        let element = access.layout.ty.element;
        let offset = access.offset.clone() * Dim::from(element.bytes());
        let offset = self.symbols.expression(&offset)?;
        let place = if memory.function.is_offline(access.base) {
            let recipe = WeightRecipe::of(memory.function, access.base)?;
            let weight = PackedWeight { recipe, packing };
            let (position, _) = self.weights.insert_full(weight);
            Place::Weight(position)
        } else {
            memory.place_of(access.base)?
        };
        Ok(LaunchArgument::Address { place, offset })
    }

    fn labeled(
        &self,
        label: &str,
        memory: &Memory,
        id: ValueId,
    ) -> Result<LabeledResult, PassError> {
        let ty = &memory.function.value(id).ty;
        Ok(LabeledResult {
            label: label.to_string(),
            place: memory.place_of(id)?,
            element: ty.element,
            shape: self.expressions(&ty.shape)?,
        })
    }
}

/// Where the values of a flat function lie.
struct Memory<'a> {
    function: &'a Function,
    outputs: &'a [ValueId],
    buffers: &'a BufferAssignment,
}

impl Memory<'_> {
    fn place_of(&self, id: ValueId) -> Result<Place, PassError> {
        if let Some(output) = self.outputs.iter().position(|output| *output == id) {
            return Ok(Place::Output(output));
        }
        match (&self.function.value(id).kind, self.buffers.buffers.get(&id)) {
            (ValueKind::Argument(position), _) => Ok(Place::Input(*position)),
            (_, Some(buffer)) => Ok(Place::Buffer(*buffer)),
            _ => {
                let function = self.function.name.clone();
                Err(PassError::Undefined { function, value: id.0 })
            }
        }
    }
}

/// Makes each result of the function a value of its own that a launch writes in f32: the caller's memory. A result that
/// is a view, a weight, an input, or another result too is copied into one.
fn materialize_results(function: &mut Function) -> Vec<ValueId> {
    let mut outputs: Vec<ValueId> = vec![];
    for position in 0..function.results.len() {
        let id = function.results[position].1;
        let value = function.value(id);
        let made_here = matches!(value.kind, ValueKind::Step(_));
        let id = if made_here && value.ty.element == ElementType::F32 && !outputs.contains(&id) {
            id
        } else {
            copy(function, id)
        };
        function.results[position].1 = id;
        outputs.push(id);
    }
    outputs
}

fn copy(function: &mut Function, id: ValueId) -> ValueId {
    let mut ty = function.value(id).ty.clone();
    ty.element = ElementType::F32;
    let result = ValueId(function.values.len() as u32);
    function.values.push(Value { kind: ValueKind::Step(function.steps.len()), ty });
    let op = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![], to: ElementType::F32 };
    function.steps.push(Step::Launch { op, operands: vec![id], result, label: None });
    result
}

fn entry_of(module: &venc::Module) -> Result<&venc::Function, PassError> {
    module.entry_function().ok_or_else(|| PassError::UnknownFunction(module.entry.clone()))
}
