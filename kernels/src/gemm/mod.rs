//! `epilogue(prologue(x) weight^T)`: `x[.., m, k]`, `weight[n, k]`.

mod block;
mod cpu;
mod microkernel;
mod packed_rows;
mod packing;
mod panel_product;
mod schedule;
mod tokens_before;

pub(crate) use block::Block;
pub use microkernel::{CHUNK_BYTES, MicroKernel, PanelFormat};
pub(crate) use packed_rows::{PackedRows, TensorRows};
pub use packing::{PackError, WeightPacker, WeightPacking};
pub(crate) use panel_product::PanelProduct;
pub(crate) use schedule::tiles_of;
pub use schedule::{Schedule, tiles};
pub use tokens_before::TokensBefore;

use crate::arguments::{
    Address, Count, Fixed, Flat, Given, Tensor, Words, argument_block, flatten,
};
use crate::launch::operand;
use crate::rows::{EvenRows, RowEpilogue, RowPrologue, RowSource};
use crate::{CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{EpilogueOp, GemmTile, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that a gemm's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// The CPU that it is written for.
    pub target: CpuTarget,
    /// Columns of x and of the weight.
    pub k: i64,
    /// Rows of the weight, columns of the product; the result has half as many where there is a gate.
    pub n: i64,
    /// How x is read.
    pub x: RowSource,
    /// How the weight is stored.
    pub weight: ElementType,
    /// How the result is stored.
    pub to: ElementType,
    /// What happens to a row of x.
    pub prologue: RowPrologue,
    /// What happens to an element of the result.
    pub epilogue: Vec<RowEpilogue>,
    /// What stands before the rows of each image of the result.
    pub tokens_before: Option<TokensBefore>,
    /// How the result is cut into tiles.
    pub tile: GemmTile,
    /// Into how many slices k is cut, each with a result of its own: 1 where it is whole.
    pub slices: i64,
}

argument_block! {
    /// The argument block of a [`Gemm`].
    pub(crate) struct GemmArguments<S> {
        /// Rows of x.
        rows: Count<S>,
        x: RowSource<S>,
        prologue: RowPrologue<S>,
        /// The packed weight.
        weight: Address<S>,
        epilogue: Vec<RowEpilogue<S>>,
        result: EvenRows<S>,
        tokens_before: Option<TokensBefore<S>>,
    }
}

impl Gemm {
    /// The launch.
    pub(crate) fn launch(
        (prologue, epilogue): (Prologue, &[EpilogueOp]),
        tile: GemmTile,
        operands: &[Layout],
        result: &Layout,
        target: &CpuTarget,
    ) -> Result<Launch<Self>, Reason> {
        let x = operand(operands, 0)?;
        let weight_at = 1 + prologue.operands();
        let weight = operand(operands, weight_at)?;
        let dynamic = |what| Reason::Dynamic { operand: weight_at, ty: weight.ty.clone(), what };
        let k = weight.ty.width().as_constant().ok_or_else(|| dynamic("the columns"))?;
        let n = weight.ty.rows().as_constant().ok_or_else(|| dynamic("the rows"))?;
        if k < 1 || n < 1 {
            return Err(Reason::Unsupported(format!("the weight, {}, is empty", weight.ty)));
        }
        if tile.rows < 1 || tile.columns < 1 {
            let why = format!("a tile of {} x {} has nothing in it", tile.rows, tile.columns);
            return Err(Reason::Unsupported(why));
        }
        if x.ty.width() != weight.ty.width() {
            let wanted = weight.ty.width();
            return Err(Reason::Width { operand: 0, ty: x.ty.clone(), wanted });
        }
        if !prologue.is_for_gemm() {
            let why =
                "a softmax, the scale of a norm or a sum of slices before a gemm is a row-wise kernel of its own"
                    .into();
            return Err(Reason::Unsupported(why));
        }
        let rows = x.ty.rows();
        let width = Dim::from(n);
        let elements = epilogue.strip_suffix(&[EpilogueOp::AfterTokens]);
        let (epilogue, places_rows) = (elements.unwrap_or(epilogue), elements.is_some());
        let epilogue = RowEpilogue::of(epilogue, (operands, weight_at + 1), (&rows, &width))?;
        let tokens_before = match operands.split_last() {
            Some((tokens, before)) if places_rows => {
                Some(TokensBefore::of((before.len(), tokens), x, result)?)
            }
            _ => None,
        };
        let Flat { words, shape } = flatten(GemmArguments::<Given> {
            rows: Count(rows.clone()),
            x: RowSource::of(0, x)?,
            prologue: RowPrologue::of(prologue, operands, &x.ty.width())?,
            weight: Address(Tensor::Operand(weight_at)),
            epilogue,
            result: EvenRows::of(Tensor::Result, result),
            tokens_before,
        });
        let gemm = Gemm {
            target: *target,
            k,
            n,
            x: shape.x,
            weight: weight.ty.element,
            to: result.ty.element,
            prologue: shape.prologue,
            epilogue: shape.epilogue,
            tokens_before: shape.tokens_before,
            tile,
            slices: 1,
        };
        let schedule = gemm.schedule();
        Ok(Launch {
            arguments: words,
            tiles: Tiles(vec![(rows, schedule.block_rows), (width, schedule.tile_columns)]),
            scratch_bytes: Dim::from(schedule.scratch_bytes() + gemm.x.scratch_bytes()),
            packed: vec![(weight_at, gemm.packing())],
            kernel: gemm,
        })
    }

    /// The launch of a product in slices, whose results follow each other: as [`Gemm::launch`] with neither prologue nor
    /// epilogue, and a tile for each slice of what would be one.
    pub(crate) fn launch_partial(
        slices: i64,
        tile: GemmTile,
        operands: &[Layout],
        result: &Layout,
        target: &CpuTarget,
    ) -> Result<Launch<Self>, Reason> {
        let mut launch = Gemm::launch((Prologue::None, &[]), tile, operands, result, target)?;
        let gemm = &mut launch.kernel;
        let chunk = MicroKernel::new(gemm.format(), target).chunk_elements();
        if slices < 1 || gemm.k % (slices * chunk) != 0 {
            let why =
                format!("{} columns are not {slices} slices of whole chunks of {chunk}", gemm.k);
            return Err(Reason::Unsupported(why));
        }
        if !matches!(gemm.x, RowSource::Rows(_)) || gemm.to != ElementType::F32 {
            let why = "slices are of rows in memory, and their products are f32".into();
            return Err(Reason::Unsupported(why));
        }
        gemm.slices = slices;
        let schedule = gemm.schedule();
        launch.scratch_bytes = Dim::from(schedule.scratch_bytes());
        launch.tiles = Tiles(vec![
            (operand(operands, 0)?.ty.rows(), schedule.block_rows),
            (Dim::from(gemm.n), schedule.tile_columns),
            (Dim::from(slices), 1),
        ]);
        Ok(launch)
    }

    /// Which words its argument block has.
    fn arguments(&self) -> GemmArguments {
        GemmArguments {
            rows: Count::fixed(),
            x: self.x.clone(),
            prologue: self.prologue.clone(),
            weight: Address::fixed(),
            epilogue: self.epilogue.clone(),
            result: EvenRows::fixed(),
            tokens_before: self.tokens_before.clone(),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let schedule = self.schedule();
        let (mut words, arguments) = Words::of(self.arguments());
        let GemmArguments { x, prologue, weight, epilogue, result, .. } = arguments;
        let rows = arguments.rows.amount();
        x.read(&mut words, &rows, self.k);
        prologue.read(&mut words, &Amount::Constant(self.k));
        words.read_run(&weight, self.weight, self.packing().elements());
        RowEpilogue::read(&epilogue, &mut words, (&rows, &Amount::Constant(self.n)));
        let result_rows = match arguments.tokens_before {
            Some(tokens) => tokens.read(&mut words, (&rows, self.width())),
            None => rows.clone() * self.slices,
        };
        words.write(&result.start, self.to, [result.walk(result_rows, self.width())]);
        let groups = (self.n + schedule.tile_columns - 1) / schedule.tile_columns;
        let tiles = rows.ceil_div(schedule.block_rows) * (groups * self.slices);
        words.tiled(tiles, schedule.scratch_bytes() + self.x.scratch_bytes())
    }

    /// The name of its symbol: `gemm_768x3072_layer_norm_bias_gelu_f32`.
    pub(crate) fn name(&self) -> String {
        let epilogue: String = self.epilogue.iter().map(RowEpilogue::name).collect();
        let (source, prologue) = (self.x.name(), self.prologue.name());
        let slices =
            if self.slices > 1 { format!("_{}_slices", self.slices) } else { String::new() };
        let placed = if self.tokens_before.is_some() { "_after_tokens" } else { "" };
        format!(
            "gemm_{}x{}{slices}{source}{prologue}{epilogue}{placed}_{}",
            self.k, self.n, self.to
        )
    }

    /// Rows of the micro-kernel.
    pub(crate) fn rows_at_once(&self) -> i64 {
        MicroKernel::new(self.format(), &self.target).rows
    }

    /// What the panels of the weight hold.
    fn format(&self) -> PanelFormat {
        PanelFormat::of(self.prologue.element(self.x.element()), self.weight, &self.target)
    }

    /// How the work is divided.
    fn schedule(&self) -> Schedule {
        Schedule::new(MicroKernel::new(self.format(), &self.target), self.slice_width(), self.tile)
    }

    /// Columns of the result.
    fn width(&self) -> i64 {
        if self.is_gated() { self.n / 2 } else { self.n }
    }

    /// Columns of a slice of x.
    fn slice_width(&self) -> i64 {
        self.k / self.slices
    }

    /// How the weight must be packed.
    fn packing(&self) -> WeightPacking {
        let kernel = MicroKernel::new(self.format(), &self.target);
        let halves = self.is_gated();
        WeightPacking { rows: self.n, columns: self.k, element: self.weight, halves, kernel }
    }

    /// Whether the epilogue multiplies the halves of a row.
    fn is_gated(&self) -> bool {
        self.epilogue.iter().any(RowEpilogue::is_gate)
    }
}
