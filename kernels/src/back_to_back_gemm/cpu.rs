//! Writes two gemms in one launch for a CPU.

use super::BackToBackGemm;
use crate::CpuTarget;
use crate::gemm::{Block, PackedRows, PanelProduct, TensorRows};
use crate::mlir::{Linkage, Module, Type};
use crate::rows::{ArgumentReader, BoundEpilogue, BoundPrologue, BoundRows, BoundSource};

impl BackToBackGemm {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let kernels = self.kernels(target);
        let [first_kernel, second_kernel] = kernels;
        let microkernels = kernels.map(|kernel| kernel.define(module));
        let [first_packing, second_packing] = self.packings(target);
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let [block, first_tile, end_tile, scratch] = parameters else { return };
            let mut arguments = ArgumentReader::new(*block);
            let rows = arguments.integer(b);
            let x = BoundSource::Rows(self.x.read(b, &mut arguments));
            let prologue = BoundPrologue::read(self.prologue, b, &mut arguments);
            let first_weight = arguments.pointer(b);
            let between_epilogue = BoundEpilogue::read(&self.between, b, &mut arguments);
            let second_weight = arguments.pointer(b);
            let epilogue = BoundEpilogue::read(&self.epilogue, b, &mut arguments);
            let result = BoundRows::contiguous(self.to, b, &mut arguments);

            let sums = b.offset_constant(*scratch, self.sums_at(target));
            let packed = PackedRows { target, kernel: first_kernel, width: self.k, base: *scratch };
            let between = PackedRows {
                target,
                kernel: second_kernel,
                width: self.between_columns,
                base: b.offset_constant(*scratch, self.between_at(target)),
            };
            let first = PanelProduct {
                microkernel: &microkernels[0],
                packed: &packed,
                weight: first_weight,
                packing: first_packing,
                epilogue: &between_epilogue,
                sums,
                sink: &between,
            };
            let second = PanelProduct {
                microkernel: &microkernels[1],
                packed: &between,
                weight: second_weight,
                packing: second_packing,
                epilogue: &epilogue,
                sums,
                sink: &TensorRows { target, rows: result },
            };
            let division = (first_kernel, self.block_rows(target));
            b.for_each((*first_tile, *end_tile, 1), |b, index| {
                let block = Block::of(b, index, rows, division);
                packed.pack(b, block, (&x, &prologue));
                // Nothing that an earlier block left behind may be multiplied: it could be no number.
                between.finish(b, block);
                for product in [&first, &second] {
                    let all = [0, product.all_panels()].map(|panel| b.i64(panel));
                    product.write(b, block, (all[0], all[1]));
                }
            });
        });
    }
}
