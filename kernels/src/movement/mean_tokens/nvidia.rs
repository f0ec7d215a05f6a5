//! A warp sums 32 columns. A thread has as many of them as lie aligned, so that some threads have a row, and the others share
//! the tokens with them: eight threads in a line, each with four columns, make four such lines.
//!
//! ```text
//! threads  0 ..  7    tokens 0, 4, 8 ..
//! threads  8 .. 15    tokens 1, 5, 9 ..
//! ```
//! So a thread waits for memory a part as often, and the order of the sums depends on nothing but the number of tokens.

use super::{MeanTokens, Tile};
use crate::entry::lane;
use crate::mlir::{Builder, Comparison};
use crate::vector::{element_pointer, fold_threads, store};
use crate::{NvidiaTarget, WARP};

impl MeanTokens {
    /// Writes the means of a tile.
    pub(super) fn write_by_warp(&self, b: &mut Builder, target: NvidiaTarget, tile: &Tile) {
        let lines = i64::from(self.at_once);
        let threads_of_line = WARP / lines;
        let (lane, of_line) = (lane(b), b.i64(threads_of_line));
        let (line, place) = (b.div(lane, of_line), b.rem(lane, of_line));
        let column = b.mul_constant(place, i64::from(self.at_once));

        // A thread behind the last column has no tokens, but the others need it to add their sums.
        let (zero, has_columns) = (b.i64(0), b.compare(Comparison::Less, column, tile.width));
        let end = b.select(has_columns, tile.tokens, zero);
        let x = element_pointer(b, tile.x, self.element, column);
        let own = self.sum(b, (x, tile.row_bytes), (line, end, lines), self.at_once);
        let mut sums = vec![];
        for column in 0..self.at_once {
            let own = b.lane(own, column);
            sums.push(fold_threads(b, own, threads_of_line, Builder::add));
        }

        let last = b.select(has_columns, of_line, zero);
        let writes = b.compare(Comparison::Less, lane, last);
        b.if_then(writes, |b| {
            let sum = b.vector(&sums);
            let factor = b.broadcast(tile.factor, self.at_once);
            let mean = b.mul(sum, factor);
            let to = element_pointer(b, tile.to, self.element, column);
            store(b, target, self.element, mean, to);
        });
    }
}
