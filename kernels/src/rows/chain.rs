//! Prologues and epilogues as parts of a kernel's identity: what code depends on, comparable and hashable.

use super::{RowOperand, RowOrder};
use crate::launch::operand;
use crate::words::Words;
use crate::{Argument, Layout, Reason};
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Activation, Elementwise};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_runtime::signature::{Access, Amount};
use std::borrow::Cow;
use std::fmt;

/// A real constant of a kernel; two are equal where their bits are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Real(u64);

impl Real {
    /// That number.
    pub fn new(value: f64) -> Self {
        Real(value.to_bits())
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A [`Prologue`] on operands of known storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowPrologue {
    /// Nothing.
    None,
    /// Mean and variance.
    LayerNorm {
        /// Added to the variance.
        eps: Real,
        /// The storage of weight and bias, where it has them.
        affine: Option<[ElementType; 2]>,
    },
    /// Mean square.
    RmsNorm {
        /// Added to the mean square.
        eps: Real,
        /// The storage of the weight, where it has one.
        weight: Option<ElementType>,
    },
    /// One number: what a norm multiplies the row by.
    NormScale {
        /// Whether the mean is taken off first.
        centered: bool,
        /// Added to the variance or the mean square.
        eps: Real,
    },
    /// Read as if it were stored so.
    Cast {
        /// The storage.
        to: ElementType,
    },
    /// The rows of slices, summed.
    SumSlices {
        /// How many slices.
        slices: i64,
    },
    /// Exponentials over their sum.
    Softmax,
}

impl RowPrologue {
    /// The prologue of rows of that width. Its operands are those from position 1 on.
    pub fn of(prologue: Prologue, operands: &[Layout], width: &Dim) -> Result<Self, Reason> {
        let vector = |position: usize| -> Result<ElementType, Reason> {
            let layout = operand(operands, position)?;
            expect_columns(position, &layout.ty, width)?;
            Ok(layout.ty.element)
        };
        Ok(match prologue {
            Prologue::None => RowPrologue::None,
            Prologue::Softmax => RowPrologue::Softmax,
            Prologue::Cast { to } => RowPrologue::Cast { to },
            Prologue::SumSlices { slices } => RowPrologue::SumSlices { slices },
            Prologue::NormScale { centered, eps } => {
                RowPrologue::NormScale { centered, eps: Real::new(eps) }
            }
            Prologue::LayerNorm { eps, affine } => RowPrologue::LayerNorm {
                eps: Real::new(eps),
                affine: if affine { Some([vector(1)?, vector(2)?]) } else { None },
            },
            Prologue::RmsNorm { eps, affine } => RowPrologue::RmsNorm {
                eps: Real::new(eps),
                weight: if affine { Some(vector(1)?) } else { None },
            },
        })
    }

    /// Declares the addresses of its operands, which have a number for each of that many columns.
    pub(crate) fn declare(&self, words: &mut Words, width: &Amount) {
        let mut vector = |element: ElementType| words.read_run(element, width.clone());
        match self {
            RowPrologue::LayerNorm { affine: Some([weight, bias]), .. } => {
                vector(*weight);
                vector(*bias);
            }
            RowPrologue::RmsNorm { weight: Some(weight), .. } => vector(*weight),
            _ => {}
        }
    }

    /// How rows that are stored as `element` come out of it.
    pub fn element(&self, element: ElementType) -> ElementType {
        match self {
            RowPrologue::Cast { to } => *to,
            _ => element,
        }
    }

    /// The name in symbols; empty for none.
    pub fn name(&self) -> &'static str {
        match self {
            RowPrologue::None => "",
            RowPrologue::LayerNorm { affine: Some(_), .. } => "_layer_norm",
            RowPrologue::LayerNorm { affine: None, .. } => "_plain_layer_norm",
            RowPrologue::RmsNorm { weight: Some(_), .. } => "_rms_norm",
            RowPrologue::RmsNorm { weight: None, .. } => "_plain_rms_norm",
            RowPrologue::NormScale { centered: true, .. } => "_layer_norm_scale",
            RowPrologue::NormScale { centered: false, .. } => "_rms_norm_scale",
            RowPrologue::Cast { to: ElementType::BF16 } => "_as_bf16",
            RowPrologue::Cast { to: ElementType::F16 } => "_as_f16",
            RowPrologue::Cast { .. } => "_as_f32",
            RowPrologue::SumSlices { .. } => "_sum_slices",
            RowPrologue::Softmax => "_softmax",
        }
    }
}

/// An [`EpilogueOp`] on operands of known storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowEpilogue {
    /// Combined with a number of the same column.
    CombineColumns(Combine, ElementType),
    /// Combined with a number of the same column in a row of another operand.
    CombineRows(Combine, RowOperand),
    /// Combined with the one number of the same row of another operand.
    CombineNumber(Combine, RowOperand),
    /// A function of the element.
    Elementwise(Elementwise),
    /// A function of the element, times the element of the same column of the right half.
    Gate(Activation),
}

