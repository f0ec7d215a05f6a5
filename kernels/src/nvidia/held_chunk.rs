//! [`HeldChunk`]: a chunk on its way to shared memory that goes through registers, since no asynchronous copy takes it as it lies.

use super::chunks::CHUNK_BYTES;
use crate::mlir::{Builder, Scalar, Type, Value};

/// Bytes that an asynchronous copy takes at least.
pub(crate) const LEAST_COPY: i64 = 4;

/// A chunk that was read and is not yet in shared memory.
pub(crate) struct HeldChunk {
    chunk: Value,
    to: Value,
}

impl HeldChunk {
    /// The chunk of those elements, of 16 or of 32 bits, and where it is stored.
    pub(crate) fn of(b: &mut Builder, elements: &[Value], to: Value) -> Self {
        let are_words = elements.iter().all(|element| element.ty().scalar().bytes() == 4);
        let chunk = match are_words {
            true => b.vector(elements),
            false => {
                let words: Vec<Value> =
                    elements.chunks_exact(2).map(|pair| word(b, pair)).collect();
                b.vector(&words)
            }
        };
        HeldChunk { chunk, to }
    }

    /// Stores it.
    pub(crate) fn store(self, b: &mut Builder) {
        b.store_aligned(self.chunk, self.to, CHUNK_BYTES);
    }
}

/// Reads elements at a multiple of so many bytes; zeros where they are not there.
pub(crate) fn read_if(b: &mut Builder, is_there: Value, (from, ty): (Value, Type)) -> Vec<Value> {
    let bytes = i64::from(ty.lanes()) * ty.scalar().bytes();
    let read = |b: &mut Builder| vec![b.load_aligned(from, ty, bytes)];
    b.if_else(is_there, read, |b| vec![b.splat(0.0, ty)])
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
