//! Tuning: which schedule each launch of an artifact has on the machine at hand, where that is known better than by the
//! compiler's estimate.
//!
//! The compiler may offer several schedules of a launch (`--schedules`), which differ in their kernel and in how many tiles
//! there are. [`Session::tune`](crate::Session::tune) measures them, and [`choice`] says which are worth to be taken. A
//! program has one schedule for a launch at all its sizes, so that an image's answer depends on its piece alone, as before.
//! [`TuningFile`] remembers the choice beside the artifact; nothing is compiled.

mod choice;
mod file;

pub(crate) use choice::{LaunchTimes, cheapest};
pub use file::{TuningError, TuningFile};

use serde::{Deserialize, Serialize};

/// The schedules that a machine runs the launches of a plan with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// The hash of the plan. A file of an older version has it nowhere that counts, and is one of no plan.
    #[serde(default)]
    pub plan: String,
    /// The machine, as its device [calls itself](crate::devices::Device::name).
    pub device: String,
    /// Of each program of the plan the schedule of each launch, by its number among
    /// [all](ocellus_dialects::plan::Launch::schedules). What is missing is 0, the compiler's choice.
    pub schedules: Vec<Vec<usize>>,
}

/// What was measured of the launches of a program that share their schedules and their numbers: of a launch in each of
/// twelve layers, say.
#[derive(Clone, Debug, PartialEq)]
pub struct TunedLaunch {
    /// Which program of the plan.
    pub program: usize,
    /// How many launches these are.
    pub launches: usize,
    /// The kernels of the schedules, by symbol; the compiler's first.
    pub kernels: Vec<String>,
    /// Which of the calls that were measured run this program, by their position.
    pub calls: Vec<usize>,
    /// In each of these, the microseconds of each schedule.
    pub microseconds: Vec<Vec<f64>>,
    /// The number of the schedule that is taken.
    pub chosen: usize,
}
