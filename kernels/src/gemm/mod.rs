//! `epilogue(prologue(x) weight^T)`: `x[.., m, k]`, `weight[n, k]`.

mod cpu;
mod nvidia;
mod tokens_before;

pub use crate::nvidia::Arithmetic;
pub(crate) use cpu::{Block, Multiplier, PackedRows, PanelProduct, TensorRows};
pub use cpu::{
    MicroKernel, PackError, PackedGemm, PanelFormat, Schedule, WeightPacker, WeightPacking, tiles,
};
pub use nvidia::StagedGemm;
pub use tokens_before::TokensBefore;

use crate::arguments::{
    Address, Count, Fixed, Flat, Given, Tensor, Words, argument_block, flatten,
};
use crate::entry::Entry;
use crate::launch::operand;
use crate::mlir::Module;
use crate::rows::{EvenRows, RowEpilogue, RowPrologue, RowSource};
use crate::{Launch, Layout, Reason, Target, ThreadBlock, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{EpilogueOp, GemmTile, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that a gemm's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// What it computes.
    pub product: Product,
    /// What it is written for, and how the work is divided there.
    pub division: Division,
}

/// What a gemm computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Product {
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
    /// Into how many slices k is cut, each with a result of its own: 1 where it is whole.
    pub slices: i64,
}

/// How the work of a gemm is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Division {
    /// Among a CPU's workers.
    Cpu(PackedGemm),
    /// Among the thread blocks of an NVIDIA GPU.
    Nvidia(StagedGemm),
}

argument_block! {
    /// The argument block of a [`Gemm`].
    pub(crate) struct GemmArguments<S> {
        /// Rows of x.
        rows: Count<S>,
        x: RowSource<S>,
        prologue: RowPrologue<S>,
        /// The weight, packed where the division says so.
        weight: Address<S>,
        epilogue: Vec<RowEpilogue<S>>,
        result: EvenRows<S>,
        tokens_before: Option<TokensBefore<S>>,
    }
}

/// What is asked of a gemm.
struct Request<'a> {
    prologue: Prologue,
    epilogue: &'a [EpilogueOp],
    slices: i64,
    tile: GemmTile,
}

/// Where the operands of a gemm lie, and the result.
struct Placement<'a> {
    x: &'a Layout,
    weight: &'a Layout,
    /// What the epilogue reads.
    epilogue: &'a [Layout],
    result: &'a Layout,
}