impl RowEpilogue {
    /// The epilogue, its operands being those from position `first` on, and the words it reads at run time. `rows` and
    /// `width` are those of what it begins with; behind a gate there are half as many columns.
    pub fn of(
        epilogue: &[EpilogueOp],
        (operands, first): (&[Layout], usize),
        (rows, width): (&Dim, &Dim),
    ) -> Result<(Vec<Self>, Vec<Argument>), Reason> {
        let mut width = width.clone();
        let mut positions = first..;
        let (mut chain, mut arguments) = (vec![], vec![]);
        for op in epilogue {
            match op {
                EpilogueOp::Elementwise(function) => {
                    chain.push(RowEpilogue::Elementwise(*function))
                }
                EpilogueOp::Gate(activation) => {
                    width = halved(&width, &chain)?;
                    chain.push(RowEpilogue::Gate(*activation));
                }
                EpilogueOp::AfterTokens => return Err(misplaced_tokens()),
                EpilogueOp::Combine(combine, broadcast) => {
                    let position = positions.next().unwrap_or(first);
                    let layout = operand(operands, position)?;
                    let address = Argument::Operand(position);
                    if *broadcast == Broadcast::Columns {
                        expect_columns(position, &layout.ty, &width)?;
                        chain.push(RowEpilogue::CombineColumns(*combine, layout.ty.element));
                        arguments.push(address);
                        continue;
                    }
                    let is_number = *broadcast == Broadcast::Rows;
                    let wanted = if is_number { Dim::from(1) } else { width.clone() };
                    if layout.ty.width() != wanted {
                        let ty = layout.ty.clone();
                        return Err(Reason::Width { operand: position, ty, wanted });
                    }
                    let mut rows_of = RowOperand::of(layout);
                    let own_rows = match rows_of.order {
                        RowOrder::Repeating => layout.rows_per_image(),
                        RowOrder::Even | RowOrder::ByImage => layout.ty.rows(),
                    };
                    if *broadcast == Broadcast::Table && own_rows != *rows {
                        rows_of.order = RowOrder::Repeating;
                    }
                    arguments.extend(rows_of.arguments(address, layout, own_rows));
                    chain.push(match is_number {
                        true => RowEpilogue::CombineNumber(*combine, rows_of),
                        false => RowEpilogue::CombineRows(*combine, rows_of),
                    });
                }
            }
        }
        Ok((chain, arguments))
    }

    /// Declares the words that an epilogue reads, where it begins with `rows` rows of `width` columns.
    pub(crate) fn declare(chain: &[Self], words: &mut Words, (rows, width): (&Amount, &Amount)) {
        let mut width = width.clone();
        for op in chain {
            match op {
                RowEpilogue::CombineColumns(_, element) => words.read_run(*element, width.clone()),
                RowEpilogue::CombineRows(_, operand) => {
                    operand.declare(words, Access::Read, (rows.clone(), width.clone()));
                }
                RowEpilogue::CombineNumber(_, operand) => {
                    operand.declare(words, Access::Read, (rows.clone(), 1));
                }
                // The columns of a gemm, and with them their number, are part of what its code depends on.
                RowEpilogue::Gate(_) => width = width.ceil_div(2),
                RowEpilogue::Elementwise(_) => {}
            }
        }
    }

    /// The name in symbols.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            RowEpilogue::CombineColumns(Combine::Add, _) => "_bias".into(),
            RowEpilogue::CombineColumns(Combine::Multiply, _) => "_scale_columns".into(),
            RowEpilogue::CombineRows(Combine::Add, _) => "_add".into(),
            RowEpilogue::CombineRows(Combine::Multiply, _) => "_multiply".into(),
            RowEpilogue::CombineNumber(Combine::Add, _) => "_add_rows".into(),
            RowEpilogue::CombineNumber(Combine::Multiply, _) => "_scale_rows".into(),
            RowEpilogue::Elementwise(function) => {
                format!("_{}", function.operation().name()).into()
            }
            RowEpilogue::Gate(activation) => format!("_gate_{}", activation.name()).into(),
        }
    }
}

/// Rows behind tokens are another matter than what happens to an element: a gemm looks after them first.
fn misplaced_tokens() -> Reason {
    let why = "only a gemm puts its rows after tokens, as the last that it does".into();
    Reason::Unsupported(why)
}

/// The columns behind a gate that follows `chain`.
fn halved(width: &Dim, chain: &[RowEpilogue]) -> Result<Dim, Reason> {
    if chain.iter().any(|op| matches!(op, RowEpilogue::Gate(_))) {
        return Err(Reason::Unsupported("an epilogue has one gate at most".into()));
    }
    match width.as_constant() {
        Some(width) if width % 2 == 0 => Ok(Dim::from(width / 2)),
        _ => Err(Reason::Unsupported(format!(
            "a gate needs two equal halves, and there are {width} columns"
        ))),
    }
}

/// One number a column.
fn expect_columns(operand: usize, ty: &TensorType, width: &Dim) -> Result<(), Reason> {
    match ty.elements() == *width && ty.width() == *width {
        true => Ok(()),
        false => Err(Reason::Width { operand, ty: ty.clone(), wanted: width.clone() }),
    }
}
