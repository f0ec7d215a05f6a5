//! [`CompiledProgram`]: a program whose expressions are evaluated once a size, however often they stand in the plan.

use super::RunError;
use ocellus_dialects::plan::{EvaluationError, Expression, LaunchArgument, Place, Plan, Program};
use std::collections::HashMap;

/// The position of an expression in [`CompiledProgram::expressions`].
pub type ExpressionId = usize;

/// A program with its expressions numbered; equal ones have one number.
pub struct CompiledProgram {
    pub expressions: Vec<Expression>,
    pub buffers: Vec<ExpressionId>,
    pub outputs: Vec<Vec<ExpressionId>>,
    pub launches: Vec<CompiledLaunch>,
}

/// A launch with its expressions numbered.
pub struct CompiledLaunch {
    pub kernel: usize,
    pub arguments: Vec<CompiledArgument>,
    pub tiles: ExpressionId,
    pub scratch_bytes: ExpressionId,
    pub result_shape: Vec<ExpressionId>,
}

/// A word of the argument block.
pub enum CompiledArgument {
    Address { place: Place, offset: ExpressionId },
    Integer(ExpressionId),
}

impl CompiledProgram {
    /// Numbers the expressions of a program, and of the plan's outputs. Of each launch, the schedule of that number is
    /// taken; the compiler's where there is none.
    pub fn new(plan: &Plan, program: &Program, schedules: &[usize]) -> Self {
        let mut numbers = Numbers::default();
        let schedules = schedules.iter().copied().chain(std::iter::repeat(0));
        let scheduled = program.launches.iter().zip(schedules);
        let scheduled =
            scheduled.map(|(launch, number)| (launch, launch.schedule_or_default(number)));
        let launches = scheduled.map(|(launch, schedule)| CompiledLaunch {
            kernel: schedule.kernel,
            arguments: launch
                .arguments
                .iter()
                .map(|argument| match argument {
                    LaunchArgument::Address { place, offset } => {
                        CompiledArgument::Address { place: *place, offset: numbers.number(offset) }
                    }
                    LaunchArgument::Integer(value) => {
                        CompiledArgument::Integer(numbers.number(value))
                    }
                })
                .collect(),
            tiles: numbers.number(&schedule.tiles),
            scratch_bytes: numbers.number(&schedule.scratch_bytes),
            result_shape: match &launch.result {
                Some(result) => numbers.number_all(&result.shape),
                None => Vec::new(),
            },
        });
        let launches = launches.collect();
        CompiledProgram {
            launches,
            buffers: numbers.number_all(&program.buffers),
            outputs: plan.outputs.iter().map(|port| numbers.number_all(&port.shape)).collect(),
            expressions: numbers.expressions,
        }
    }

    /// The values of all expressions where the symbols have those, or the first expression without one.
    pub fn evaluate(&self, symbols: &[i64]) -> Result<Values, (&Expression, EvaluationError)> {
        let values = self.expressions.iter();
        let values = values.map(|each| each.evaluate(symbols).map_err(|source| (each, source)));
        values.collect::<Result<_, _>>().map(Values)
    }
}

/// The values of a program's expressions.
pub struct Values(Vec<i64>);

impl Values {
    /// The value of one.
    pub fn of(&self, id: ExpressionId) -> i64 {
        self.0[id]
    }

    /// The value of one that counts something: `what`, which is asked where it is out of bounds.
    pub fn size(&self, what: impl Fn() -> String, id: ExpressionId) -> Result<usize, RunError> {
        let value = self.of(id);
        usize::try_from(value).map_err(|_| RunError::Size { what: what(), value: value.into() })
    }

    /// The values of some that are dimensions of `what`.
    pub fn shape(
        &self,
        what: impl Fn() -> String,
        ids: &[ExpressionId],
    ) -> Result<Vec<usize>, RunError> {
        ids.iter().map(|id| self.size(&what, *id)).collect()
    }
}

#[derive(Default)]
struct Numbers {
    expressions: Vec<Expression>,
    known: HashMap<Expression, ExpressionId>,
}

impl Numbers {
    fn number(&mut self, expression: &Expression) -> ExpressionId {
        if let Some(known) = self.known.get(expression) {
            return *known;
        }
        let number = self.expressions.len();
        self.expressions.push(expression.clone());
        self.known.insert(expression.clone(), number);
        number
    }

    fn number_all(&mut self, expressions: &[Expression]) -> Vec<ExpressionId> {
        expressions.iter().map(|expression| self.number(expression)).collect()
    }
}
