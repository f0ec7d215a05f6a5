//! What kernels for NVIDIA GPUs are made of, whatever their family: rows in shared memory, copies to them that go on beside the
//! work, and products of what is read from there.

mod answer_rows;
mod arithmetic;
mod chunks;
mod copy_async;
mod held_chunk;
mod row_copies;
mod stages;
mod tensor_core;
mod thread;

pub(crate) use answer_rows::AnswerRows;
pub use arithmetic::Arithmetic;
pub(crate) use arithmetic::{Parts, READ_BYTES, half_of_pair};
pub(crate) use chunks::{CHUNK, CHUNK_BYTES, ChunkRows, ChunkWalk};
pub(crate) use copy_async::{barrier, commit, copy, wait};
pub(crate) use held_chunk::{HeldChunk, LEAST_COPY, read_if};
pub(crate) use row_copies::{Piece, RowCopies, tile_bytes};
pub(crate) use stages::Stages;
pub(crate) use tensor_core::{MMA, Matrices, Sums, no_sums, read_matrices};
pub(crate) use thread::Thread;
