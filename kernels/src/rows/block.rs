//! Reads the argument block of a launch, in the order in which `launch` wrote it.

use crate::mlir::{Builder, Type, Value};

/// Reads one word after the other.
#[derive(Debug)]
pub struct ArgumentReader {
    block: Value,
    word: i64,
}

impl ArgumentReader {
    /// Reads from the start of `block`.
    pub fn new(block: Value) -> Self {
        ArgumentReader { block, word: 0 }
    }

    /// The next word as an address.
    pub fn pointer(&mut self, b: &mut Builder) -> Value {
        self.next(b, Type::Pointer)
    }

    /// The next word as a number.
    pub fn integer(&mut self, b: &mut Builder) -> Value {
        self.next(b, Type::I64)
    }

    fn next(&mut self, b: &mut Builder, ty: Type) -> Value {
        let address = b.offset_constant(self.block, 8 * self.word);
        self.word += 1;
        b.load(address, ty)
    }
}
