//! [`CompiledProgram`]: a program whose expressions are evaluated once a size, however often they stand in the plan.

use crate::plan::{Expression, LaunchArgument, Place, Plan, Program};
use std::collections::HashMap;

/// The position of an expression in [`CompiledProgram::expressions`].
pub type ExpressionId = usize;

/// A program with its expressions numbered; equal ones have one number.
pub struct CompiledProgram {
    pub expressions: Vec<Expression>,
    pub slots: Vec<ExpressionId>,
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
    /// Numbers the expressions of a program, and of the plan's outputs.
    pub fn new(plan: &Plan, program: &Program) -> Self {
        let mut numbers = Numbers::default();
        let launches = program.launches.iter().map(|launch| CompiledLaunch {
            kernel: launch.kernel,
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
            tiles: numbers.number(&launch.tiles),
            scratch_bytes: numbers.number(&launch.scratch_bytes),
            result_shape: match &launch.result {
                Some(result) => numbers.number_all(&result.shape),
                None => Vec::new(),
            },
        });
        let launches = launches.collect();
        CompiledProgram {
            launches,
            slots: numbers.number_all(&program.slots),
            outputs: plan.outputs.iter().map(|port| numbers.number_all(&port.shape)).collect(),
            expressions: numbers.expressions,
        }
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
