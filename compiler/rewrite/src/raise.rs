//! A `kernel` module written back as the `venc` module that it means.
//!
//! The reference interpreter runs the result, so that what was chosen can be held against what was asked for without a
//! line of generated code: a wrong answer is then the rewriter's, or else the code generator's.

use super::error::RewriteError;
use super::language::Leaf;
use super::meaning::{Algebra, EpilogueStep, apply_step, attention};
use super::report::callees_first;
use ocellus_dialects::kernel::{
    EpilogueOp, Function, KernelOp, Mask, Module, Prologue, Step, ValueKind,
};
use ocellus_dialects::venc::{
    self, Call, Cast, FunctionBuilder, Linear, LinearSlices, Matmul, Op, Rope, Source, ValueId,
};
use ocellus_dialects::{ElementType, TensorType};

/// The `venc` module that says what `module` computes.
pub fn raise(module: &Module) -> Result<venc::Module, RewriteError> {
    let mut read = venc::Module {
        symbols: module.symbols.clone(),
        functions: vec![],
        entry: module.entry.clone(),
    };
    for function in callees_first(module)? {
        let read_function = read_function(function, &read)
            .map_err(|reason| RewriteError::Internal { function: function.name.clone(), reason })?;
        read.functions.push(read_function);
    }
    Ok(read)
}

fn read_function(function: &Function, callees: &venc::Module) -> Result<venc::Function, String> {
    let mut raiser = Raiser { builder: FunctionBuilder::new(&function.name), callees };
    let mut arguments = vec![];
    for argument in &function.arguments {
        let ty = function.value(argument.value).ty.clone();
        arguments.push(raiser.builder.argument(&argument.name, ty, argument.role));
    }
    let mut values: Vec<ValueId> = vec![];
    for value in &function.values {
        let of = |id: &ValueId| {
            values.get(id.index()).copied().ok_or("a value is used before it is made")
        };
        let all = |ids: &[ValueId]| ids.iter().map(of).collect::<Result<Vec<_>, _>>();
        let read = match &value.kind {
            ValueKind::Argument(position) => *arguments.get(*position).ok_or("no such argument")?,
            ValueKind::Weight(name) => raiser.builder.weight(name, value.ty.clone()),
            ValueKind::Offline(op, operands) => raiser.apply(op.clone(), &all(operands)?)?,
            ValueKind::View(view, base) => raiser.apply(view.clone(), &[of(base)?])?,
            ValueKind::Step(step) => match function.steps.get(*step).ok_or("no such step")? {
                Step::Call { callee, operands, .. } => {
                    let op = Op::Call(Call { callee: callee.clone() });
                    raiser.apply(op, &all(operands)?)?
                }
                Step::Launch { op, operands, label, .. } => {
                    let read = launch(&mut raiser, op, &all(operands)?, value.ty.element)?;
                    if let Some(label) = label {
                        raiser.builder.label(read, label);
                    }
                    read
                }
            },
        };
        if *raiser.builder.type_of(read) != value.ty {
            let found = raiser.builder.type_of(read);
            return Err(format!("a value declared as {} is {found}", value.ty));
        }
        values.push(read);
    }
    for (name, result) in &function.results {
        raiser.builder.result(name, *values.get(result.index()).ok_or("no such result")?);
    }
    Ok(raiser.builder.finish())
}

/// Values of the `venc` function as an algebra: to apply an operation is to write it down.
struct Raiser<'a> {
    builder: FunctionBuilder,
    callees: &'a venc::Module,
}

impl Algebra for Raiser<'_> {
    type Tensor = ValueId;

    fn leaf(&mut self, leaf: Leaf) -> Result<ValueId, String> {
        Err(format!("{leaf} is no value of a kernel function"))
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[ValueId]) -> Result<ValueId, String> {
        let op = op.into();
        let pushed = match op.source() {
            Source::Function(callee) => self.builder.call(self.callees, callee, operands),
            Source::Checkpoint(_) | Source::Operands => self.builder.push(op, operands),
        };
        pushed.map_err(|error| error.to_string())
    }

    fn type_of(&self, tensor: &ValueId) -> TensorType {
        self.builder.type_of(*tensor).clone()
    }
}

