//! A chunk of a row, of the pieces in which it lies in memory: copied as it is, or by way of registers where it is stored
//! otherwise there, or in pieces that no asynchronous copy takes.

use crate::NvidiaTarget;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{HeldChunk, LEAST_COPY, copy, read_if};
use crate::vector;
use ocellus_dialects::ElementType;

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
            let elements = self.read(b, pieces);
            return Some(HeldChunk::of(b, &elements, to));
        }
        for (number, piece) in pieces.iter().enumerate() {
            let to = b.offset_constant(to, number as i64 * bytes);
            let [all, none] = [bytes, 0].map(|bytes| b.integer(bytes, Type::I32));
            let size = b.select(piece.there, all, none);
            copy(b, bytes, size, (piece.from, to));
        }
        None
    }

    /// The elements of a chunk, as they are stored in shared memory.
    fn read(&self, b: &mut Builder, pieces: &[Piece]) -> Vec<Value> {
        let mut elements = vec![];
        for piece in pieces {
            let ty = match self.run {
                1 => Type::Scalar(vector::storage(self.element)),
                run => Type::Vector(vector::storage(self.element), run as u32),
            };
            for stored in read_if(b, piece.there, (piece.from, ty)) {
                let stored = self.converted(b, stored);
                match stored.ty() {
                    Type::Vector(_, lanes) => {
                        elements.extend((0..lanes).map(|lane| b.lane(stored, lane)));
                    }
                    _ => elements.push(stored),
                }
            }
        }
        elements
    }

    fn converted(&self, b: &mut Builder, stored: Value) -> Value {
        if self.element == self.staged {
            return stored;
        }
        let numbers = vector::widen(b, self.element, stored);
        vector::narrow(b, self.target, self.staged, numbers)
    }
}
