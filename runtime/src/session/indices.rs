//! Checks the indices of a call and makes of them what kernels read. Kernels trust them: an index that is not what the
//! plan says is refused here, before anything is launched.

use super::RunError;
use super::binding::expression_error;
use super::given::{convert, room_for};
use ocellus_dialects::plan::{Expression, Plan, Port};
use ocellus_dialects::{Elements, MAX_INDEX};
use std::borrow::Cow;

/// The indices of an input as i32: each not negative and less than all of the bounds, if there are any, and no two alike
/// where they must be a permutation.
pub fn read_indices<'a>(
    plan: &Plan,
    port: &Port,
    (below, permutation): (&[Expression], bool),
    elements: Elements<'a>,
    symbols: &[i64],
) -> Result<Cow<'a, [i32]>, RunError> {
    let below = below
        .iter()
        .map(|bound| {
            bound.evaluate(symbols).map_err(|source| expression_error(plan, bound, symbols, source))
        })
        .collect::<Result<Vec<i64>, RunError>>()?;
    let count = i64::try_from(elements.count()).unwrap_or(i64::MAX);
    let end = below.iter().copied().chain(permutation.then_some(count)).min();
    let indices = whole_numbers(port, elements)?;
    if let Some(end) = end {
        check_range(port, &indices, end)?;
    }
    if permutation {
        check_permutation(port, &indices)?;
    }
    Ok(indices)
}

fn refused(port: &Port, position: usize, value: impl ToString, wanted: String) -> RunError {
    RunError::Index { input: port.name.clone(), position, value: value.to_string(), wanted }
}

/// The same whole numbers as i32.
fn whole_numbers<'a>(port: &Port, elements: Elements<'a>) -> Result<Cow<'a, [i32]>, RunError> {
    let mut position = 0;
    let mut whole = |index: Option<i32>, value: &dyn std::fmt::Display, max: i32| {
        position += 1;
        index
            .ok_or_else(|| refused(port, position - 1, value, format!("whole numbers up to {max}")))
    };
    match elements {
        Elements::I32(indices) => Ok(Cow::Borrowed(indices)),
        Elements::I64(given) => {
            convert(port, given, |value| whole(i32::try_from(value).ok(), &value, i32::MAX))
        }
        Elements::F32(given) => convert(port, given, |value| {
            let is_whole = value.fract() == 0.0 && value.abs() <= MAX_INDEX as f32;
            whole(is_whole.then_some(value as i32), &value, MAX_INDEX)
        }),
        Elements::BF16(_) | Elements::F16(_) => Err(RunError::ElementType {
            input: port.name.clone(),
            found: elements.type_name(),
            wanted: "indices: give i32 or i64, or f32 that are whole numbers",
        }),
    }
}

fn check_range(port: &Port, indices: &[i32], end: i64) -> Result<(), RunError> {
    let outside = indices.iter().position(|index| *index < 0 || i64::from(*index) >= end);
    match outside.and_then(|position| Some((position, indices.get(position)?))) {
        Some((position, index)) => Err(refused(port, position, index, format!("in 0..{end}"))),
        None => Ok(()),
    }
}

/// Whether indices that lie in the range of their number are all different.
fn check_permutation(port: &Port, indices: &[i32]) -> Result<(), RunError> {
    let mut seen = room_for(port, indices.len())?;
    seen.resize(indices.len(), false);
    for (position, index) in indices.iter().enumerate() {
        let place = usize::try_from(*index).ok().and_then(|index| seen.get_mut(index));
        if place.is_none_or(|seen| std::mem::replace(seen, true)) {
            let wanted = "a permutation, with no number twice".to_string();
            return Err(refused(port, position, index, wanted));
        }
    }
    Ok(())
}