/// What a launch computes: the operations that [`KernelOp`] is defined by.
fn launch<A: Algebra>(
    algebra: &mut A,
    op: &KernelOp,
    operands: &[A::Tensor],
    to: ElementType,
) -> Result<A::Tensor, String> {
    let mut rest = operands.iter().cloned();
    let missing = "an operand is missing";
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => {
            let rows = prepare(algebra, *prologue, &mut rest)?;
            let weight = rest.next().ok_or(missing)?;
            let product = algebra.apply(Linear, &[rows, weight])?;
            let result = finish(algebra, product, epilogue, &mut rest)?;
            store(algebra, result, to)
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            let rows = prepare(algebra, *prologue, &mut rest)?;
            let first = rest.next().ok_or(missing)?;
            let product = algebra.apply(Linear, &[rows, first])?;
            let between_rows = finish(algebra, product, &between.epilogue, &mut rest)?;
            let between_rows = store(algebra, between_rows, between.element)?;
            let second = rest.next().ok_or(missing)?;
            let product = algebra.apply(Linear, &[between_rows, second])?;
            let result = finish(algebra, product, epilogue, &mut rest)?;
            store(algebra, result, to)
        }
        KernelOp::RowWise { prologue, epilogue, .. } => {
            let rows = prepare(algebra, *prologue, &mut rest)?;
            let result = finish(algebra, rows, epilogue, &mut rest)?;
            store(algebra, result, to)
        }
        KernelOp::PartialGemm { slices, .. } => {
            algebra.apply(LinearSlices { slices: *slices }, operands)
        }
        KernelOp::BatchedGemm { transpose_rhs } => {
            algebra.apply(Matmul { transpose_rhs: *transpose_rhs }, operands)
        }
        KernelOp::Attention { heads, scale, rotary, mask, .. } => {
            let mut next = || rest.next().ok_or(missing);
            let [mut q, mut k, v] = [next()?, next()?, next()?];
            if *rotary {
                let [cos, sin] = [next()?, next()?];
                let rope = Op::Rope(Rope { heads: *heads });
                q = algebra.apply(rope.clone(), &[q, cos.clone(), sin.clone()])?;
                k = algebra.apply(rope, &[k, cos, sin])?;
            }
            let segments = match mask {
                Mask::Full => None,
                Mask::Segments => Some(next()?),
            };
            attention(algebra, [q, k, v], (*heads, *scale), segments)
        }
        KernelOp::Move(op) => algebra.apply(op.clone(), operands),
    }
}

fn prepare<A: Algebra>(
    algebra: &mut A,
    prologue: Prologue,
    rest: &mut impl Iterator<Item = A::Tensor>,
) -> Result<A::Tensor, String> {
    let operands: Vec<A::Tensor> = rest.take(1 + prologue.operands()).collect();
    let x = operands.first().ok_or("no rows")?;
    match prologue.operation(&algebra.type_of(x)) {
        Some(op) => algebra.apply(op, &operands),
        None => Ok(x.clone()),
    }
}

fn finish<A: Algebra>(
    algebra: &mut A,
    result: A::Tensor,
    epilogue: &[EpilogueOp],
    rest: &mut impl Iterator<Item = A::Tensor>,
) -> Result<A::Tensor, String> {
    epilogue.iter().try_fold(result, |result, op| {
        let step = match op {
            EpilogueOp::Combine(combine, broadcast) => {
                let operand = rest.next().ok_or("an operand of an epilogue is missing")?;
                EpilogueStep::Combine(*combine, *broadcast, operand)
            }
            EpilogueOp::Elementwise(function) => EpilogueStep::Elementwise(*function),
            EpilogueOp::Gate(activation) => EpilogueStep::Gate(*activation),
            EpilogueOp::AfterTokens => EpilogueStep::AfterTokens(
                rest.next().ok_or("an operand of an epilogue is missing")?,
            ),
        };
        apply_step(algebra, result, step)
    })
}

fn store<A: Algebra>(
    algebra: &mut A,
    result: A::Tensor,
    to: ElementType,
) -> Result<A::Tensor, String> {
    match algebra.type_of(&result).element == to {
        true => Ok(result),
        false => algebra.apply(Cast { to }, &[result]),
    }
}
