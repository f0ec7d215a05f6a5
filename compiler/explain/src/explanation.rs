//! [`Explanation`]: all that there is to say about a compilation, as data.
//!
//! The fields are those of `ocellus explain --json`; the README describes them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form. A reader refuses a later one.
pub const FORMAT: u32 = 3;

/// What was compiled and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of Ocellus that compiled it.
    pub compiler: String,
    /// What people know the model by.
    pub model: String,
    /// What it was compiled for, as the cost model sees it.
    pub machine: Machine,
    /// The declared sizes, by symbol.
    pub range: BTreeMap<String, Range>,
    /// What runs at which sizes.
    pub pieces: Vec<Piece>,
    /// The rewrite rules, and what each did.
    pub rules: Vec<Rule>,
    /// Passes that were left out, by the names that `--disable` takes.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub passes_off: Vec<String>,
    /// What `--assume` said of the data; a result may be wrong where it is not so.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub assumptions: Vec<String>,
    /// Fusions that were not done, and why.
    pub missed: Vec<Missed>,
    /// How the search for equal programs went, for each function.
    pub saturation: Vec<Saturation>,
    /// The predicted cost over the range, along each symbol.
    pub plots: Vec<Plot>,
    /// Which piece runs where, over the two symbols that cut the range, if there are two.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub map: Option<PieceMap>,
    /// Kernels with code of their own, all pieces together.
    pub code_kernels: usize,
    /// Tensors that the artifact holds.
    pub packed_weights: usize,
    /// What a reader must know: limits that were hit.
    pub warnings: Vec<String>,
}

/// A machine as the cost model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The name that `--target` takes.
    pub target: String,
    /// Cores.
    pub units: u32,
    /// How the program's tensors are stored.
    pub storage: String,
    /// GFLOP/s of products with weights on that storage, with the best tiles.
    pub gemm_gflops: f64,
    /// GFLOP/s of arithmetic on elements.
    pub elementwise_gflops: f64,
    /// GB/s between main memory and all cores together.
    pub bandwidth_gb_per_s: f64,
    /// Microseconds from one launch to the next, beside the work.
    pub launch_us: f64,
}

/// The sizes of a symbol: from `min` on, multiples of `step` up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// Every size is a multiple of it.
    pub step: i64,
}

/// Which piece runs where, over two symbols, in cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceMap {
    /// The first symbol.
    pub across: String,
    /// The second.
    pub upwards: String,
    /// Further symbols that cut the range. Here each is as large as the second, as far as its own range permits.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub along: Vec<String>,
    /// Where cells begin along the first symbol.
    pub across_from: Vec<i64>,
    /// Where cells begin along the second.
    pub upwards_from: Vec<i64>,
    /// The piece that runs where a cell begins, counted from zero, row by row along the second symbol.
    pub pieces: Vec<Vec<Option<usize>>>,
}

/// A part of the range and what runs there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// The sizes that it is for, by symbol. Every free symbol is there, and what symbols make together where that tells
    /// pieces apart, such as `images*tokens`: all of these hold.
    pub range: BTreeMap<String, Range>,
    /// The program that runs there, counted from zero: several pieces may run one.
    pub program: usize,
    /// The size that the predictions are for, by symbol.
    pub at: BTreeMap<String, i64>,
    /// The predicted time of one run there, in microseconds.
    pub predicted_us: f64,
    /// Launches of one run.
    pub launches: usize,
    /// The functions that its program consists of.
    pub functions: Vec<Function>,
    /// The kernels of those functions, each in the order in which it runs.
    pub kernels: Vec<Kernel>,
}

/// A function of a piece's program, and how its kernels were found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// How often it runs in one run of the model.
    pub count: usize,
    /// Its launches.
    pub launches: usize,
    /// Their predicted time, in microseconds.
    pub predicted_us: f64,
    /// No choice of kernels takes less than this.
    pub least_us: f64,
    /// Whether no choice is cheaper.
    pub proven_cheapest: bool,
    /// Values that the search could choose to make.
    pub values: usize,
    /// What may make them.
    pub candidates: usize,
    /// States that the search looked at.
    pub states: usize,
    /// The time of the search, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extraction_ms: Option<f64>,
}

