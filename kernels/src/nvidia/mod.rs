//! What kernels for NVIDIA GPUs are made of, whatever their family: rows in shared memory, copies to them that go on beside the
//! work, and products of what is read from there.

mod answer_rows;
mod arithmetic;
mod chunks;
mod copy_async;
mod held_chunk;
mod row_copies;
mod tensor_core;
mod thread;

pub(crate) use answer_rows::AnswerRows;
pub use arithmetic::Arithmetic;
pub(crate) use arithmetic::Parts;
pub(crate) use chunks::{CHUNK, CHUNK_BYTES, ChunkRows, ChunkWalk};
pub(crate) use copy_async::{barrier, commit, copy, wait};
pub(crate) use held_chunk::{HeldChunk, LEAST_COPY, read_if};
pub(crate) use row_copies::{Piece, RowCopies, tile_bytes};
pub(crate) use tensor_core::{MMA, Matrices, Sums, multiply, no_sums, read_matrices};
pub(crate) use thread::Thread;
