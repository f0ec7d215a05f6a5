//! A chunk of a row, of the pieces in which it lies in memory: copied as it is, or by way of registers where it is stored
//! otherwise there, or in pieces that no asynchronous copy takes.

use crate::NvidiaTarget;
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::nvidia::{CHUNK_BYTES, copy};
use crate::vector;
use ocellus_dialects::ElementType;

/// The least that an asynchronous copy takes.
const LEAST_COPY: i64 = 4;

/// A run of elements of a chunk.
pub(super) struct Piece {
    /// Where it lies.
    pub(super) from: Value,
    /// Whether it is there.
    pub(super) there: Value,
}

/// How elements are stored in memory and in shared memory, and how many of them follow each other in memory.
#[derive(Clone, Copy)]
pub(super) struct Storage {
    pub(super) target: NvidiaTarget,
    pub(super) element: ElementType,
    pub(super) staged: ElementType,
    pub(super) run: i64,
}

impl Storage {
    /// Bytes of a piece in memory.
    fn piece_bytes(&self) -> i64 {
        self.run * self.element.bytes()
    }

    /// Copies a chunk; what is not there is zero. It is complete when it is waited for, or, where it is held, when it is
    /// stored.
    pub(super) fn copy(&self, b: &mut Builder, pieces: &[Piece], to: Value) -> Option<HeldChunk> {
        let bytes = self.piece_bytes();
        if self.element != self.staged || bytes < LEAST_COPY {
            return Some(HeldChunk { chunk: self.read(b, pieces), to });
        }
        for (number, piece) in pieces.iter().enumerate() {
            let to = b.offset_constant(to, number as i64 * bytes);
            let [all, none] = [bytes, 0].map(|bytes| b.integer(bytes, Type::I32));
            let size = b.select(piece.there, all, none);
            copy(b, bytes, size, (piece.from, to));
        }
        None
    }

    /// The elements of a chunk, as they are stored in shared memory: words of 32 bits.
    fn read(&self, b: &mut Builder, pieces: &[Piece]) -> Value {
        let mut elements = vec![];
        for piece in pieces {
            let ty = match self.run {
                1 => Type::Scalar(vector::storage(self.element)),
                run => Type::Vector(vector::storage(self.element), run as u32),
            };
            let read = |b: &mut Builder| vec![b.load_aligned(piece.from, ty, self.piece_bytes())];
            let zeros = |b: &mut Builder| vec![b.splat(0.0, ty)];
            for stored in b.if_else(piece.there, read, zeros) {
                let stored = self.converted(b, stored);
                match stored.ty() {
                    Type::Vector(_, lanes) => {
                        elements.extend((0..lanes).map(|lane| b.lane(stored, lane)));
                    }
                    _ => elements.push(stored),
                }
            }
        }
        if self.staged.bytes() == 4 {
            return b.vector(&elements);
        }
        let words: Vec<Value> = elements.chunks_exact(2).map(|pair| word(b, pair)).collect();
        b.vector(&words)
    }

    fn converted(&self, b: &mut Builder, stored: Value) -> Value {
        if self.element == self.staged {
            return stored;
        }
        let numbers = vector::widen(b, self.element, stored);
        vector::narrow(b, self.target, self.staged, numbers)
    }
}

/// Two elements of 16 bits as a word. (LLVM would carry a vector of which only some are read yet across branches, and its other
/// half would be a register that nobody wrote.)
fn word(b: &mut Builder, pair: &[Value]) -> Value {
    let mut word = b.integer(0, Type::I32);
    for (number, element) in pair.iter().enumerate() {
        let bits = match element.ty().scalar() {
            Scalar::I16 => *element,
            _ => b.bitcast(*element, Type::Scalar(Scalar::I16)),
        };
        let bits = b.extend_unsigned(bits, Scalar::I32);
        let bits = b.shift_left(bits, 16 * number as i64);
        word = b.or(word, bits);
    }
    word
}

/// A chunk that was read and is not yet in shared memory.
pub(super) struct HeldChunk {
    chunk: Value,
    to: Value,
}

impl HeldChunk {
    /// Stores it.
    pub(super) fn store(self, b: &mut Builder) {
        b.store_aligned(self.chunk, self.to, CHUNK_BYTES);
    }
}
