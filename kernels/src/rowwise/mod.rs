//! `epilogue(prologue(x))`, row by row: norms, softmax, casts, element-wise chains.

mod cpu;

use crate::launch::operand;
use crate::rows::{BoundRows, RowEpilogue, RowOperand, RowPrologue};
use crate::words::Words;
use crate::{Argument, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{EpilogueOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Access, Amount, Signature};

/// All that a row-wise kernel's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowWise {
    /// How many columns there are, where that is known at compile time.
    pub width: Option<i64>,
    /// How x is read.
    pub x: RowOperand,
    /// How the result is stored.
    pub to: ElementType,
    /// What happens to a row.
    pub prologue: RowPrologue,
    /// What happens then to each element.
    pub epilogue: Vec<RowEpilogue>,
}

/// Elements of a tile: enough to be worth handing out, few enough for the first-level cache.
const TILE_ELEMENTS: i64 = 1 << 13;

impl RowWise {
    /// The launch. Words of the argument block: rows; columns; what [`RowOperand`] reads of x; the
    /// addresses of the prologue's operands, or the distance of the slices that it sums; the epilogue's operands as x, or
    /// an address alone where there is one number a column; the result: address, row stride.
    pub(crate) fn launch(
        prologue: Prologue,
        epilogue: &[EpilogueOp],
        to: ElementType,
        operands: &[Layout],
        result: &Layout,
    ) -> Result<Launch<Self>, Reason> {
        let x = operand(operands, 0)?;
        let width = x.ty.width();
        let slice_words = match prologue {
            Prologue::SumSlices { slices } => vec![slice_stride(slices, x, result)?],
            _ => vec![],
        };
        let rows = if slice_words.is_empty() { x.ty.rows() } else { result.ty.rows() };
        let known = width.as_constant();
        let normalizes = matches!(
            prologue,
            Prologue::LayerNorm { .. } | Prologue::RmsNorm { .. } | Prologue::NormScale { .. }
        );
        if known.is_none() && normalizes {
            let what = "the width of a row that is normalized";
            return Err(Reason::Dynamic { operand: 0, ty: x.ty.clone(), what });
        }
        if matches!(prologue, Prologue::Cast { .. }) {
            let why = "a cast by itself is a row-wise kernel that stores its result so".into();
            return Err(Reason::Unsupported(why));
        }
        if epilogue.iter().any(|op| matches!(op, EpilogueOp::Gate(_))) {
            let why = "a gate is part of a gemm: its weight is packed for it".into();
            return Err(Reason::Unsupported(why));
        }
        let made = match prologue {
            Prologue::NormScale { .. } => Dim::from(1),
            _ => width.clone(),
        };
        let (epilogue, epilogue_arguments) =
            RowEpilogue::of(epilogue, (operands, 1 + prologue.operands()), (&rows, &made))?;
        let row_wise = RowWise {
            width: known,
            x: RowOperand::of(x),
            to,
            prologue: RowPrologue::of(prologue, operands, &width)?,
            epilogue,
        };
        let mut arguments = vec![Argument::Integer(rows.clone()), Argument::Integer(width)];
        arguments.extend(row_wise.x.arguments(Argument::Operand(0), x, x.rows_per_image()));
        arguments.extend((1..=prologue.operands()).map(Argument::Operand));
        arguments.extend(slice_words);
        arguments.extend(epilogue_arguments);
        arguments.extend([Argument::Result, Argument::Integer(result.row_stride.clone())]);
        Ok(Launch {
            arguments,
            tiles: Tiles(vec![(rows, row_wise.tile_rows())]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: row_wise,
        })
    }

    /// What the code does with those words.
    pub(crate) fn signature(&self) -> Signature {
        let mut words = Words::default();
        let (rows, columns) = (words.count(), words.count());
        let width = self.width.map_or(columns, Amount::Constant);
        self.x.declare_slices(&mut words, Access::Read, (rows.clone(), width.clone()), |words| {
            self.prologue.declare(words, &width);
            match self.prologue {
                RowPrologue::SumSlices { slices } => Some((slices.into(), words.distance())),
                _ => None,
            }
        });
        let made = match self.prologue {
            RowPrologue::NormScale { .. } => Amount::Constant(1),
            _ => width,
        };
        RowEpilogue::declare(&self.epilogue, &mut words, (&rows, &made));
        BoundRows::declare_contiguous(self.to, &mut words, Access::Write, (rows.clone(), made));
        words.tiled(rows.ceil_div(self.tile_rows()), 0)
    }

    /// The name of its symbol: `rowwise_768_layer_norm_bf16`.
    pub(crate) fn name(&self) -> String {
        let epilogue: String = self.epilogue.iter().map(RowEpilogue::name).collect();
        let width = self.width.map_or("any".to_string(), |width| width.to_string());
        format!("rowwise_{width}{}{epilogue}_{}", self.prologue.name(), self.to)
    }

    /// Rows of a tile.
    fn tile_rows(&self) -> i64 {
        // A row of unknown width is one of scores: as long as there are tokens.
        (TILE_ELEMENTS / self.width.unwrap_or(1024).max(1)).max(1)
    }
}

/// The elements from one slice of x to the next.
fn slice_stride(slices: i64, x: &Layout, result: &Layout) -> Result<Argument, Reason> {
    let outer = x.ty.shape.first();
    if slices < 1 || outer != Some(&Dim::from(slices)) || x.ty.shape[1..] != result.ty.shape[..] {
        let why = format!("{} is not {slices} slices of {}", x.ty, result.ty);
        return Err(Reason::Unsupported(why));
    }
    Ok(Argument::Integer(x.image_stride.clone()))
}
