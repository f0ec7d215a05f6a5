//! Says what was compiled and why.
//!
//! ```text
//! Program ──gather──► Explanation ──┬─ text ──► for a terminal
//!                      (as data)    ├─ json ──► for a program
//!                                   └─ html ──► one file for a browser
//! ```
//!
//! An artifact carries its explanation as an attachment, so that it can say later why it is as it is.

mod breakpoints;
mod explanation;
mod gather;
mod html;
mod json;
mod piece_map;
mod plot;
mod text;

pub(crate) use gather::Compilation;

pub use explanation::{
    Explanation, Function, Kernel, Machine, Missed, NextBest, Piece, PieceMap, Plot, Range, Rule,
    Saturation,
};
pub use json::ExplanationError;
