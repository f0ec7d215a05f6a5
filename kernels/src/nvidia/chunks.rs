//! [`ChunkRows`]: rows in shared memory whose chunks of 16 bytes are exchanged by the number of the row, so that neither the
//! copies of whole rows nor the reads of a chunk of eight rows ask a bank twice; or, where that is asked for, of two chunks of
//! four rows.
//!
//! Eight chunks fill the banks. Of rows of an odd number of chunks, any eight that follow each other have a chunk in different
//! banks as they lie. Otherwise chunks change places within groups of a power of two, which divides their number. What holds of
//! chunks holds of pairs of them, of which four fill the banks.

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
    /// How many chunks change places together, as a power of two.
    together_bits: u32,
}

impl ChunkRows {
    /// Rows of so many chunks, of which a chunk of eight rows is read at once.
    pub(crate) const fn of(chunks: i64) -> Self {
        ChunkRows { chunks, together_bits: 0 }
    }

    /// Rows of so many chunks, an even number, of which two beside each other of four rows are read at once.
    pub(crate) const fn of_pairs(chunks: i64) -> Self {
        ChunkRows { chunks, together_bits: 1 }
    }

    /// Bytes of a row.
    pub(crate) fn bytes(&self) -> i64 {
        self.chunks * CHUNK_BYTES
    }

    /// Rows of which chunks that are read at once fill the banks, as a power of two.
    fn row_bits(&self) -> u32 {
        BANK_BITS - self.together_bits
    }

    /// How many chunks, or pairs of them, change places among each other, as a power of two.
    fn exchanged_bits(&self) -> u32 {
        (self.chunks >> self.together_bits).trailing_zeros().min(self.row_bits())
    }

    /// Where in its row a chunk lies, in bytes.
    pub(crate) fn within_row(&self, b: &mut Builder, row: Value, chunk: Value) -> Value {
        let bits = self.exchanged_bits();
        if bits == 0 {
            return b.mul_constant(chunk, CHUNK_BYTES);
        }
        // Rows of fewer chunks than fill the banks fill them together.
        let shared = i64::from(self.row_bits() - bits);
        let row = if shared > 0 { b.shift_right(row, shared) } else { row };
        let mask = b.integer((1 << bits) - 1, Type::I32);
        let key = b.and(row, mask);
        let key = b.mul_constant(key, 1 << self.together_bits);
        let chunk = b.xor(chunk, key);
        b.mul_constant(chunk, CHUNK_BYTES)
    }

    /// Where a row's chunk lies, in bytes from the first row.
    pub(crate) fn at(&self, b: &mut Builder, row: Value, chunk: Value) -> Value {
        let start = b.mul_constant(row, self.bytes());
        let chunk = self.within_row(b, row, chunk);
        b.add(start, chunk)
    }

    /// Where the chunks lie that come so many at a time behind one of a row, and those of rows whose numbers are a multiple of
    /// eight more, or of four where pairs change places.
    pub(crate) fn walk(
        &self,
        b: &mut Builder,
        (row, chunk): (Value, Value),
        step: i64,
    ) -> ChunkWalk {
        let start = self.at(b, row, chunk);
        let exchanged = 1 << (self.exchanged_bits() + self.together_bits);
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
    /// The same so many bytes further on in each chunk, `i32`.
    pub(crate) fn further(self, b: &mut Builder, bytes: Value) -> Self {
        let starts = self.starts.iter().map(|start| b.add(*start, bytes)).collect();
        ChunkWalk { starts, ..self }
    }

    /// The address of the chunk so many steps on, so many rows further down: a multiple of eight, or of four.
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

    /// The bank of a row's chunk, as the code computes it.
    fn bank(rows: ChunkRows, row: i64, chunk: i64) -> i64 {
        let bits = rows.exchanged_bits();
        let key = row >> (rows.row_bits() - bits) & ((1 << bits) - 1);
        (row * rows.chunks + (chunk ^ key << rows.together_bits)) % 8
    }

    fn assert_all_banks(banks: impl Iterator<Item = i64>, what: &str) {
        let mut banks: Vec<i64> = banks.collect();
        banks.sort_unstable();
        assert_eq!(banks, [0, 1, 2, 3, 4, 5, 6, 7], "{what}");
    }

    fn all_rows() -> impl Iterator<Item = ChunkRows> {
        let pairs = (2..=32).step_by(2).map(ChunkRows::of_pairs);
        (1..=32).map(ChunkRows::of).chain(pairs)
    }

    #[test]
    fn what_is_read_at_once_lies_in_all_banks() {
        for rows in all_rows() {
            let (height, width) = (1 << rows.row_bits(), 1 << rows.together_bits);
            for first in (0..32).step_by(height as usize) {
                for start in (0..rows.chunks).step_by(width as usize) {
                    let read = (first..first + height)
                        .flat_map(|row| (start..start + width).map(move |chunk| (row, chunk)));
                    let banks = read.map(|(row, chunk)| bank(rows, row, chunk));
                    assert_all_banks(banks, &format!("{rows:?}, chunk {start}"));
                }
            }
        }
    }

    #[test]
    fn eight_chunks_that_follow_each_other_lie_in_all_banks() {
        for rows in all_rows() {
            for first in (0..32 * rows.chunks).step_by(8) {
                let copied =
                    (first..first + 8).map(|number| (number / rows.chunks, number % rows.chunks));
                let banks = copied.map(|(row, chunk)| bank(rows, row, chunk));
                assert_all_banks(banks, &format!("{rows:?}, from {first}"));
            }
        }
    }
}
