//! `epilogue(prologue(x))`, row by row: norms, softmax, casts, element-wise chains.

mod emit;

use crate::arguments::{Count, Fixed, Flat, Given, Tensor, Words, argument_block, flatten};
use crate::launch::operand;
use crate::rows::{EvenRows, RowEpilogue, RowOperand, RowPrologue};
use crate::vector::at_once;
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{EpilogueOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that a row-wise kernel's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowWise {
    /// What it is written for.
    pub target: Target,
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
    /// Columns that a thread of a GPU reads and writes at once; 1 on a CPU.
    pub at_once: u32,
}

/// Elements of a tile: enough to be worth handing out, few enough for the first-level cache.
const TILE_ELEMENTS: i64 = 1 << 13;

argument_block! {
    /// The argument block of a [`RowWise`].
    pub(crate) struct RowWiseArguments<S> {
        rows: Count<S>,
        columns: Count<S>,
        x: RowOperand<S>,
        prologue: RowPrologue<S>,
        epilogue: Vec<RowEpilogue<S>>,
        result: EvenRows<S>,
    }
}

impl RowWise {
    /// The launch.
    pub(crate) fn launch(
        prologue: Prologue,
        epilogue: &[EpilogueOp],
        to: ElementType,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Self>, Reason> {
        let x = operand(operands, 0)?;
        let width = x.ty.width();
        let rows = match prologue {
            Prologue::SumSlices { slices } => rows_of_slices(slices, x, result)?,
            Prologue::None
            | Prologue::Cast { .. }
            | Prologue::LayerNorm { .. }
            | Prologue::RmsNorm { .. }
            | Prologue::NormScale { .. }
            | Prologue::Softmax => x.ty.rows(),
        };
        let known = width.as_constant();
        if known.is_none() && prologue.normalizes() {
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
        let made = prologue.columns(width.clone());
        let first = 1 + prologue.operands();
        let epilogue = RowEpilogue::of(epilogue, (operands, first), (&rows, &made))?;
        let as_wide = operands.iter().chain([result]).filter(|layout| layout.ty.width() == width);
        let Flat { words, shape } = flatten(RowWiseArguments::<Given> {
            rows: Count(rows.clone()),
            columns: Count(width.clone()),
            x: RowOperand::of(0, x),
            prologue: RowPrologue::of(prologue, operands, &width)?,
            epilogue,
            result: EvenRows::of(Tensor::Result, result),
        });
        let row_wise = RowWise {
            target,
            width: known,
            x: shape.x,
            to,
            prologue: shape.prologue,
            epilogue: shape.epilogue,
            at_once: at_once(target, as_wide),
        };
        Ok(Launch {
            arguments: words,
            tiles: Tiles(vec![(rows, row_wise.tile_rows())]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: row_wise,
        })
    }

    /// Which words its argument block has.
    fn arguments(&self) -> RowWiseArguments {
        RowWiseArguments {
            rows: Count::fixed(),
            columns: Count::fixed(),
            x: self.x.clone(),
            prologue: self.prologue.clone(),
            epilogue: self.epilogue.clone(),
            result: EvenRows::fixed(),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(self.arguments());
        let RowWiseArguments { x, prologue, epilogue, result, .. } = arguments;
        let rows = arguments.rows.amount();
        let width = self.width.map_or(arguments.columns.amount(), Amount::Constant);
        let walk = x.walk(&rows, width.clone());
        let walk = match &prologue {
            RowPrologue::SumSlices { slices, stride } => walk.times(*slices, stride.amount()),
            RowPrologue::None
            | RowPrologue::LayerNorm { .. }
            | RowPrologue::RmsNorm { .. }
            | RowPrologue::NormScale { .. }
            | RowPrologue::Cast { .. }
            | RowPrologue::Softmax => walk,
        };
        words.read(&x.start, x.element, [walk]);
        prologue.read(&mut words, &width);
        let made = prologue.columns(width);
        RowEpilogue::read(&epilogue, &mut words, (&rows, &made));
        words.write(&result.start, self.to, [result.walk(rows.clone(), made)]);
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
        self.target.tile_rows((TILE_ELEMENTS / self.width.unwrap_or(1024).max(1)).max(1))
    }
}

/// The rows of each slice of x.
fn rows_of_slices(slices: i64, x: &Layout, result: &Layout) -> Result<Dim, Reason> {
    let outer = x.ty.shape.first();
    if slices < 1 || outer != Some(&Dim::from(slices)) || x.ty.shape[1..] != result.ty.shape[..] {
        let why = format!("{} is not {slices} slices of {}", x.ty, result.ty);
        return Err(Reason::Unsupported(why));
    }
    Ok(result.ty.rows())
}
