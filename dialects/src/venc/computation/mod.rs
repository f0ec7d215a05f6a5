//! What several operations compute, on elements, rows, matrices and grids. It is plain on purpose: every sum is accumulated
//! in f64.

pub(super) mod broadcast;
pub(super) mod element;
pub(super) mod exchange;
pub(super) mod index;
pub(super) mod interpolation;
pub(super) mod matrix;
pub(super) mod norm;
pub(super) mod row;
