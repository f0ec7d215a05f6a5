//! Writes two gemms in one launch for a CPU.

use super::BackToBackGemm;
use crate::arguments::place;
use crate::entry::{Entry, Worker};
use crate::gemm::{Block, Multiplier, PackedRows, PanelProduct, TensorRows};
use crate::mlir::{Builder, Module, Value};
use crate::rows::{BoundEpilogue, BoundPrologue, BoundRows, BoundSource};

impl BackToBackGemm {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = &self.target;
        let kernels = self.kernels();
        let [first_kernel, second_kernel] = kernels;
        let multipliers = kernels.map(|kernel| kernel.define(module));
        let [first_packing, second_packing] = self.packings();
        entry.define(module, |b, Worker { block, first: first_tile, end: end_tile, scratch }| {
            let arguments = place(self.arguments());
            let rows = arguments.rows.load(b, block);
            let x = BoundSource::Rows(BoundRows::load(b, block, &arguments.x));
            let prologue = BoundPrologue::load(b, block, &arguments.prologue);
            let first_weight = arguments.first_weight.load(b, block);
            let between_epilogue = BoundEpilogue::load(b, block, &arguments.between);
            let second_weight = arguments.second_weight.load(b, block);
            let epilogue = BoundEpilogue::load(b, block, &arguments.epilogue);
            let result = BoundRows::load_even(b, block, &arguments.result, self.to);

            let sums = b.offset_constant(scratch, self.sums_at());
            let packed = PackedRows { target, kernel: first_kernel, width: self.k, base: scratch };
            let between = PackedRows {
                target,
                kernel: second_kernel,
                width: self.between_columns,
                base: b.offset_constant(scratch, self.between_at()),
            };
            let first = PanelProduct {
                multiplier: &multipliers[0],
                packed: &packed,
                weight: first_weight,
                packing: first_packing,
                epilogue: &between_epilogue,
                sums,
                sink: &between,
            };
            let second = PanelProduct {
                multiplier: &multipliers[1],
                packed: &between,
                weight: second_weight,
                packing: second_packing,
                epilogue: &epilogue,
                sums,
                sink: &TensorRows { target, rows: result },
            };
            let division = (first_kernel, self.block_rows());
            let blocks = |b: &mut Builder, index: Value| {
                let block = Block::of(b, index, rows, division);
                packed.pack(b, block, (&x, &prologue));
                // Nothing that an earlier block left behind may be multiplied: it could be no number.
                between.finish(b, block);
                for product in [&first, &second] {
                    let all = [0, product.all_panels()].map(|panel| b.i64(panel));
                    product.write(b, block, (all[0], all[1]));
                }
            };
            Multiplier::use_in(&multipliers, b, |b| {
                b.for_each((first_tile, end_tile, 1), blocks);
            });
        });
    }
}
