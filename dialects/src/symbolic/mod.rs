//! Symbolic dimensions: what the size of a tensor is when it is known only at run time.
//!
//! A module declares [`Symbol`]s ([`Symbols`]); every dimension is a [`Dim`], a polynomial over them in
//! normal form, so that two dimensions are equal exactly when their normal forms are.

mod arithmetic;
mod declaration;
mod dim;
mod interval;
mod polynomial;
mod predicate;
mod region;
mod symbols;

pub use arithmetic::{
    NoValue, Number, Overflow, ceil_div, floor_div, product, sum, sum_of_products,
};
pub use declaration::{Declaration, ParseSymbolError};
pub use dim::{Bindings, Dim, ParseDimError, Symbol};
pub use interval::Interval;
pub use polynomial::Polynomial;
pub use predicate::{Answer, Path, Predicate};
pub use region::Region;
pub use symbols::{Definition, SymbolError, SymbolRange, Symbols};