impl Function {
    /// How good the choice of kernels is known to be, in words.
    pub(crate) fn proof(&self) -> String {
        if self.proven_cheapest {
            return "the cheapest there is".to_string();
        }
        let share = 100.0 * (self.predicted_us / self.least_us.max(1e-9) - 1.0);
        format!("at most {share:.1} % above the cheapest")
    }
}

/// One launch of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// The function that launches it.
    pub function: String,
    /// The name of the value that it makes, where that has one.
    pub label: Option<String>,
    /// The kernel family.
    pub family: String,
    /// What was fused: `layer_norm > gemm > add columns > gelu`.
    pub name: String,
    /// How often it runs in one run of the model.
    pub count: usize,
    /// FLOPs of one launch.
    pub flops: f64,
    /// Bytes that one launch reads and writes.
    pub bytes: f64,
    /// The predicted time of one launch, in microseconds.
    pub predicted_us: f64,
    /// What bounds it: `compute`, `memory` or `launch`.
    pub bound: String,
    /// Microseconds that its arithmetic alone would take.
    pub compute_us: f64,
    /// Microseconds that moving its bytes alone would take.
    pub memory_us: f64,
    /// The best of the other kernels for its value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_best: Option<NextBest>,
}

/// A kernel that was not chosen, and what it would have cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextBest {
    /// What was fused in it.
    pub name: String,
    /// How much longer its function would take, all other choices made anew; in microseconds.
    pub extra_us: f64,
}

/// A rewrite rule and what it did, over all functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The name that `--disable` takes.
    pub name: String,
    /// What it is for: `exploration`, `recognition`, `implementation` or `fusion`.
    pub group: String,
    /// Whether it was on.
    pub enabled: bool,
    /// How often its left side was found, over all rounds.
    pub matches: usize,
    /// How often it said something new.
    pub fired: usize,
    /// How often a condition kept it from being used.
    pub refused: usize,
    /// Time spent in it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_ms: Option<f64>,
    /// Why its two sides are equal.
    pub because: String,
}

/// A fusion that was not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    /// The piece, counted from zero.
    pub piece: usize,
    /// The function.
    pub function: String,
    /// The name of the value, where it has one.
    pub label: Option<String>,
    /// The kernel that makes the value.
    pub chosen: String,
    /// The kernel, or the rule, that would have fused more.
    pub instead: String,
    /// Why not, in words.
    pub reason: String,
    /// How much longer the function would take; `None` where a condition did not hold.
    pub extra_us: Option<f64>,
    /// The same as a share of the function's time, in percent.
    pub extra_percent: Option<f64>,
    /// The condition that did not hold, where that is why.
    pub condition: Option<String>,
    /// What the condition speaks of.
    pub value: Option<String>,
    /// In how many ways it was found here.
    pub times: usize,
}

/// How saturation went for one function. One e-graph serves every piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// The function.
    pub function: String,
    /// E-nodes at the end.
    pub nodes: usize,
    /// E-classes at the end.
    pub classes: usize,
    /// Rounds, over both stages.
    pub rounds: usize,
    /// Why each stage ended.
    pub stops: Vec<String>,
    /// Whether everything that follows from the rules was found.
    pub complete: bool,
    /// Time, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_ms: Option<f64>,
}

/// The predicted cost of every program along one symbol, the others held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// The symbol.
    pub symbol: String,
    /// The values of the others.
    pub others: BTreeMap<String, i64>,
    /// Values of the symbol, ascending. They may end before the range does: costs go on as they do there.
    pub sizes: Vec<i64>,
    /// For each program, the predicted time at each of those sizes, in microseconds.
    pub predicted_us: Vec<Vec<f64>>,
    /// The piece that is in charge at each of those sizes.
    pub piece: Vec<usize>,
    /// Sizes at which another piece takes over.
    pub breakpoints: Vec<i64>,
}

impl Explanation {
    /// The same without times of the compilation itself: equal compilations have equal explanations.
    pub fn without_times(mut self) -> Self {
        for piece in &mut self.pieces {
            piece.functions.iter_mut().for_each(|function| function.extraction_ms = None);
        }
        self.rules.iter_mut().for_each(|rule| rule.time_ms = None);
        self.saturation.iter_mut().for_each(|saturation| saturation.time_ms = None);
        self
    }
}
