//! What happens to an element before the kernel stores it: [`RowEpilogue`], with its operands. Its shape is what code
//! depends on.

mod bound;

pub use bound::{BoundEpilogue, EpilogueRow};

use super::{ColumnOperand, RowOperand, RowOrder};
use crate::arguments::{Given, Placed, Positive, Stage, Words, argument_block};
use crate::launch::operand;
use crate::{Layout, Reason};
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Activation, Elementwise};
use ocellus_runtime::signature::Amount;
use std::borrow::Cow;

argument_block! {
    /// An [`EpilogueOp`] with its operand.
    pub enum RowEpilogue<S> {
        /// Combined with a number of the same column.
        CombineColumns {
            /// How.
            combine: Combine,
            /// The numbers.
            with: ColumnOperand<S>,
        },
        /// Combined with a number of the same column in a row of another operand.
        CombineRows {
            /// How.
            combine: Combine,
            /// The rows.
            with: RowOperand<S>,
        },
        /// Combined with the one number of the same row of another operand.
        CombineNumber {
            /// How.
            combine: Combine,
            /// Rows of one number.
            with: RowOperand<S>,
        },
        /// A function of the element.
        Elementwise {
            /// The function.
            function: Elementwise,
        },
        /// A function of the element, times the element of the same column of the right half.
        Gate {
            /// The function.
            activation: Activation,
        },
    }
}

impl RowEpilogue<Given> {
    /// The epilogue, its operands being those from position `first` on. `rows` and `width` are those of what it begins
    /// with; behind a gate there are half as many columns.
    pub(crate) fn of(
        epilogue: &[EpilogueOp],
        (operands, first): (&[Layout], usize),
        (rows, width): (&Dim, &Dim),
    ) -> Result<Vec<Self>, Reason> {
        let mut width = width.clone();
        let mut positions = first..;
        let mut chain = vec![];
        for op in epilogue {
            chain.push(match op {
                EpilogueOp::Elementwise(function) => {
                    RowEpilogue::Elementwise { function: *function }
                }
                EpilogueOp::Gate(activation) => {
                    width = halved(&width, &chain)?;
                    RowEpilogue::Gate { activation: *activation }
                }
                EpilogueOp::AfterTokens => return Err(misplaced_tokens()),
                EpilogueOp::Combine(combine, broadcast) => {
                    let operand = (operands, positions.next().unwrap_or(first));
                    combined(*combine, *broadcast, operand, (rows, &width))?
                }
            });
        }
        Ok(chain)
    }
}

impl RowEpilogue<Placed> {
    /// The kernel reads the operands of an epilogue that begins with `rows` rows of `width` columns.
    pub(crate) fn read(chain: &[Self], words: &mut Words, (rows, width): (&Amount, &Amount)) {
        let mut width = width.clone();
        for op in chain {
            match op {
                RowEpilogue::CombineColumns { with, .. } => with.read(words, &width),
                RowEpilogue::CombineRows { with, .. } => with.read(words, rows, width.clone()),
                RowEpilogue::CombineNumber { with, .. } => with.read(words, rows, 1),
                // The columns of a gemm, and with them their number, are part of what its code depends on.
                RowEpilogue::Gate { .. } => width = width.ceil_div(2),
                RowEpilogue::Elementwise { .. } => {}
            }
        }
    }
}

impl<S: Stage> RowEpilogue<S> {
    /// Whether it is a gate.
    pub(crate) fn is_gate(&self) -> bool {
        matches!(self, RowEpilogue::Gate { .. })
    }
}

impl RowEpilogue {
    /// The name in symbols.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            RowEpilogue::CombineColumns { combine: Combine::Add, .. } => "_bias".into(),
            RowEpilogue::CombineColumns { combine: Combine::Multiply, .. } => {
                "_scale_columns".into()
            }
            RowEpilogue::CombineRows { combine: Combine::Add, .. } => "_add".into(),
            RowEpilogue::CombineRows { combine: Combine::Multiply, .. } => "_multiply".into(),
            RowEpilogue::CombineNumber { combine: Combine::Add, .. } => "_add_rows".into(),
            RowEpilogue::CombineNumber { combine: Combine::Multiply, .. } => "_scale_rows".into(),
            RowEpilogue::Elementwise { function } => {
                format!("_{}", function.operation().name()).into()
            }
            RowEpilogue::Gate { activation } => format!("_gate_{}", activation.name()).into(),
        }
    }
}

/// Rows behind tokens are another matter than what happens to an element: a gemm looks after them first.
fn misplaced_tokens() -> Reason {
    let why = "only a gemm puts its rows after tokens, as the last that it does".into();
    Reason::Unsupported(why)
}

/// The columns behind a gate that follows `chain`.
fn halved(width: &Dim, chain: &[RowEpilogue<Given>]) -> Result<Dim, Reason> {
    if chain.iter().any(RowEpilogue::is_gate) {
        return Err(Reason::Unsupported("an epilogue has one gate at most".into()));
    }
    match width.as_constant() {
        Some(width) if width % 2 == 0 => Ok(Dim::from(width / 2)),
        _ => Err(Reason::Unsupported(format!(
            "a gate needs two equal halves, and there are {width} columns"
        ))),
    }
}

/// The element combined with the operand at a position.
fn combined(
    combine: Combine,
    broadcast: Broadcast,
    operand: (&[Layout], usize),
    (rows, width): (&Dim, &Dim),
) -> Result<RowEpilogue<Given>, Reason> {
    Ok(match broadcast {
        Broadcast::Columns => {
            let with = ColumnOperand::of(operand, width)?;
            RowEpilogue::CombineColumns { combine, with }
        }
        Broadcast::Rows => {
            let with = row_operand(operand, broadcast, (rows, &Dim::from(1)))?;
            RowEpilogue::CombineNumber { combine, with }
        }
        Broadcast::Full | Broadcast::Table => {
            let with = row_operand(operand, broadcast, (rows, width))?;
            RowEpilogue::CombineRows { combine, with }
        }
    })
}

/// The operand at a position, whose rows are so wide and meet so many rows. Those of a table repeat.
fn row_operand(
    (operands, position): (&[Layout], usize),
    broadcast: Broadcast,
    (rows, width): (&Dim, &Dim),
) -> Result<RowOperand<Given>, Reason> {
    let layout = operand(operands, position)?;
    if layout.ty.width() != *width {
        let (ty, wanted) = (layout.ty.clone(), width.clone());
        return Err(Reason::Width { operand: position, ty, wanted });
    }
    let mut found = RowOperand::of(position, layout);
    let own_rows = match &found.order {
        RowOrder::Repeating { period } => period.0.clone(),
        RowOrder::Even | RowOrder::ByImage { .. } => layout.ty.rows(),
    };
    if broadcast == Broadcast::Table && own_rows != *rows {
        found.order = RowOrder::Repeating { period: Positive(own_rows) };
    }
    Ok(found)
}
