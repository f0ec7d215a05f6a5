//! The words themselves: numbers, of three kinds, and addresses.

use super::{Change, Fixed, Part, Shape, Stage};
use ocellus_runtime::signature::Word;

/// Declares a kind of number.
macro_rules! number {
    ($(#[$meaning:meta])* $name:ident = $kind:expr) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name<S: Stage = Shape>(pub S::Number);

        impl<S: Stage> Part<S> for $name<S> {
            type At<T: Stage> = $name<T>;

            fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> $name<T> {
                $name(change.number($kind, self.0))
            }
        }

        impl Fixed<Shape> for $name<Shape> {
            fn fixed() -> Self {
                $name(())
            }
        }
    };
}

number! {
    /// A number of things.
    Count = Word::Count { min: 0 }
}

number! {
    /// A number of things, at least one: the kernel divides by it.
    Positive = Word::Count { min: 1 }
}

number! {
    /// A number of elements from one thing to the next.
    Distance = Word::Distance
}

/// Where a tensor begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address<S: Stage = Shape>(pub S::Address);

impl<S: Stage> Part<S> for Address<S> {
    type At<T: Stage> = Address<T>;

    fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> Address<T> {
        Address(change.address(self.0))
    }
}

impl Fixed<Shape> for Address<Shape> {
    fn fixed() -> Self {
        Address(())
    }
}
