//! A kernel in the form that is run: registers are slots, numbers and the machine's registers too, branches go to indices.

use crate::finding::Place;
use crate::registers::{Bank, Compute, Slot};
use ocellus_ptx::ast::Special;
use smallvec::SmallVec;

/// A kernel, translated.
pub(crate) struct Code {
    pub name: String,
    pub instructions: Vec<Instruction>,
    /// What lies in slots that no instruction writes.
    pub constants: Vec<(Bank, Slot, Constant)>,
    pub words: usize,
    pub longs: usize,
    pub predicates: usize,
    /// Registers that may be read before they were written: their names, by the numbers that instructions use.
    pub suspects: Vec<String>,
    pub parameter_bytes: usize,
    pub static_shared: u32,
    pub local_bytes: u32,
    /// Where each instruction stands in the text.
    pub places: Vec<Place>,
    /// The name with its suffixes of each instruction.
    pub opcodes: Vec<String>,
    pub required_threads: Option<[u32; 3]>,
    pub most_threads: Option<[u32; 3]>,
}

/// What a slot holds from the beginning.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Constant {
    Bits(u64),
    Special(Special),
    /// The address of a variable of the module, by its number, and bytes from there.
    Global(usize, i64),
    /// A predicate that is true in all lanes.
    True,
}

/// One instruction.
pub(crate) struct Instruction {
    /// The predicate under which it is done, and whether it must be false.
    pub guard: Option<(Slot, bool)>,
    pub kind: Kind,
    /// Whether parts of a warp that went different ways may meet here.
    pub is_leader: bool,
    /// What must be looked at because it may never have been written.
    pub suspects: Option<Box<Suspects>>,
}

/// Registers of an instruction that may be read before they were written.
#[derive(Default)]
pub(crate) struct Suspects {
    /// Their numbers, of those that are read.
    pub read: Vec<u32>,
    pub written: Vec<u32>,
    /// Whether what is written is as good as what is read, and the reading no fault in itself.
    pub is_move: bool,
}

/// State spaces as far as they are handled apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Area {
    Generic,
    Global,
    Shared,
    Local,
    Parameter,
}

/// An address of each lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub area: Area,
    pub base: Option<(Bank, Slot)>,
    pub offset: i64,
}

/// A register that memory is read into or written from.
pub(crate) type Target = Option<(Bank, Slot)>;

/// `ld` and `st`
pub(crate) struct Access {
    pub address: Address,
    /// The bytes of an element.
    pub bytes: u32,
    pub is_signed: bool,
    /// Whether it is `relaxed`, `acquire`, `release` or `volatile`.
    pub is_strong: bool,
    /// Whether it is `acquire` or `release`.
    pub is_fenced: bool,
    pub elements: SmallVec<[Target; 4]>,
}

/// An atomic operation: what becomes of the old value, by the operand and another.
pub(crate) type Update = Box<dyn Fn(u64, u64, u64) -> u64 + Send + Sync>;

pub(crate) struct Atomic {
    pub address: Address,
    pub bytes: u32,
    pub into: Target,
    pub operands: [Target; 2],
    pub update: Update,
    pub is_released: bool,
    pub is_acquired: bool,
}

/// `cp.async`
pub(crate) struct CopyAsync {
    pub to: Address,
    pub from: Address,
    pub bytes: u32,
    /// The bytes that are read; the rest are zeros.
    pub source_bytes: Option<Slot>,
    /// A predicate and whether it counts negated: nothing is read where it is true.
    pub ignores_source: Option<(Slot, bool)>,
}

/// `ldmatrix` and `stmatrix`
pub(crate) struct Matrices {
    pub address: Address,
    pub registers: SmallVec<[Slot; 4]>,
    pub is_transposed: bool,
    pub is_store: bool,
}

/// The operands of `mma.sync`
pub(crate) struct Multiply {
    pub shape: crate::matrix_shape::MatrixShape,
    pub d: SmallVec<[Slot; 4]>,
    pub a: SmallVec<[Slot; 4]>,
    pub b: SmallVec<[Slot; 4]>,
    pub c: SmallVec<[Slot; 4]>,
    pub is_signed: [bool; 2],
    pub saturates: bool,
}

/// How `shfl.sync` finds the other lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}

/// What lanes of a warp do together.
pub(crate) enum Together {
    Barrier,
    Shuffle {
        mode: Shuffle,
        into: Option<Slot>,
        found: Option<Slot>,
        value: Slot,
        by: Slot,
        clamp: Slot,
    },
    Vote {
        vote: Vote,
        predicate: (Slot, bool),
        into: Slot,
    },
    Reduce {
        reduction: Reduction,
        into: Slot,
        value: Slot,
    },
    Match {
        all: bool,
        into: Option<Slot>,
        found: Option<Slot>,
        value: (Bank, Slot),
    },
    Elect {
        into: Option<Slot>,
        is_leader: Slot,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vote {
    All,
    Any,
    Uniform,
    Ballot,
}

pub(crate) type Reduction = Box<dyn Fn(u32, u32) -> u32 + Send + Sync>;

/// `barrier.sync` and its kin.
pub(crate) struct Barrier {
    pub id: Slot,
    /// The threads that it waits for; all of the block where it is not said.
    pub threads: Option<Slot>,
    pub is_aligned: bool,
    pub waits: bool,
    pub reduction: Option<BarrierReduction>,
}

pub(crate) struct BarrierReduction {
    pub predicate: (Slot, bool),
    pub into: (Bank, Slot),
    pub vote: Vote,
}

/// What an instruction does.
pub(crate) enum Kind {
    Compute(Compute),
    Load(Access),
    Store(Access),
    Atomic(Atomic),
    CopyAsync(CopyAsync),
    CommitGroup,
    /// All groups but the last so many are waited for; where it is not said, all copies.
    WaitGroup(Option<u32>),
    Matrices(Matrices),
    Multiply(Multiply),
    /// `movmatrix`: into, from.
    TransposeMatrix(Slot, Slot),
    /// The lanes that do it together stand in a slot.
    Together(Together, Slot),
    ActiveMask(Slot),
    Barrier(Barrier),
    Fence,
    /// `griddepcontrol.wait`
    AwaitLaunch,
    /// `griddepcontrol.launch_dependents`
    ReleaseLaunch,
    Branch(usize),
    Exit,
    Trap,
    Clock(Bank, Slot),
    Nothing,
}

impl Kind {
    /// Whether lanes may wait here for others.
    pub(crate) fn may_wait(&self) -> bool {
        matches!(self, Kind::Together(..) | Kind::Barrier(_))
    }
}
