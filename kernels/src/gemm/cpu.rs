//! Writes the gemm for a CPU.

use super::packed_rows::{PackedRows, TensorRows};
use super::panel_product::{Block, PanelProduct};
use super::{Gemm, Schedule};
use crate::CpuTarget;
use crate::mlir::{Builder, Comparison, Linkage, Module, Type, Value};
use crate::rows::{ArgumentReader, BoundEpilogue, BoundPrologue, BoundRows, BoundSource};

/// A gemm being written: what its parts share.
struct Emitter<'a> {
    gemm: &'a Gemm,
    schedule: Schedule,
    rows: Value,
    x: BoundSource,
    prologue: BoundPrologue,
    packed: &'a PackedRows<'a>,
    product: PanelProduct<'a>,
}

impl Gemm {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let schedule = self.schedule(target);
        let microkernel = schedule.kernel.define(module);
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let [block, first, end, scratch] = parameters else { return };
            let mut arguments = ArgumentReader::new(*block);
            let rows = arguments.integer(b);
            let gathered = b.offset_constant(*scratch, schedule.scratch_bytes());
            let x = self.x.read(b, &mut arguments, gathered);
            let prologue = BoundPrologue::read(self.prologue, b, &mut arguments);
            let weight = arguments.pointer(b);
            let epilogue = BoundEpilogue::read(&self.epilogue, b, &mut arguments);
            let result = BoundRows::contiguous(self.to, b, &mut arguments);
            let packed =
                PackedRows { target, kernel: schedule.kernel, width: self.k, base: *scratch };
            let product = PanelProduct {
                microkernel: &microkernel,
                packed: &packed,
                weight,
                packing: self.packing(target),
                epilogue: &epilogue,
                sums: b.offset_constant(*scratch, schedule.packed_bytes()),
                sink: &TensorRows { target, rows: result },
            };
            let packed = &packed;
            let emitter = Emitter { gemm: self, schedule, rows, x, prologue, packed, product };
            emitter.tiles(b, *first, *end);
        });
    }
}

impl Emitter<'_> {
    /// Runs the tiles `first..end`, and packs rows where a tile's block is not the one before's.
    fn tiles(&self, b: &mut Builder, first: Value, end: Value) {
        let groups = self.gemm.n.div_euclid(self.schedule.tile_columns)
            + i64::from(self.gemm.n % self.schedule.tile_columns != 0);
        let none = b.i64(-1);
        b.for_loop((first, end, 1), &[none], |b, tile, packed| {
            let groups = b.i64(groups);
            let index = b.div(tile, groups);
            let group = b.rem(tile, groups);
            let division = (self.schedule.kernel, self.schedule.block_rows);
            let block = Block::of(b, index, self.rows, division);
            let stale = b.compare(Comparison::NotEqual, index, packed[0]);
            b.if_then(stale, |b| self.packed.pack(b, block, (&self.x, &self.prologue)));
            self.tile(b, block, group);
            vec![index]
        });
    }

    /// The panels of columns of one tile, each by all panels of rows.
    fn tile(&self, b: &mut Builder, block: Block, group: Value) {
        let panels = self.schedule.tile_columns / self.schedule.kernel.columns;
        let first = b.mul_constant(group, panels);
        let end = b.add_constant(first, panels);
        let most = b.i64(self.product.all_panels());
        let end = b.min(end, most);
        self.product.write(b, block, (first, end));
    }
}
