//! What happens to an element before the kernel stores it.

use super::{ArgumentReader, BoundRows, RowEpilogue};
use crate::mlir::{Builder, Value};
use crate::vector;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Combine;
use ocellus_dialects::venc::Activation;

/// An epilogue at run time: what happens to an element, and, where there is a gate, to the product behind it.
#[derive(Clone, Debug)]
pub struct BoundEpilogue {
    steps: Vec<Step>,
    gate: Option<(Activation, Vec<Step>)>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    CombineColumns(Combine, ElementType, Value),
    CombineRows(Combine, BoundRows),
    CombineNumber(Combine, BoundRows),
    Activate(Activation),
    Scale(f64),
}

/// An epilogue at one row: the addresses that do not depend on the column are known.
#[derive(Clone, Debug)]
pub struct EpilogueRow {
    steps: Vec<RowStep>,
    gate: Option<(Activation, Vec<RowStep>)>,
}

#[derive(Clone, Copy, Debug)]
enum RowStep {
    Combine(Combine, ElementType, Value),
    CombineNumber(Combine, Value),
    Activate(Activation),
    Scale(f64),
}

impl BoundEpilogue {
    /// The epilogue with its operands, read from the argument block.
    pub fn read(chain: &[RowEpilogue], b: &mut Builder, arguments: &mut ArgumentReader) -> Self {
        let mut bound = BoundEpilogue { steps: vec![], gate: None };
        for op in chain {
            let step = match op {
                RowEpilogue::CombineColumns(combine, element) => {
                    Step::CombineColumns(*combine, *element, arguments.pointer(b))
                }
                RowEpilogue::CombineRows(combine, operand) => {
                    Step::CombineRows(*combine, operand.read(b, arguments))
                }
                RowEpilogue::CombineNumber(combine, operand) => {
                    Step::CombineNumber(*combine, operand.read(b, arguments))
                }
                RowEpilogue::Activate(activation) => Step::Activate(*activation),
                RowEpilogue::Scale(factor) => Step::Scale(factor.get()),
                RowEpilogue::Gate(activation) => {
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
        let mut step = |step: &Step| match step {
            Step::CombineColumns(combine, element, base) => {
                RowStep::Combine(*combine, *element, *base)
            }
            Step::CombineRows(combine, rows) => {
                RowStep::Combine(*combine, rows.element, rows.row(b, row))
            }
            Step::CombineNumber(combine, rows) => {
                let pointer = rows.row(b, row);
                RowStep::CombineNumber(*combine, vector::load(b, rows.element, pointer, 1))
            }
            Step::Activate(activation) => RowStep::Activate(*activation),
            Step::Scale(factor) => RowStep::Scale(*factor),
        };
        let steps = self.steps.iter().map(&mut step).collect();
        let gate = self
            .gate
            .as_ref()
            .map(|(activation, behind)| (*activation, behind.iter().map(&mut step).collect()));
        EpilogueRow { steps, gate }
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

fn apply(steps: &[RowStep], b: &mut Builder, column: Value, elements: Value) -> Value {
    let mut value = elements;
    for step in steps {
        value = match step {
            RowStep::Combine(combine, element, base) => {
                let pointer = vector::element_pointer(b, *base, *element, column);
                let other = vector::load(b, *element, pointer, value.lanes());
                combined(b, *combine, value, other)
            }
            RowStep::CombineNumber(combine, number) => {
                let other = b.broadcast(*number, value.lanes());
                combined(b, *combine, value, other)
            }
            RowStep::Activate(activation) => vector::activate(b, *activation, value),
            RowStep::Scale(factor) => {
                let factor = b.splat(*factor, value.ty());
                b.mul(value, factor)
            }
        };
    }
    value
}
