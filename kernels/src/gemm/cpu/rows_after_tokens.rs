//! [`RowsAfterTokens`]: where rows of a product go whose images begin with tokens.

use super::packed_rows::{RowSink, TensorRows};
use crate::gemm::tokens_before::BoundTokens;
use crate::mlir::{Builder, Value};

/// Rows of a tensor in which tokens begin each image.
pub(crate) struct RowsAfterTokens<'a> {
    /// All rows.
    pub(crate) rows: TensorRows<'a>,
    /// The tokens among them.
    pub(crate) tokens: BoundTokens,
}

impl RowSink for RowsAfterTokens<'_> {
    fn row(&self, b: &mut Builder, within: Value, row: Value) -> Value {
        let row = self.tokens.place(b, row);
        self.rows.row(b, within, row)
    }

    fn store(&self, b: &mut Builder, row: Value, column: Value, elements: Value) {
        self.rows.store(b, row, column, elements);
    }
}
