//! Gives each intermediate a buffer of the arena. A buffer is free again once its value was read for the last time, and
//! taken by the next value of the same symbolic size: equal for every size in the range, so never too small.
//!
//! Before:
//! ```text
//! %4 = launch ..(%3)   : images*151296 elements      %5 = launch ..(%4)      %6 = launch ..(%5)
//! ```
//! After: `%4` in buffer 0, `%5` in buffer 1, `%6` in buffer 0 again.

use super::PassError;
use indexmap::IndexMap;
use ocellus_dialects::kernel::{Function, Step};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::ValueId;
use ocellus_kernels::Access;
use std::collections::BTreeMap;

/// Which buffer holds what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BufferAssignment {
    /// The size of each buffer in bytes.
    pub sizes: Vec<Dim>,
    /// The buffer of each value that a step makes, results of the function excepted.
    pub buffers: BTreeMap<ValueId, usize>,
}

/// A way to assign buffers.
pub type AssignBuffers = fn(&Function, &[ValueId]) -> Result<BufferAssignment, PassError>;

/// Gives each value a buffer of its own: the program is as right, and its arena larger.
pub fn buffer_for_each(
    function: &Function,
    results: &[ValueId],
) -> Result<BufferAssignment, PassError> {
    let mut assignment = BufferAssignment::default();
    for step in function.steps.iter().filter(|step| !results.contains(&step.result())) {
        assignment.buffers.insert(step.result(), assignment.sizes.len());
        assignment.sizes.push(bytes(function, step));
    }
    Ok(assignment)
}

/// Assigns buffers to what the steps of a flat function make. Values of `results` live elsewhere.
pub fn assign_buffers(
    function: &Function,
    results: &[ValueId],
) -> Result<BufferAssignment, PassError> {
    let reads = function
        .steps
        .iter()
        .map(|step| step.operands().iter().map(|id| Access::of(function, *id)).collect())
        .collect::<Result<Vec<Vec<Access>>, _>>()?;
    let last_reads: BTreeMap<ValueId, usize> = reads
        .iter()
        .enumerate()
        .flat_map(|(step, accesses)| accesses.iter().map(move |access| (access.base, step)))
        .collect();
    let mut assignment = BufferAssignment::default();
    let mut free: IndexMap<Dim, Vec<usize>> = IndexMap::new();
    for (position, step) in function.steps.iter().enumerate() {
        let made = step.result();
        if !results.contains(&made) {
            let buffer = take_buffer(function, step, &mut free, &mut assignment.sizes);
            assignment.buffers.insert(made, buffer);
        }
        // Only after the result has its buffer: a kernel must not write over what it still reads.
        let mut done: Vec<ValueId> = reads[position].iter().map(|access| access.base).collect();
        done.push(made);
        done.sort();
        done.dedup();
        for value in done {
            let last = last_reads.get(&value).copied().unwrap_or(position);
            if let (true, Some(buffer)) = (last == position, assignment.buffers.get(&value)) {
                free.entry(assignment.sizes[*buffer].clone()).or_default().push(*buffer);
            }
        }
    }
    Ok(assignment)
}

fn take_buffer(
    function: &Function,
    step: &Step,
    free: &mut IndexMap<Dim, Vec<usize>>,
    sizes: &mut Vec<Dim>,
) -> usize {
    let bytes = bytes(function, step);
    if let Some(buffer) = free.get_mut(&bytes).and_then(Vec::pop) {
        return buffer;
    }
    sizes.push(bytes);
    sizes.len() - 1
}

/// How large what a step makes is.
fn bytes(function: &Function, step: &Step) -> Dim {
    let ty = &function.value(step.result()).ty;
    ty.elements() * Dim::from(ty.element.bytes())
}
