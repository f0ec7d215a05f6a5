//! The argument block of a launch: 64-bit words, in the order of one declaration, by which they are written and read.
//!
//! ```text
//! argument_block! {
//!     pub(crate) struct InversePermutationArguments<S> {
//!         index: Address<S>,
//!         result: Address<S>,
//!         count: Count<S>,
//!     }
//! }
//! ```
//! The fields are the words, in their order. `S`, the [`Stage`], is what is known of each:
//!
//! | stage | an address is | a number is | whose it is |
//! | --- | --- | --- | --- |
//! | [`Shape`] | - | - | a kernel's: which words it reads |
//! | [`Given`] | an operand, or the result | a dimension | a launch's, of which `flatten` makes the argument block |
//! | [`Placed`] | a position | a position | a signature's, which says what is done there (`Words`), and the code's, which loads it |
//!
//! A field may also be a [`Part`] that kernels share, such as the [rows of an operand](crate::rows::RowOperand), a list
//! of such parts, or one that may be absent. It may be a constant too, which is no word: what code is written for. So the
//! shape of a block is part of a kernel's definition, and the only place that says how many words there are.

mod given;
mod number;
mod part;
mod placed;
mod words;

pub(crate) use given::{Flat, flatten};
pub use given::{Given, Tensor};
pub use number::{Address, Count, Distance, Positive};
pub use part::{Change, Fixed, Part, Shape, Stage};
pub(crate) use part::{argument_block, constants};
pub use placed::Placed;
pub(crate) use words::{Words, place};

#[cfg(test)]
mod tests;
