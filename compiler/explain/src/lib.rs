//! What was compiled and why: [`Explanation`], which the compiler makes of a compilation.
//!
//! ```text
//! compilation ──► Explanation ──┬─ text ──► for a terminal
//!                  (as data)    ├─ json ──► for a program
//!                               └─ html ──► one file for a browser
//! ```
//!
//! An artifact carries its explanation as an attachment, so that it can say later why it is as it is.

mod explanation;
mod html;
mod json;
mod text;

pub use explanation::{
    Explanation, FORMAT, Function, Kernel, Machine, Missed, NextBest, Piece, PieceMap, Plot, Range,
    Rule, Saturation,
};
pub use json::ExplanationError;
