//! [`Candidate`]: what may make one value.

use super::language::Leaf;
use super::schedules::Schedule;
use egg::Id;
use ocellus_dialects::kernel::{KernelOp, View};
use ocellus_kernels::{Layout, Refusal};

/// What makes a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Producer {
    /// It is given.
    Leaf(Leaf),
    /// Compile time: it depends on weights alone.
    Offline,
    /// One launch.
    Launch(KernelOp),
    /// Nothing: the operand under other dimensions.
    Reshape,
    /// A function of the module.
    Call(String),
}

/// A value as a kernel reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The value.
    pub class: Id,
    /// How it is read.
    pub view: Option<View>,
    /// How it lies in memory, as read.
    pub layout: Layout,
}

/// A launch that its kernel family does not do.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedLaunch {
    /// What was asked for.
    pub op: KernelOp,
    /// Why not.
    pub refusal: Refusal,
}

/// The candidates for one value.
pub struct ClassCandidates {
    /// What can make it.
    pub candidates: Vec<Candidate>,
    /// What terms of it describe, and no kernel does.
    pub refused: Vec<RefusedLaunch>,
}

/// What may make a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What makes it.
    pub producer: Producer,
    /// Of what.
    pub operands: Vec<Operand>,
    /// How the work can be divided, where a kernel does it; the default first.
    pub schedules: Vec<Schedule>,
}
