//! Holds a checkpoint against the program that reads it, before anything is computed.

use super::{WeightError, WeightSource};
use ocellus_dialects::venc::{Module, Source};
use std::collections::BTreeMap;

/// How many names an error lists.
const LISTED: usize = 5;

/// The tensors of the checkpoint that a module reads, with their dimensions.
///
/// Weights are declared in the entry function, and with constant dimensions; others would have no checkpoint to come
/// from, and are not listed.
pub fn declared(module: &Module) -> BTreeMap<String, Vec<usize>> {
    let nodes = module.entry_function().into_iter().flat_map(|entry| &entry.nodes);
    nodes
        .filter_map(|node| match node.op.source() {
            Source::Checkpoint(name) => {
                let dims = node.ty.shape.iter().map(|dim| usize::try_from(dim.as_constant()?).ok());
                Some((name.to_string(), dims.collect::<Option<_>>()?))
            }
            Source::Function(_) | Source::Operands => None,
        })
        .collect()
}

/// Checks that `weights` has every tensor that `module` reads, in the shape it is read in.
pub fn check(module: &Module, weights: &dyn WeightSource) -> Result<(), WeightError> {
    let mut missing = vec![];
    for (name, expected) in declared(module) {
        match weights.shape(&name) {
            Ok(found) if found == expected => {}
            Ok(found) => return Err(WeightError::Shape { name, found, expected }),
            Err(WeightError::Missing(_)) => missing.push(name),
            Err(other) => return Err(other),
        }
    }
    match few(missing) {
        None => Ok(()),
        Some((count, first)) => Err(WeightError::ManyMissing { count, first }),
    }
}

/// Checks that `module` reads every tensor of `names`, except those that `unused` knows.
pub fn check_all_read<'a>(
    module: &Module,
    names: impl IntoIterator<Item = &'a str>,
    unused: impl Fn(&str) -> bool,
) -> Result<(), WeightError> {
    let declared = declared(module);
    let left = names.into_iter().filter(|name| !declared.contains_key(*name) && !unused(name));
    match few(left.map(str::to_string).collect()) {
        None => Ok(()),
        Some((count, first)) => Err(WeightError::Unexpected { count, first }),
    }
}

fn few(mut names: Vec<String>) -> Option<(usize, Vec<String>)> {
    let count = names.len();
    if count > LISTED {
        names.truncate(LISTED);
        names.push("…".to_string());
    }
    (count > 0).then_some((count, names))
}
