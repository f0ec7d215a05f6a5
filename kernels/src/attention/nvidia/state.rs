//! [`State`]: what a warp knows of its queries after some blocks of keys.

use crate::mlir::Value;
use crate::nvidia::Sums;

/// Of each 16 queries, two numbers of a lane: for the row that it has sums of, and for the eighth behind it.
pub(super) type OfRows = Vec<[Value; 2]>;

/// What a lane knows of its queries.
#[derive(Clone)]
pub(super) struct State {
    /// The score that is the greatest when it is scaled.
    pub(super) greatest: OfRows,
    /// The sum of the weights of those keys that the lane has scores of.
    pub(super) weights: OfRows,
    /// The sums of weighted values: of 16 queries by 8 columns of the head each, row by row.
    pub(super) answer: Vec<Vec<Sums>>,
}

impl State {
    /// All numbers.
    pub(super) fn values(&self) -> Vec<Value> {
        let rows = self.greatest.iter().chain(&self.weights).flatten();
        rows.chain(self.answer.iter().flatten().flatten()).copied().collect()
    }

    /// The same with other numbers, in that order.
    pub(super) fn with(&self, values: &mut impl Iterator<Item = Value>) -> Self {
        let mut state = self.clone();
        let rows = state.greatest.iter_mut().chain(&mut state.weights).flatten();
        for (old, new) in rows.chain(state.answer.iter_mut().flatten().flatten()).zip(values) {
            *old = new;
        }
        state
    }
}
