//! `epilogue(between(prologue(x) first^T) second^T)`: `x[.., k]`, `first[m, k]`, `second[n, m]`. An MLP in one launch.
//!
//! A tile is a block of rows with all columns of both products. What lies between them stays packed in the worker's
//! scratch, so nothing is written to memory but the result, and the second product waits for no other worker. The cost:
//! the weights are read once a block, and there are no more tiles than blocks. It pays where rows are few and narrow
//! enough that launching costs more than multiplying, and where what lies between would leave the caches.

mod cpu;

use crate::arguments::{
    Address, Count, Fixed, Flat, Given, Tensor, Words, argument_block, flatten,
};
use crate::gemm::{MicroKernel, PanelFormat, WeightPacking};
use crate::launch::operand;
use crate::rows::{EvenRows, RowEpilogue, RowOperand, RowPrologue};
use crate::{CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{Between, EpilogueOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that the code of two gemms in one launch depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackToBackGemm {
    /// The CPU that it is written for.
    pub target: CpuTarget,
    /// Columns of x and of the first weight.
    pub k: i64,
    /// Rows of the first weight.
    pub first_rows: i64,
    /// Columns of the second weight: half the rows of the first where there is a gate.
    pub between_columns: i64,
    /// Rows of the second weight, columns of the result.
    pub n: i64,
    /// How x is read.
    pub x: RowOperand,
    /// How the weights are stored.
    pub weights: [ElementType; 2],
    /// How what lies between is rounded.
    pub between_element: ElementType,
    /// How the result is stored.
    pub to: ElementType,
    /// What happens to a row of x.
    pub prologue: RowPrologue,
    /// What happens to an element between the products.
    pub between: Vec<RowEpilogue>,
    /// What happens to an element of the result.
    pub epilogue: Vec<RowEpilogue>,
    /// Rows of a tile, before they are rounded to panels and to what the scratch may hold.
    pub rows: i64,
}

/// What packed rows, x's and those between, may take of the second-level cache (1 MiB on Zen 4 and 5, 2 MiB on
/// Sapphire Rapids); the rest is for panels of the weights.
const PACKED_BYTES: i64 = 640 << 10;

/// Rows of a tile worth choosing among, the default first. Few rows give many workers something to do, many read
/// the weights less often.
pub const ROWS: [i64; 4] = [96, 48, 24, 12];

argument_block! {
    /// The argument block of a [`BackToBackGemm`].
    pub(crate) struct BackToBackGemmArguments<S> {
        /// Rows of x.
        rows: Count<S>,
        x: RowOperand<S>,
        prologue: RowPrologue<S>,
        /// The first weight, packed.
        first_weight: Address<S>,
        between: Vec<RowEpilogue<S>>,
        /// The second weight, packed.
        second_weight: Address<S>,
        epilogue: Vec<RowEpilogue<S>>,
        result: EvenRows<S>,
    }
}

impl BackToBackGemm {
    /// The launch.
    pub(crate) fn launch(
        (prologue, between, epilogue): (Prologue, &Between, &[EpilogueOp]),
        rows: i64,
        operands: &[Layout],
        result: &Layout,
        target: &CpuTarget,
    ) -> Result<Launch<Self>, Reason> {
        let x = operand(operands, 0)?;
        let first_at = 1 + prologue.operands();
        let second_at = first_at + 1 + between.operands();
        let (first, [first_rows, k]) = weight(operands, first_at)?;
        let (second, [n, between_columns]) = weight(operands, second_at)?;
        if x.ty.width() != first.ty.width() {
            let wanted = first.ty.width();
            return Err(Reason::Width { operand: 0, ty: x.ty.clone(), wanted });
        }
        if !prologue.is_for_gemm() {
            return Err(Reason::Unsupported(
                "a softmax, the scale of a norm or a sum of slices before a product is a kernel of its own".into(),
            ));
        }
        if rows < 1 {
            return Err(Reason::Unsupported(format!("a tile of {rows} rows has nothing in it")));
        }
        let all_rows = x.ty.rows();
        let between_steps = RowEpilogue::of(
            &between.epilogue,
            (operands, first_at + 1),
            (&all_rows, &Dim::from(first_rows)),
        )?;
        let epilogue =
            RowEpilogue::of(epilogue, (operands, second_at + 1), (&all_rows, &Dim::from(n)))?;
        if epilogue.iter().any(RowEpilogue::is_gate) {
            return Err(Reason::Unsupported(
                "a gate stands between the products, not behind them".into(),
            ));
        }
        let Flat { words, shape } = flatten(BackToBackGemmArguments::<Given> {
            rows: Count(all_rows.clone()),
            x: RowOperand::of(0, x),
            prologue: RowPrologue::of(prologue, operands, &x.ty.width())?,
            first_weight: Address(Tensor::Operand(first_at)),
            between: between_steps,
            second_weight: Address(Tensor::Operand(second_at)),
            epilogue,
            result: EvenRows::of(Tensor::Result, result),
        });
        let gemms = BackToBackGemm {
            target: *target,
            k,
            first_rows,
            between_columns,
            n,
            x: shape.x,
            weights: [first.ty.element, second.ty.element],
            between_element: between.element,
            to: result.ty.element,
            prologue: shape.prologue,
            between: shape.between,
            epilogue: shape.epilogue,
            rows,
        };
        if between_columns * if gemms.is_gated() { 2 } else { 1 } != first_rows {
            let wanted = Dim::from(between_columns);
            return Err(Reason::Width { operand: second_at, ty: second.ty.clone(), wanted });
        }
        let [first_packing, second_packing] = gemms.packings();
        Ok(Launch {
            arguments: words,
            tiles: Tiles(vec![(all_rows, gemms.block_rows())]),
            scratch_bytes: Dim::from(gemms.sums_at() + gemms.sums_bytes()),
            packed: vec![(first_at, first_packing), (second_at, second_packing)],
            kernel: gemms,
        })
    }

    /// Which words its argument block has.
    fn arguments(&self) -> BackToBackGemmArguments {
        BackToBackGemmArguments {
            rows: Count::fixed(),
            x: self.x.clone(),
            prologue: self.prologue.clone(),
            first_weight: Address::fixed(),
            between: self.between.clone(),
            second_weight: Address::fixed(),
            epilogue: self.epilogue.clone(),
            result: EvenRows::fixed(),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(self.arguments());
        let rows = arguments.rows.amount();
        let [k, first_rows, n] = [self.k, self.first_rows, self.n].map(Amount::Constant);
        let [first, second] = self.packings();
        arguments.x.read(&mut words, &rows, self.k);
        arguments.prologue.read(&mut words, &k);
        words.read_run(&arguments.first_weight, first.element, first.elements());
        RowEpilogue::read(&arguments.between, &mut words, (&rows, &first_rows));
        words.read_run(&arguments.second_weight, second.element, second.elements());
        RowEpilogue::read(&arguments.epilogue, &mut words, (&rows, &n));
        let result = arguments.result;
        words.write(&result.start, self.to, [result.walk(rows.clone(), self.n)]);
        let tiles = rows.ceil_div(self.block_rows());
        words.tiled(tiles, self.sums_at() + self.sums_bytes())
    }

    /// The name of its symbol: `back_to_back_gemm_768x3072x768_layer_norm_bias_gelu_then_bias_f32`.
    pub(crate) fn name(&self) -> String {
        let steps = |chain: &[RowEpilogue]| chain.iter().map(RowEpilogue::name).collect::<String>();
        format!(
            "back_to_back_gemm_{}x{}x{}{}{}_then{}_{}",
            self.k,
            self.first_rows,
            self.n,
            self.prologue.name(),
            steps(&self.between),
            steps(&self.epilogue),
            self.to
        )
    }

    /// Rows of the micro-kernels.
    pub(crate) fn rows_at_once(&self) -> i64 {
        self.kernels()[0].rows
    }

    /// What multiplies x, and what multiplies the rows between: as many rows at once.
    fn kernels(&self) -> [MicroKernel; 2] {
        let [first, second] = self.weights;
        let kernels = |target: &CpuTarget| {
            [(self.prologue.element(self.x.element), first), (self.between_element, second)].map(
                |(rows, weight)| MicroKernel::new(PanelFormat::of(rows, weight, target), target),
            )
        };
        match kernels(&self.target) {
            // One product in tiles beside one in vectors: a panel of either would not be one of the other.
            [first, second] if first.rows != second.rows => {
                kernels(&CpuTarget { amx_bf16: false, ..self.target })
            }
            alike => alike,
        }
    }

    /// How the weights must be packed.
    fn packings(&self) -> [WeightPacking; 2] {
        let [first, second] = self.kernels();
        let [first_element, second_element] = self.weights;
        [
            WeightPacking {
                rows: self.first_rows,
                columns: self.k,
                element: first_element,
                halves: self.is_gated(),
                kernel: first,
            },
            WeightPacking {
                rows: self.n,
                columns: self.between_columns,
                element: second_element,
                halves: false,
                kernel: second,
            },
        ]
    }

    /// Rows of a tile: whole panels, as many as the scratch may hold.
    fn block_rows(&self) -> i64 {
        let kernel = self.kernels()[0];
        let max = (PACKED_BYTES / self.panel_bytes().iter().sum::<i64>()).max(1);
        ((self.rows - 1) / kernel.rows + 1).min(max) * kernel.rows
    }

    /// Bytes of a panel of rows of x, and of one of the rows between.
    fn panel_bytes(&self) -> [i64; 2] {
        let [first, second] = self.kernels();
        [
            first.row_panel_bytes(first.chunks(self.k)),
            second.row_panel_bytes(second.chunks(self.between_columns)),
        ]
    }

    /// Where in the scratch the rows between lie, behind those of x.
    fn between_at(&self) -> i64 {
        self.block_rows() / self.rows_at_once() * self.panel_bytes()[0]
    }

    /// Where in the scratch the sums lie, behind all rows.
    fn sums_at(&self) -> i64 {
        let panels = self.block_rows() / self.rows_at_once();
        self.between_at() + panels * self.panel_bytes()[1]
    }

    /// Bytes of the sums of either product.
    fn sums_bytes(&self) -> i64 {
        let bytes = self.kernels().map(|kernel| kernel.scratch_bytes());
        bytes.into_iter().max().unwrap_or(0)
    }

    /// Whether the halves of the first product are multiplied.
    fn is_gated(&self) -> bool {
        self.between.iter().any(RowEpilogue::is_gate)
    }
}

/// A weight with its rows and columns, which code is written for.
fn weight(operands: &[Layout], position: usize) -> Result<(&Layout, [i64; 2]), Reason> {
    let weight = operand(operands, position)?;
    match (weight.ty.rows().as_constant(), weight.ty.width().as_constant()) {
        (Some(rows), Some(columns)) if rows > 0 && columns > 0 => Ok((weight, [rows, columns])),
        _ => Err(Reason::Dynamic {
            operand: position,
            ty: weight.ty.clone(),
            what: "the rows and columns, at least one of each,",
        }),
    }
}
