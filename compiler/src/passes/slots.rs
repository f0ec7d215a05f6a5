//! Gives each intermediate a slot of the arena. A slot is free again once its value was read for the last time, and
//! taken by the next value of the same symbolic size: equal for every size in the range, so never too small.
//!
//! Before:
//! ```text
//! %4 = launch ..(%3)   : images*151296 elements      %5 = launch ..(%4)      %6 = launch ..(%5)
//! ```
//! After: `%4` in slot 0, `%5` in slot 1, `%6` in slot 0 again.

use super::PassError;
use indexmap::IndexMap;
use ocellus_dialects::kernel::{Function, Step};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::ValueId;
use ocellus_kernels::Access;
use std::collections::BTreeMap;

/// Which slot holds what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotAssignment {
    /// The size of each slot in bytes.
    pub sizes: Vec<Dim>,
    /// The slot of each value that a step makes, results of the function excepted.
    pub slots: BTreeMap<ValueId, usize>,
}

/// A way to assign slots.
pub type AssignSlots = fn(&Function, &[ValueId]) -> Result<SlotAssignment, PassError>;

/// Gives each value a slot of its own: the program is as right, and its arena larger.
pub fn slot_for_each(
    function: &Function,
    results: &[ValueId],
) -> Result<SlotAssignment, PassError> {
    let mut assignment = SlotAssignment::default();
    for step in function.steps.iter().filter(|step| !results.contains(&step.result())) {
        assignment.slots.insert(step.result(), assignment.sizes.len());
        assignment.sizes.push(bytes(function, step));
    }
    Ok(assignment)
}

/// Assigns slots to what the steps of a flat function make. Values of `results` live elsewhere.
pub fn assign_slots(function: &Function, results: &[ValueId]) -> Result<SlotAssignment, PassError> {
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
    let mut assignment = SlotAssignment::default();
    let mut free: IndexMap<Dim, Vec<usize>> = IndexMap::new();
    for (position, step) in function.steps.iter().enumerate() {
        let made = step.result();
        if !results.contains(&made) {
            let slot = take_slot(function, step, &mut free, &mut assignment.sizes);
            assignment.slots.insert(made, slot);
        }
        // Only after the result has its slot: a kernel must not write over what it still reads.
        let mut done: Vec<ValueId> = reads[position].iter().map(|access| access.base).collect();
        done.push(made);
        done.sort();
        done.dedup();
        for value in done {
            let last = last_reads.get(&value).copied().unwrap_or(position);
            if let (true, Some(slot)) = (last == position, assignment.slots.get(&value)) {
                free.entry(assignment.sizes[*slot].clone()).or_default().push(*slot);
            }
        }
    }
    Ok(assignment)
}

fn take_slot(
    function: &Function,
    step: &Step,
    free: &mut IndexMap<Dim, Vec<usize>>,
    sizes: &mut Vec<Dim>,
) -> usize {
    let bytes = bytes(function, step);
    if let Some(slot) = free.get_mut(&bytes).and_then(Vec::pop) {
        return slot;
    }
    sizes.push(bytes);
    sizes.len() - 1
}

/// How large what a step makes is.
fn bytes(function: &Function, step: &Step) -> Dim {
    let ty = &function.value(step.result()).ty;
    ty.elements() * Dim::from(ty.element.bytes())
}
