//! [`ChunkRows`]: rows in shared memory whose chunks of 16 bytes are exchanged by the number of the row, so that neither the
//! copies of whole rows nor the reads of a chunk of eight rows ask a bank twice.
//!
//! Eight chunks fill the banks. Of rows of an odd number of chunks, any eight that follow each other have a chunk in different
//! banks as they lie. Otherwise chunks change places within groups of a power of two, which divides their number.

use crate::mlir::{Builder, Type, Value};

/// Bytes that a thread copies at once.
pub(crate) const CHUNK_BYTES: i64 = 16;

/// Elements of a chunk, each of two bytes.
pub(crate) const CHUNK: i64 = 8;

/// Chunks that fill the banks, as a power of two.
const BANK_BITS: u32 = 3;

/// Rows of so many chunks, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChunkRows {
    /// Chunks of a row.
    pub(crate) chunks: i64,
}

impl ChunkRows {
    /// Bytes of a row.
    pub(crate) fn bytes(&self) -> i64 {
        self.chunks * CHUNK_BYTES
    }

    /// How many chunks change places among each other, as a power of two.
    fn exchanged_bits(&self) -> u32 {
        self.chunks.trailing_zeros().min(BANK_BITS)
    }

    /// Where in its row a chunk lies, in bytes.
    pub(crate) fn within_row(&self, b: &mut Builder, row: Value, chunk: Value) -> Value {
        let bits = self.exchanged_bits();
        if bits == 0 {
            return b.mul_constant(chunk, CHUNK_BYTES);
        }
        // Rows of fewer chunks than fill the banks fill them together.
        let row =
            if bits < BANK_BITS { b.shift_right(row, i64::from(BANK_BITS - bits)) } else { row };
        let mask = b.integer((1 << bits) - 1, Type::I32);
        let key = b.and(row, mask);
        let chunk = b.xor(chunk, key);
        b.mul_constant(chunk, CHUNK_BYTES)
    }

    /// Where a row's chunk lies, in bytes from the first row.
    pub(crate) fn at(&self, b: &mut Builder, row: Value, chunk: Value) -> Value {
        let start = b.mul_constant(row, self.bytes());
        let chunk = self.within_row(b, row, chunk);
        b.add(start, chunk)
    }

    /// Where the chunks lie that come so many at a time behind one of a row, and those of rows whose numbers are as many more
    /// as eight divides.
    pub(crate) fn walk(
        &self,
        b: &mut Builder,
        (row, chunk): (Value, Value),
        step: i64,
    ) -> ChunkWalk {
        let start = self.at(b, row, chunk);
        let exchanged = 1 << self.exchanged_bits();
        let starts = (0..(exchanged / step).max(1))
            .map(|position| {
                let further = b.integer(CHUNK_BYTES * step * position, Type::I32);
                b.xor(start, further)
            })
            .collect();
        ChunkWalk { starts, step_bytes: CHUNK_BYTES * step, row_bytes: self.bytes() }
    }
}

/// Where a thread finds chunks of rows.
#[derive(Clone, Debug)]
pub(crate) struct ChunkWalk {
    /// The bytes at which the first steps begin; others lie behind them.
    starts: Vec<Value>,
    step_bytes: i64,
    row_bytes: i64,
}

impl ChunkWalk {
    /// The address of the chunk so many steps on, so many rows further down: a multiple of eight.
    pub(crate) fn at(&self, b: &mut Builder, rows: Value, (down, step): (i64, i64)) -> Value {
        let count = self.starts.len() as i64;
        let within = step.rem_euclid(count);
        let start = b.offset(rows, self.starts[within as usize]);
        b.offset_constant(start, down * self.row_bytes + (step - within) * self.step_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a chunk lies in its row, as the code computes it.
    fn place(rows: ChunkRows, row: i64, chunk: i64) -> i64 {
        let bits = rows.exchanged_bits();
        chunk ^ (row >> (BANK_BITS - bits) & ((1 << bits) - 1))
    }

    #[test]
    fn a_chunk_of_eight_rows_lies_in_all_banks() {
        for chunks in 1..=32 {
            let rows = ChunkRows { chunks };
            for (first, chunk) in (0..4).flat_map(|group| (0..chunks).map(move |c| (8 * group, c)))
            {
                let mut banks: Vec<i64> = (first..first + 8)
                    .map(|row| (row * chunks + place(rows, row, chunk)) % 8)
                    .collect();
                banks.sort_unstable();
                assert_eq!(banks, [0, 1, 2, 3, 4, 5, 6, 7], "{chunks} chunks, chunk {chunk}");
            }
        }
    }

    #[test]
    fn eight_chunks_that_follow_each_other_lie_in_all_banks() {
        for chunks in 1..=32 {
            let rows = ChunkRows { chunks };
            for first in (0..32 * chunks).step_by(8) {
                let mut banks: Vec<i64> = (first..first + 8)
                    .map(|number| (number / chunks, number % chunks))
                    .map(|(row, chunk)| (row * chunks + place(rows, row, chunk)) % 8)
                    .collect();
                banks.sort_unstable();
                assert_eq!(banks, [0, 1, 2, 3, 4, 5, 6, 7], "{chunks} chunks, from {first}");
            }
        }
    }
}