impl Gemm {
    /// The launch.
    pub(crate) fn launch(
        (prologue, epilogue): (Prologue, &[EpilogueOp]),
        tile: GemmTile,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Self>, Reason> {
        let request = Request { prologue, epilogue, slices: 1, tile };
        Gemm::launch_of(&request, operands, result, target)
    }

    /// The launch of a product in slices, whose results follow each other: as [`Gemm::launch`] with neither prologue nor
    /// epilogue, and a tile for each slice of what would be one.
    pub(crate) fn launch_partial(
        slices: i64,
        tile: GemmTile,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Self>, Reason> {
        let request = Request { prologue: Prologue::None, epilogue: &[], slices, tile };
        let launch = Gemm::launch_of(&request, operands, result, target)?;
        let product = &launch.kernel.product;
        if !matches!(product.x, RowSource::Rows(_)) || product.to != ElementType::F32 {
            let why = "slices are of rows in memory, and their products are f32".into();
            return Err(Reason::Unsupported(why));
        }
        Ok(launch)
    }

    fn launch_of(
        request: &Request<'_>,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Self>, Reason> {
        let &Request { prologue, epilogue, slices, tile } = request;
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
            return Err(Reason::Unsupported(format!("a tile of {tile} has nothing in it")));
        }
        if slices < 1 || k % slices != 0 {
            return Err(Reason::Unsupported(format!("{k} columns are not {slices} slices")));
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
                Some(TokensBefore::of((before.len(), tokens), x, (result, target))?)
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
        let product = Product {
            k,
            n,
            x: shape.x,
            weight: weight.ty.element,
            to: result.ty.element,
            prologue: shape.prologue,
            epilogue: shape.epilogue,
            tokens_before: shape.tokens_before,
            slices,
        };
        let others = operands.get(weight_at + 1..).unwrap_or_default();
        let placement = Placement { x, weight, epilogue: others, result };
        let division = match target {
            Target::Cpu(cpu) => Division::Cpu(PackedGemm::of(&product, tile, cpu)?),
            Target::Nvidia(nvidia) => {
                Division::Nvidia(StagedGemm::of(&product, &placement, tile, nvidia)?)
            }
        };
        let gemm = Gemm { product, division };
        let [block_rows, tile_columns] = gemm.tile();
        let mut tiles = vec![(rows, block_rows), (width, tile_columns)];
        if slices > 1 {
            tiles.push((Dim::from(slices), 1));
        }
        let packed = match gemm.division {
            Division::Cpu(packed) => vec![(weight_at, packed.packing(&gemm.product))],
            Division::Nvidia(_) => vec![],
        };
        Ok(Launch {
            arguments: words,
            tiles: Tiles(tiles),
            scratch_bytes: Dim::from(gemm.scratch_bytes()),
            packed,
            kernel: gemm,
        })
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        match &self.division {
            Division::Cpu(packed) => packed.define(&self.product, module, entry),
            Division::Nvidia(staged) => staged.define(&self.product, module, entry),
        }
    }

    /// What it is written for.
    pub(crate) fn target(&self) -> Target {
        match &self.division {
            Division::Cpu(packed) => packed.target.into(),
            Division::Nvidia(staged) => staged.target.into(),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let product = &self.product;
        let (mut words, arguments) = Words::of(product.arguments());
        let GemmArguments { x, prologue, weight, epilogue, result, .. } = arguments;
        let rows = arguments.rows.amount();
        x.read(&mut words, &rows, product.k);
        prologue.read(&mut words, &Amount::Constant(product.k));
        let elements = match &self.division {
            Division::Cpu(packed) => packed.packing(product).elements(),
            Division::Nvidia(_) => product.n * product.k,
        };
        words.read_run(&weight, product.weight, elements);
        RowEpilogue::read(&epilogue, &mut words, (&rows, &Amount::Constant(product.n)));
        let result_rows = match arguments.tokens_before {
            Some(tokens) => tokens.read(&mut words, (&rows, product.width())),
            None => rows.clone() * product.slices,
        };
        words.write(&result.start, product.to, [result.walk(result_rows, product.width())]);
        let [block_rows, tile_columns] = self.tile();
        let groups = (product.n + tile_columns - 1) / tile_columns;
        let tiles = rows.ceil_div(block_rows) * (groups * product.slices);
        words.tiled(tiles, self.scratch_bytes())
    }

    /// The name of its symbol: `gemm_768x3072_layer_norm_bias_gelu_f32`.
    pub(crate) fn name(&self) -> String {
        self.product.name()
    }

    /// How many rows and columns are computed at once. (On a CPU panels are as wide as they need be.)
    pub(crate) fn at_once(&self) -> [i64; 2] {
        match &self.division {
            Division::Cpu(packed) => [packed.kernel(&self.product).rows, 1],
            Division::Nvidia(staged) => [staged.schedule.rows, staged.schedule.columns],
        }
    }

    /// How many blocks of rows read the weight at the same time.
    pub(crate) fn blocks_beside(&self) -> i64 {
        match &self.division {
            Division::Cpu(_) => 1,
            Division::Nvidia(staged) => staged.schedule.warps.group,
        }
    }

    /// The thread blocks that run it, where it is for a GPU.
    pub(crate) fn thread_block(&self) -> Option<ThreadBlock> {
        match &self.division {
            Division::Cpu(_) => None,
            Division::Nvidia(staged) => Some(staged.thread_block()),
        }
    }

    /// Rows of a tile, and rows of the weight.
    fn tile(&self) -> [i64; 2] {
        match &self.division {
            Division::Cpu(packed) => {
                let schedule = packed.schedule(&self.product);
                [schedule.block_rows, schedule.tile_columns]
            }
            Division::Nvidia(staged) => [staged.schedule.rows, staged.schedule.columns],
        }
    }

    /// Bytes of scratch memory that a worker needs.
    fn scratch_bytes(&self) -> i64 {
        match &self.division {
            Division::Cpu(packed) => packed.scratch_bytes(&self.product),
            Division::Nvidia(_) => 0,
        }
    }
}

/// The tiles worth choosing among for an x, a weight and a result that lie so, the default first.
pub(crate) fn tiles_of(
    [x, weight]: [Option<&Layout>; 2],
    result: &Layout,
    target: Target,
) -> Vec<GemmTile> {
    match target {
        Target::Cpu(cpu) => cpu::tiles_of(x, weight, &cpu),
        Target::Nvidia(nvidia) => nvidia::tiles([x, weight], result.ty.element, &nvidia),
    }
}

impl Product {
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

    fn name(&self) -> String {
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

    /// Columns of the result.
    fn width(&self) -> i64 {
        if self.is_gated() { self.n / 2 } else { self.n }
    }

    /// Columns of a slice of x.
    fn slice_depth(&self) -> i64 {
        self.k / self.slices
    }

    /// Whether the epilogue multiplies the halves of a row.
    fn is_gated(&self) -> bool {
        self.epilogue.iter().any(RowEpilogue::is_gate)
    }
}
