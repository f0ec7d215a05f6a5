//! `plan`: the host program of an artifact. What runs in which part of the range, in which memory, with which arguments.
//!
//! A [`Plan`] is data that comes from a file, so that nothing in it is believed before it is looked at ([`Plan::validate`]),
//! and every [`Expression`] is evaluated in checked arithmetic.

mod expression;
mod expression_parse;
mod expression_text;
mod module;
mod parse;
mod print;
#[cfg(test)]
mod random;
mod validation;

pub use expression::{EvaluationError, Expression};
pub use module::{
    KernelEntry, LabeledResult, Launch, LaunchArgument, Piece, PieceRange, Place, Plan, Port,
    PortValues, Program, Schedule, SymbolEntry, SymbolSource, WeightEntry,
};
pub use validation::{PlanError, PlanProblem};
