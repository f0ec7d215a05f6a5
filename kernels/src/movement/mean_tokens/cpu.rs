//! A thread sums as many columns at once as a vector has, from the first token to the last.

use super::{MeanTokens, Tile};
use crate::CpuTarget;
use crate::mlir::Builder;
use crate::vector::{Width, element_pointer, for_columns, store};

impl MeanTokens {
    /// Writes the means of a tile.
    pub(super) fn write_in_vectors(&self, b: &mut Builder, target: CpuTarget, tile: &Tile) {
        let zero = b.i64(0);
        for_columns(b, target, Width::Dynamic(tile.width), |b, column, lanes| {
            let x = element_pointer(b, tile.x, self.element, column);
            let sum = self.sum(b, (x, tile.row_bytes), (zero, tile.tokens, 1), lanes);
            let factor = b.broadcast(tile.factor, lanes);
            let mean = b.mul(sum, factor);
            let to = element_pointer(b, tile.to, self.element, column);
            store(b, target, self.element, mean, to);
        });
    }
}
