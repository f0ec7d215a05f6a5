//! Checks the indices of a call and makes of them what kernels read. Kernels trust them: an index that is not what the
//! plan says is refused here, before anything is launched.

use super::RunError;
use super::binding::{Call, expression_error};
use ocellus_dialects::plan::{Plan, Port, PortValues};
use ocellus_dialects::{HostTensor, MAX_INDEX};

/// The indices of each input that holds some, as i32.
pub fn read_indices(plan: &Plan, call: &Call) -> Result<Vec<Option<Vec<i32>>>, RunError> {
    let ports = plan.inputs.iter().zip(&call.inputs);
    ports.map(|(port, tensor)| read_port(plan, port, tensor, &call.symbols)).collect()
}

fn read_port(
    plan: &Plan,
    port: &Port,
    tensor: &HostTensor,
    symbols: &[i64],
) -> Result<Option<Vec<i32>>, RunError> {
    let PortValues::Indices { below, permutation } = &port.values else { return Ok(None) };
    let below = below
        .iter()
        .map(|bound| {
            bound.evaluate(symbols).map_err(|source| expression_error(plan, bound, symbols, source))
        })
        .collect::<Result<Vec<i64>, RunError>>()?;
    let count = i64::try_from(tensor.data.len()).unwrap_or(i64::MAX);
    let min = below.iter().copied().chain(permutation.then_some(count)).min();
    let refused = |position: usize, value: f32, wanted: String| RunError::Index {
        input: port.name.clone(),
        position,
        value,
        wanted,
    };
    let mut indices = room_for(port, tensor.data.len())?;
    for (position, value) in tensor.data.iter().enumerate() {
        let whole = value.fract() == 0.0 && value.abs() <= MAX_INDEX as f32;
        if !whole {
            let wanted = format!("whole numbers up to {MAX_INDEX}");
            return Err(refused(position, *value, wanted));
        }
        let index = *value as i32;
        if min.is_some_and(|end| index < 0 || i64::from(index) >= end) {
            return Err(refused(position, *value, format!("in 0..{}", min.unwrap_or_default())));
        }
        indices.push(index);
    }
    if *permutation {
        let mut seen = room_for(port, indices.len())?;
        seen.resize(indices.len(), false);
        for (position, index) in indices.iter().enumerate() {
            // The range has been checked.
            let place = usize::try_from(*index).ok().and_then(|index| seen.get_mut(index));
            if place.is_none_or(|seen| std::mem::replace(seen, true)) {
                let wanted = "a permutation, with no number twice".to_string();
                return Err(refused(position, *index as f32, wanted));
            }
        }
    }
    Ok(Some(indices))
}

/// Room for what is known of each index.
fn room_for<T>(port: &Port, count: usize) -> Result<Vec<T>, RunError> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).map_err(|_| RunError::OutOfMemory {
        what: format!("the indices of the input `{}`", port.name),
        bytes: count.saturating_mul(size_of::<T>()),
    })?;
    Ok(room)
}
