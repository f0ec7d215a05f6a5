//! What happens to an element before the kernel stores it.

use super::{ArgumentReader, BoundRows, RowEpilogue};
use crate::mlir::{Builder, Value};
use crate::vector;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Combine;
use ocellus_dialects::venc::Activation;

/// An epilogue at run time.
#[derive(Clone, Debug)]
pub struct BoundEpilogue(Vec<Step>);

#[derive(Clone, Copy, Debug)]
enum Step {
    CombineColumns(Combine, ElementType, Value),
    CombineRows(Combine, BoundRows),
    Activate(Activation),
    Scale(f64),
}

/// An epilogue at one row: the addresses that do not depend on the column are known.
#[derive(Clone, Debug)]
pub struct EpilogueRow(Vec<RowStep>);

#[derive(Clone, Copy, Debug)]
enum RowStep {
    Combine(Combine, ElementType, Value),
    Activate(Activation),
    Scale(f64),
}

impl BoundEpilogue {
    /// The epilogue with its operands, read from the argument block.
    pub fn read(chain: &[RowEpilogue], b: &mut Builder, arguments: &mut ArgumentReader) -> Self {
        let mut step = |op: &RowEpilogue| match op {
            RowEpilogue::CombineColumns(combine, element) => {
                Step::CombineColumns(*combine, *element, arguments.pointer(b))
            }
            RowEpilogue::CombineRows(combine, operand) => {
                Step::CombineRows(*combine, operand.read(b, arguments))
            }
            RowEpilogue::Activate(activation) => Step::Activate(*activation),
            RowEpilogue::Scale(factor) => Step::Scale(factor.get()),
        };
        BoundEpilogue(chain.iter().map(&mut step).collect())
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
            Step::Activate(activation) => RowStep::Activate(*activation),
            Step::Scale(factor) => RowStep::Scale(*factor),
        };
        EpilogueRow(self.0.iter().map(&mut step).collect())
    }
}

impl EpilogueRow {
    /// What becomes of the elements from `column` on.
    pub fn apply(&self, b: &mut Builder, column: Value, elements: Value) -> Value {
        let mut value = elements;
        for step in &self.0 {
            value = match step {
                RowStep::Combine(combine, element, base) => {
                    let pointer = vector::element_pointer(b, *base, *element, column);
                    let other = vector::load(b, *element, pointer, value.lanes());
                    match combine {
                        Combine::Add => b.add(value, other),
                        Combine::Multiply => b.mul(value, other),
                    }
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
}
