//! An e-graph in which values are made in few ways, as a program of kernels: the fewest launches.

use super::OneFunction;
use crate::candidate::Producer;
use crate::candidates::Candidates;
use crate::choose::MAX_STATES;
use crate::error::RewriteError;
use crate::extract::extract;
use crate::kernel_function::{Chosen, kernel_function};
use crate::target_description::TargetDescription;
use ocellus_dialects::{kernel, venc};
use ocellus_kernels::Target;

/// The module of these functions, each launch with its default schedule.
pub(super) fn program(
    module: &venc::Module,
    functions: &[OneFunction],
    target: &TargetDescription,
) -> Result<kernel::Module, RewriteError> {
    let isa = target.kernels_target()?;
    let functions = functions.iter().map(|function| read(function, isa));
    Ok(kernel::Module {
        symbols: module.symbols.clone(),
        functions: functions.collect::<Result<_, _>>()?,
        entry: module.entry.clone(),
    })
}

fn read(of: &OneFunction, isa: Target) -> Result<kernel::Function, RewriteError> {
    let roots = of.results();
    let candidates = Candidates::collect(&of.egraph, &roots, isa);
    let problem = candidates.problem(|class, candidate| {
        let producer = candidates
            .classes
            .get_index(class)
            .and_then(|(_, candidates)| Some(&candidates.get(candidate)?.producer));
        match producer {
            Some(Producer::Launch(_) | Producer::Call(_)) | None => 1,
            Some(Producer::Leaf(_) | Producer::Offline | Producer::Reshape) => 0,
        }
    });
    let solution = extract(&problem, MAX_STATES)
        .map_err(|culprit| candidates.no_kernel((&of.function.name, &of.egraph), &culprit, &[]))?;
    let chosen = candidates
        .chosen(&solution)
        .filter_map(|(class, candidate)| Some((class, (candidate?, 0))));
    kernel_function(&Chosen {
        function: of.function,
        egraph: &of.egraph,
        candidates: chosen.collect(),
        results: roots,
        labels: &of.labels,
    })
}
