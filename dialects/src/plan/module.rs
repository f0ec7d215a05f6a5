//! [`Plan`], the host program: pieces of the range, buffers at symbolic offsets, launches.
//!
//! As JSON it is a part of the artifact's format: the compiler writes it, the runtime reads it.

use super::Expression;
use crate::ElementType;
use crate::kernel::Family;
use serde::{Deserialize, Serialize};

/// Where a symbol's value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolSource {
    /// The shapes of the inputs.
    Free {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
        /// Every value is a multiple of this.
        step: i64,
    },
    /// An expression over the symbols before it.
    Defined(Expression),
}

/// A symbol of the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SymbolEntry {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub source: SymbolSource,
}

/// What the elements of a tensor at the interface are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortValues {
    /// Numbers, which kernels read and write as f32.
    Numbers,
    /// Whole numbers, of an input. Kernels read them as i32 and trust them, so a call checks them first.
    Indices {
        /// Each is a number of a row: not negative, and less than each of these. Without any, indices are only compared.
        below: Vec<Expression>,
        /// They are a permutation: of `n` indices, each of `0..n` is there once.
        permutation: bool,
    },
}

/// A tensor that the caller gives or gets. Both are f32 at the interface; indices are whole numbers of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The name in `in.safetensors` or the output file.
    pub name: String,
    /// The dimensions. A dimension of an input is a constant, or a symbol that it binds.
    pub shape: Vec<Expression>,
    /// What its elements are.
    pub values: PortValues,
}

/// A tensor of the artifact that kernels read: a weight, packed as they want it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightEntry {
    /// The name of the tensor in the artifact.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A kernel of the code object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelEntry {
    /// The symbol that the code object exports. Beside it lies what it takes: see `cpu` and `signature` of the runtime.
    pub symbol: String,
    /// The kernel family.
    pub family: Family,
}

/// Where memory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An input of the call.
    Input(usize),
    /// An output of the call.
    Output(usize),
    /// A weight of the artifact.
    Weight(usize),
    /// A buffer of the piece's arena.
    Buffer(usize),
}

/// One word of a kernel's argument block.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchArgument {
    /// An address.
    Address {
        /// The memory.
        place: Place,
        /// Bytes from its start.
        offset: Expression,
    },
    /// A number.
    Integer(Expression),
}

/// What a launch wrote, for those who look on (`verify`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LabeledResult {
    /// The name that the model knows it by.
    pub label: String,
    /// Where it lies; contiguous.
    pub place: Place,
    /// How it is stored.
    pub element: ElementType,
    /// Its dimensions.
    pub shape: Vec<Expression>,
}

/// How the work of a launch is divided: by which kernel, into how many tiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schedule {
    /// Which kernel, by its position in [`Plan::kernels`].
    pub kernel: usize,
    /// How many tiles there are: the unit of parallel work.
    pub tiles: Expression,
    /// Bytes of scratch memory that each worker needs.
    pub scratch_bytes: Expression,
}

/// One kernel launch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Launch {
    /// The schedule that the compiler expects to be the fastest.
    pub schedule: Schedule,
    /// Others, of which a machine may find one faster. They take the same arguments.
    pub alternatives: Vec<Schedule>,
    /// The argument block, one 64-bit word each.
    pub arguments: Vec<LaunchArgument>,
    /// What it wrote, where the model has a name for it.
    pub result: Option<LabeledResult>,
}

impl Launch {
    /// All schedules: the compiler's first, behind it the alternatives.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        std::iter::once(&self.schedule).chain(&self.alternatives)
    }

    /// The schedule of that number among [all](Self::schedules); the compiler's where there is none.
    pub fn schedule_or_default(&self, number: usize) -> &Schedule {
        self.schedules().nth(number).unwrap_or(&self.schedule)
    }
}

/// The sizes of one symbol for which a piece is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PieceRange {
    /// Which symbol.
    pub symbol: usize,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
}

/// A part of the range, and what runs there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it applies: all of these hold. The first piece that applies runs.
    pub ranges: Vec<PieceRange>,
    /// What runs there, by its position in [`Plan::programs`].
    pub program: usize,
}

/// What runs at the sizes of a piece. Several pieces may have one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Program {
    /// The sizes in bytes of the arena's buffers.
    pub buffers: Vec<Expression>,
    /// The launches, in order; each sees what all before it wrote.
    pub launches: Vec<Launch>,
}

/// The host program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The symbols; a definition speaks only of symbols before it.
    pub symbols: Vec<SymbolEntry>,
    /// What the caller gives.
    pub inputs: Vec<Port>,
    /// What the caller gets.
    pub outputs: Vec<Port>,
    /// The weights.
    pub weights: Vec<WeightEntry>,
    /// The kernels.
    pub kernels: Vec<KernelEntry>,
    /// The programs.
    pub programs: Vec<Program>,
    /// The pieces.
    pub pieces: Vec<Piece>,
}

impl Plan {
    /// Whether the input of that name is one of indices.
    pub fn holds_indices(&self, input: &str) -> bool {
        let port = self.inputs.iter().find(|port| port.name == input);
        port.is_some_and(|port| matches!(port.values, PortValues::Indices { .. }))
    }
}
