//! From `venc` to `kernel` by equality saturation.
//!
//! Each function of a module becomes an e-graph of [terms](language): its own `venc` operations, and by the
//! [rules](rules) everything that is equal to them, down to kernels with what is fused into them. Nothing is lost on the
//! way, so no rule has to be worth its while: [extraction](extract) chooses the kernels that cost least on a
//! [target](target), exactly. One saturated e-graph serves every size of the range; [`choose_pieces`] asks it at many.

mod alternatives;
mod analysis;
mod candidate;
mod candidates;
mod choose;
mod cost;
mod display;
mod enumeration;
mod error;
mod extract;
mod insert;
mod kernel_function;
mod language;
mod launch_costs;
mod meaning;
mod offers;
mod offline;
mod one_rule;
mod operation;
mod pieces;
mod prediction;
mod raise;
mod real;
mod refused_rules;
mod report;
mod rule_switches;
mod rules;
mod saturate;
mod schedules;
mod specialize;
mod target_description;
#[cfg(test)]
mod tests;

pub use analysis::Conflict;
pub use choose::{Saturated, Selection, choose};
pub use cost::ProgramCost;
pub use error::RewriteError;
pub use offers::ScheduleOffers;
pub use one_rule::{Rewritten, apply_rule};
pub use pieces::{PieceOptions, PieceProgram, choose_pieces};
pub use prediction::{Bottleneck, Prediction, Quantities};
pub use raise::raise;
pub use report::{
    Alternative, Effort, ExtractionReport, FunctionReport, KernelReport, RefusedKernel,
    RefusedRule, Report, callees_first, launches,
};
pub use rule_switches::{RuleSwitches, nearest};
pub use rules::{Assumption, Condition, Group, Rule, UnknownAssumption};
pub use saturate::{Limits, RuleStatistics, Statistics, Stop};
pub use specialize::specialize;
pub use target_description::{
    BandwidthShare, MatrixRate, MemoryLevel, Rates, TargetDescription, TileRates,
};

/// Every rewrite rule with its group, for listings.
pub fn rules() -> impl Iterator<Item = (Group, &'static Rule)> {
    rules::all()
}
