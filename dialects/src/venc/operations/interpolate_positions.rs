//! `interpolate_positions`: a table of positions on another grid.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::computation::interpolation::{Axis, interpolate};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, InterpolationFilter, Semantics, VencError};

operation! {
    /// `table[native_rows*native_cols, n] -> [rows*cols, n]`: a table of positions resampled to another grid, as
    /// `torch.nn.functional.interpolate(align_corners=False)` does.
    ///
    /// A grid of 1 x 2 positions `[[0], [4]]`, bilinear on 1 x 4, is `[[0], [1], [3], [4]]`.
    InterpolatePositions = "interpolate_positions" (numbers("table").rank(2)) {
        /// The rows of the table's own grid.
        native_rows: i64,
        /// The columns of the table's own grid.
        native_cols: i64,
        /// The rows wanted.
        rows: Dim,
        /// The columns wanted.
        cols: Dim,
        /// The weights.
        filter: InterpolationFilter,
        /// Whether a table that shrinks is low-passed first.
        antialias: bool,
    }
}

impl Semantics for InterpolatePositions {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [table] = app.take()?;
        let (native_rows, native_cols) = (self.native_rows, self.native_cols);
        if native_rows < 1 || native_cols < 1 {
            let reason = format!("a grid of {native_rows} x {native_cols} positions is empty");
            return Err(app.bad_attribute("native_rows", reason));
        }
        app.shape(0, &[Dim::from(native_rows) * Dim::from(native_cols), table.width()])?;
        let positions = self.rows.clone() * self.cols.clone();
        Ok(TensorType::new(table.element, [positions, table.width()]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [table] = take("interpolate_positions", operands)?;
        let axis = |native: i64, wanted: &Dim| Axis {
            native: native as usize,
            wanted: wanted.as_constant().unwrap_or(0) as usize,
            filter: self.filter,
            antialias: self.antialias,
        };
        let (rows, cols) = (axis(self.native_rows, &self.rows), axis(self.native_cols, &self.cols));
        interpolate(table, rows, cols, out);
        Ok(())
    }
}
