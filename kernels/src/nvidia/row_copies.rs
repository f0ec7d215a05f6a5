//! [`RowCopies`]: how the threads of a block copy rows of a matrix to shared memory, chunk by chunk.
//!
//! Threads take chunks that follow each other, as many passes as that needs. What the last pass has behind the last row is
//! filled with zeros that nobody reads, so that no thread needs a branch.

use super::chunks::{CHUNK_BYTES, ChunkRows};
use super::copy_async::copy;
use super::held_chunk::{HeldChunk, LEAST_COPY, read_if};
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};

/// How a thread copies its share of a tile of rows.
#[derive(Clone, Debug)]
pub(crate) struct RowCopies {
    /// What the thread copies in each pass.
    pieces: Vec<Piece>,
}

/// A chunk that a thread copies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Its row, `i32`.
    pub(crate) row: Value,
    /// Its number in the row, `i32`.
    pub(crate) chunk: Value,
    /// Where it lies in the tile, in bytes, `i32`.
    place: Value,
    /// Whether it is one of the rows, where not all of the pass are.
    is_there: Option<Value>,
}

/// How much shared memory a tile takes: `count` rows, copied by so many threads.
pub(crate) fn tile_bytes(rows: ChunkRows, count: i64, threads: i64) -> i64 {
    passes(rows, count, threads) * threads * CHUNK_BYTES
}

fn passes(rows: ChunkRows, count: i64, threads: i64) -> i64 {
    (rows.chunks * count + threads - 1) / threads
}

impl RowCopies {
    /// The share of a thread, of `count` rows that so many threads copy.
    pub(crate) fn of(
        b: &mut Builder,
        rows: ChunkRows,
        count: i64,
        (thread, threads): (Value, i64),
    ) -> Self {
        let chunks = b.integer(rows.chunks, Type::I32);
        let end = b.integer(count, Type::I32);
        let mut piece = |pass: i64| {
            let number = b.add_constant(thread, pass * threads);
            let (row, chunk) = match threads % rows.chunks {
                // The chunk is the same in every pass.
                0 => {
                    let first = b.div(thread, chunks);
                    let row = b.add_constant(first, pass * (threads / rows.chunks));
                    (row, b.rem(thread, chunks))
                }
                _ => (b.div(number, chunks), b.rem(number, chunks)),
            };
            let place = rows.at(b, row, chunk);
            let is_whole = (pass + 1) * threads <= count * rows.chunks;
            let is_there = (!is_whole).then(|| b.compare(Comparison::Less, row, end));
            Piece { row, chunk, place, is_there }
        };
        let pieces = (0..passes(rows, count, threads)).map(&mut piece).collect();
        RowCopies { pieces }
    }

    /// How far behind the first row's address each piece is read, of rows at that distance in bytes.
    pub(crate) fn offsets(&self, b: &mut Builder, row_bytes: Value) -> Vec<Value> {
        let mut offset = |piece: &Piece| {
            let row = b.extend_unsigned(piece.row, Scalar::I64);
            let row = b.mul(row, row_bytes);
            let chunk = b.mul_constant(piece.chunk, CHUNK_BYTES);
            let chunk = b.extend_unsigned(chunk, Scalar::I64);
            b.add(row, chunk)
        };
        self.pieces.iter().map(&mut offset).collect()
    }

    /// Copies the rows, `run` elements of so many bytes at once. `size` says how many bytes there are of a run, which begins
    /// so many elements behind a piece's first.
    pub(crate) fn copy(
        &self,
        b: &mut Builder,
        (run, element_bytes): (i64, i64),
        (from, offsets, to): (Value, &[Value], Value),
        mut size: impl FnMut(&mut Builder, &Piece, i64) -> Value,
    ) {
        for (piece, offset) in self.pieces.iter().zip(offsets) {
            let from = b.offset(from, *offset);
            let to = b.offset(to, piece.place);
            let runs = (0..CHUNK_BYTES / element_bytes).step_by(run as usize).map(|within| {
                let mut size = size(b, piece, within);
                if let Some(is_there) = piece.is_there {
                    let none = b.integer(0, Type::I32);
                    size = b.select(is_there, size, none);
                }
                Run { at: element_bytes * within, size }
            });
            let runs: Vec<Run> = runs.collect();
            match run * element_bytes {
                bytes if bytes >= LEAST_COPY => copy_runs(b, &runs, bytes, (from, to)),
                _ => copy_singles(b, &runs, (from, to)),
            }
        }
    }
}

/// A run of elements of a chunk.
struct Run {
    /// How many bytes behind the chunk's first it begins.
    at: i64,
    /// How many bytes of it there are, `i32`.
    size: Value,
}

/// Copies runs of so many bytes beside the work.
fn copy_runs(b: &mut Builder, runs: &[Run], bytes: i64, (from, to): (Value, Value)) {
    for run in runs {
        let [from, to] = [from, to].map(|start| b.offset_constant(start, run.at));
        copy(b, bytes, run.size, (from, to));
    }
}

/// Copies single elements of 16 bits at once, all or none of each.
fn copy_singles(b: &mut Builder, runs: &[Run], (from, to): (Value, Value)) {
    let zero = b.integer(0, Type::I32);
    let mut elements = vec![];
    for run in runs {
        let from = b.offset_constant(from, run.at);
        let is_there = b.compare(Comparison::Less, zero, run.size);
        elements.extend(read_if(b, is_there, (from, Type::Scalar(Scalar::I16))));
    }
    HeldChunk::of(b, &elements, to).store(b);
}
