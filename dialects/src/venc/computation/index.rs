//! Indices as whole numbers of f32, which they are to the interpreter.

use crate::HostTensor;
use crate::venc::EvaluationError;

/// The indices, each in `0..end` where there is an end.
pub fn read_indices(
    op: &'static str,
    index: &HostTensor,
    end: Option<usize>,
) -> Result<Vec<usize>, EvaluationError> {
    let read = |(position, value): (usize, &f32)| {
        let inside = end.is_none_or(|end| *value >= 0.0 && (*value as usize) < end);
        match value.fract() == 0.0 && inside {
            true => Ok(*value as usize),
            false => Err(EvaluationError::Index {
                op,
                position,
                value: *value,
                wanted: match end {
                    Some(end) => format!("a whole number in 0..{end}"),
                    None => "a whole number".to_string(),
                },
            }),
        }
    };
    index.data.iter().enumerate().map(read).collect()
}
