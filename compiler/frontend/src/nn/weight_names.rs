//! [`WeightNames`]: what a checkpoint calls the weights of a program.

use std::fmt::Debug;

/// What a checkpoint calls the weights of a program.
pub(crate) trait WeightNames: Debug {
    /// The tensors whose rows, one after the other, are the weight that the program calls `name`: most often one.
    fn tensors_of(&self, name: &str) -> Vec<String>;
}

/// The names of the program itself.
#[derive(Debug)]
pub(super) struct OwnNames;

impl WeightNames for OwnNames {
    fn tensors_of(&self, name: &str) -> Vec<String> {
        vec![name.to_string()]
    }
}
