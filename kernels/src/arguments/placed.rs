//! [`Placed`]: where each word stands, for a signature and for code.

use super::{Address, Count, Distance, Positive, Stage};
use crate::mlir::{Builder, Type, Value};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::Amount;

/// The position of each word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placed;

impl Stage for Placed {
    type Number = usize;
    type Address = usize;
}

/// What a number is in a signature, and in code.
macro_rules! number {
    ($name:ident) => {
        impl $name<Placed> {
            /// The number, in a signature.
            pub(crate) fn amount(&self) -> Amount {
                Amount::Word(self.0)
            }

            /// The number, in code that has the argument block.
            pub(crate) fn load(&self, b: &mut Builder, block: Value) -> Value {
                load(b, (block, self.0), Type::I64)
            }
        }
    };
}

number!(Count);
number!(Positive);
number!(Distance);

impl Distance<Placed> {
    /// The distance in bytes, between elements that are stored so.
    pub(crate) fn load_bytes(&self, b: &mut Builder, block: Value, element: ElementType) -> Value {
        let elements = self.load(b, block);
        b.mul_constant(elements, element.bytes())
    }
}

impl Address<Placed> {
    /// The address, in code that has the argument block.
    pub(crate) fn load(&self, b: &mut Builder, block: Value) -> Value {
        load(b, (block, self.0), Type::Pointer)
    }
}

fn load(b: &mut Builder, (block, position): (Value, usize), ty: Type) -> Value {
    let address = b.offset_constant(block, 8 * position as i64);
    b.load(address, ty)
}
