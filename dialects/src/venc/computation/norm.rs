//! What norms have in common: their type, and the moments of a row.

use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::{Application, VencError};

/// The type of `x`, where what follows it is one number a column.
pub fn infer(app: &Application, eps: f64) -> Result<TensorType, VencError> {
    if !(eps.is_finite() && eps >= 0.0) {
        return Err(app.bad_attribute("eps", format!("{eps} is not a finite number of at least 0")));
    }
    app.same_element()?;
    let [x, vectors @ ..] = app.operands else { return Ok(app.take::<1>()?[0].clone()) };
    let width: [Dim; 1] = [x.width()];
    (1..=vectors.len()).try_for_each(|index| app.shape(index, &width))?;
    Ok(TensorType::clone(x))
}

/// The mean of a row.
pub fn mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / row.len() as f64
}

/// The mean square of the distances of a row from a number: from its mean, the variance.
pub fn mean_square(row: &[f64], from: f64) -> f64 {
    row.iter().map(|x| (x - from).powi(2)).sum::<f64>() / row.len() as f64
}
