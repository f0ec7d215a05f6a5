//! What happens to an element before the kernel stores it.

use super::RowEpilogue;
use crate::arguments::Placed;
use crate::mlir::{Builder, Value};
use crate::rows::BoundRows;
use crate::rows::strided::BoundColumns;
use crate::vector;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Combine;
use ocellus_dialects::venc::{Activation, Elementwise};

/// An epilogue at run time: what happens to an element, and, where there is a gate, to the product behind it.
#[derive(Clone, Debug)]
pub struct BoundEpilogue {
    steps: Vec<Step<StepOperand>>,
    gate: Option<(Activation, Vec<Step<StepOperand>>)>,
}

/// A step, with what it reads.
#[derive(Clone, Copy, Debug)]
enum Step<Operand> {
    Combine(Combine, Operand),
    Elementwise(Elementwise),
}

/// What a step reads.
#[derive(Clone, Copy, Debug)]
enum StepOperand {
    /// A number a column.
    Columns(BoundColumns),
    /// A row of another operand.
    Rows(BoundRows),
    /// One number a row.
    Number(BoundRows),
}

/// The same at one row.
#[derive(Clone, Copy, Debug)]
enum RowStepOperand {
    /// Elements from that address on.
    Row(ElementType, Value),
    /// A number.
    Number(Value),
}

/// An epilogue at one row: the addresses that do not depend on the column are known.
#[derive(Clone, Debug)]
pub struct EpilogueRow {
    steps: Vec<Step<RowStepOperand>>,
    gate: Option<(Activation, Vec<Step<RowStepOperand>>)>,
}

impl BoundEpilogue {
    /// The epilogue, of whose operands the argument block is given.
    pub(crate) fn load(b: &mut Builder, block: Value, chain: &[RowEpilogue<Placed>]) -> Self {
        let mut bound = BoundEpilogue { steps: vec![], gate: None };
        for op in chain {
            let step = match op {
                RowEpilogue::CombineColumns { combine, with } => Step::Combine(
                    *combine,
                    StepOperand::Columns(BoundColumns::load(b, block, with)),
                ),
                RowEpilogue::CombineRows { combine, with } => {
                    Step::Combine(*combine, StepOperand::Rows(BoundRows::load(b, block, with)))
                }
                RowEpilogue::CombineNumber { combine, with } => {
                    Step::Combine(*combine, StepOperand::Number(BoundRows::load(b, block, with)))
                }
                RowEpilogue::Elementwise { function } => Step::Elementwise(*function),
                RowEpilogue::Gate { activation } => {
                    bound.gate = Some((*activation, vec![]));
                    continue;
                }
            };
            match &mut bound.gate {
                None => bound.steps.push(step),
                Some((_, behind)) => behind.push(step),
            }
        }
        bound
    }

    /// The epilogue of one row.
    pub fn row(&self, b: &mut Builder, row: Value) -> EpilogueRow {
        let mut step = |step: &Step<StepOperand>| match step {
            Step::Combine(combine, operand) => Step::Combine(*combine, operand.at(b, row)),
            Step::Elementwise(function) => Step::Elementwise(*function),
        };
        let steps = self.steps.iter().map(&mut step).collect();
        let gate = self
            .gate
            .as_ref()
            .map(|(activation, behind)| (*activation, behind.iter().map(&mut step).collect()));
        EpilogueRow { steps, gate }
    }
}

impl StepOperand {
    fn at(&self, b: &mut Builder, row: Value) -> RowStepOperand {
        match self {
            StepOperand::Columns(columns) => RowStepOperand::Row(columns.element, columns.start),
            StepOperand::Rows(rows) => RowStepOperand::Row(rows.element, rows.row(b, row)),
            StepOperand::Number(rows) => {
                let pointer = rows.row(b, row);
                RowStepOperand::Number(vector::load(b, rows.element, pointer, 1))
            }
        }
    }
}

impl EpilogueRow {
    /// What becomes of the elements from `column` on, where there is no gate.
    pub fn apply(&self, b: &mut Builder, column: Value, elements: Value) -> Value {
        apply(&self.steps, b, column, elements)
    }

    /// What becomes of the elements from column `left` on of the left half, and from column `right` on of the right one.
    pub fn apply_gate(
        &self,
        b: &mut Builder,
        (left, right): (Value, Value),
        (gate, up): (Value, Value),
    ) -> Value {
        let gate = apply(&self.steps, b, left, gate);
        let up = apply(&self.steps, b, right, up);
        match &self.gate {
            None => gate,
            Some((activation, behind)) => {
                let gate = vector::activate(b, *activation, gate);
                let product = b.mul(gate, up);
                apply(behind, b, left, product)
            }
        }
    }
}

fn combined(b: &mut Builder, combine: Combine, value: Value, other: Value) -> Value {
    match combine {
        Combine::Add => b.add(value, other),
        Combine::Multiply => b.mul(value, other),
    }
}

fn apply(steps: &[Step<RowStepOperand>], b: &mut Builder, column: Value, elements: Value) -> Value {
    let mut value = elements;
    for step in steps {
        value = match step {
            Step::Combine(combine, RowStepOperand::Row(element, base)) => {
                let pointer = vector::element_pointer(b, *base, *element, column);
                let other = vector::load(b, *element, pointer, value.lanes());
                combined(b, *combine, value, other)
            }
            Step::Combine(combine, RowStepOperand::Number(number)) => {
                let other = b.broadcast(*number, value.lanes());
                combined(b, *combine, value, other)
            }
            Step::Elementwise(function) => vector::elementwise(b, *function, value),
        };
    }
    value
}
