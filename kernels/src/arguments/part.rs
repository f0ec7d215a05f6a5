//! [`Part`]: words of an argument block, in the order of their declaration, at any [`Stage`].

use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Combine;
use ocellus_dialects::venc::{Activation, Elementwise};
use ocellus_runtime::signature::Word;
use std::fmt::Debug;
use std::hash::Hash;

/// What is known of each word.
pub trait Stage: Copy + Debug + Eq + Hash {
    /// Of one that is a number.
    type Number: Clone + Debug + Eq + Hash;
    /// Of one that is an address.
    type Address: Clone + Debug + Eq + Hash;
}

/// Nothing but that it is there: what a kernel reads, whoever launches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape;

impl Stage for Shape {
    type Number = ();
    type Address = ();
}

/// Some words, in a fixed order.
pub trait Part<S: Stage>: Clone + Debug + Eq {
    /// The same words at another stage.
    type At<T: Stage>: Part<T>;

    /// Makes of each word, in their order, what it is at another stage.
    fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> Self::At<T>;
}

/// From one stage to another, word by word.
pub trait Change<S: Stage, T: Stage> {
    /// The next word is a number of that kind.
    fn number(&mut self, kind: Word, number: S::Number) -> T::Number;

    /// The next word is an address.
    fn address(&mut self, address: S::Address) -> T::Address;
}

/// A part whose words depend on nothing, so that there is one shape of it.
pub trait Fixed<S: Stage>: Part<S> {
    /// That shape.
    fn fixed() -> Self;
}

impl<S: Stage, P: Part<S>> Part<S> for Vec<P> {
    type At<T: Stage> = Vec<P::At<T>>;

    fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> Self::At<T> {
        self.into_iter().map(|part| part.map(change)).collect()
    }
}

impl<S: Stage, P: Part<S>> Part<S> for Option<P> {
    type At<T: Stage> = Option<P::At<T>>;

    fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> Self::At<T> {
        self.map(|part| part.map(change))
    }
}

/// What code is written for is no word.
macro_rules! constants {
    ($($constant:ty),*) => {
        $(impl<S: $crate::arguments::Stage> $crate::arguments::Part<S> for $constant {
            type At<T: $crate::arguments::Stage> = $constant;

            fn map<T: $crate::arguments::Stage>(
                self,
                _: &mut impl $crate::arguments::Change<S, T>,
            ) -> $constant {
                self
            }
        })*
    };
}

pub(crate) use constants;

constants!(Activation, Combine, Elementwise, ElementType, bool, i64, u32);

/// Declares a [`Part`]: a structure of parts, or one of several such structures. Its words are those of its fields, in
/// their order.
macro_rules! argument_block {
    (
        $(#[$meaning:meta])*
        $visibility:vis struct $name:ident<$stage:ident> {
            $($(#[$about:meta])* $access:vis $field:ident: $part:ty,)+
        }
    ) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $visibility struct $name<$stage: $crate::arguments::Stage = $crate::arguments::Shape> {
            $($(#[$about])* $access $field: $part,)+
        }

        impl<$stage: $crate::arguments::Stage> $crate::arguments::Part<$stage> for $name<$stage> {
            type At<Next: $crate::arguments::Stage> = $name<Next>;

            fn map<Next: $crate::arguments::Stage>(
                self,
                change: &mut impl $crate::arguments::Change<$stage, Next>,
            ) -> $name<Next> {
                $name { $($field: $crate::arguments::Part::map(self.$field, change),)+ }
            }
        }

        impl<$stage: $crate::arguments::Stage> $crate::arguments::Fixed<$stage> for $name<$stage>
        where
            $($part: $crate::arguments::Fixed<$stage>,)+
        {
            fn fixed() -> Self {
                $name { $($field: $crate::arguments::Fixed::fixed(),)+ }
            }
        }
    };
    (
        $(#[$meaning:meta])*
        $visibility:vis enum $name:ident<$stage:ident> {
            $($(#[$which:meta])* $variant:ident $({
                $($(#[$about:meta])* $field:ident: $part:ty,)+
            })?,)+
        }
    ) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $visibility enum $name<$stage: $crate::arguments::Stage = $crate::arguments::Shape> {
            $($(#[$which])* $variant $({ $($(#[$about])* $field: $part,)+ })?,)+
        }

        impl<$stage: $crate::arguments::Stage> $crate::arguments::Part<$stage> for $name<$stage> {
            type At<Next: $crate::arguments::Stage> = $name<Next>;

            fn map<Next: $crate::arguments::Stage>(
                self,
                change: &mut impl $crate::arguments::Change<$stage, Next>,
            ) -> $name<Next> {
                match self {
                    $($name::$variant $({ $($field,)+ })? => $name::$variant $({
                        $($field: $crate::arguments::Part::map($field, change),)+
                    })?,)+
                }
            }
        }
    };
}

pub(crate) use argument_block;
