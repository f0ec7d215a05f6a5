//! From a compilation to what is said of it: an [`Explanation`](ocellus_explain::Explanation).

mod breakpoints;
mod gather;
mod piece_map;
mod plot;

pub(crate) use gather::{Compilation, gather};
