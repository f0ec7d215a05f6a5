//! [`Report`]: what was chosen, what it is predicted to cost, and how it was found.

use super::error::RewriteError;
use super::prediction::{LaunchWork, Prediction, predict};
use super::saturate::Statistics;
use super::target_description::TargetDescription;
use ocellus_dialects::kernel::{Family, Function, KernelOp, Mask, Module, Step};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::ValueId;
use ocellus_kernels::{Access, Layout, NotStrided, Refusal, Target, launch};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How one function was rewritten.
#[derive(Clone, Debug)]
pub struct FunctionReport {
    /// Its name.
    pub name: String,
    /// How saturation went.
    pub saturation: Statistics,
    /// How extraction went.
    pub extraction: ExtractionReport,
    /// The launches, in order.
    pub kernels: Vec<KernelReport>,
    /// The other kernels that could have made the same values.
    pub alternatives: Vec<Alternative>,
    /// Other kernels that were not evaluated, because the search of their costs reached its limit.
    pub unevaluated_alternatives: usize,
    /// Rules that were not used, because a condition of theirs did not hold.
    pub refused_rules: Vec<RefusedRule>,
    /// Kernels that were described, and that no family does.
    pub refused_kernels: Vec<RefusedKernel>,
}

/// A rule that was not used, though what it looks for was found.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedRule {
    /// The function.
    pub function: String,
    /// The label of the value that it would have made in another manner, where it has one.
    pub label: Option<String>,
    /// The type of that value.
    pub ty: Option<String>,
    /// The kernel that makes the value now.
    pub chosen: String,
    /// The rule.
    pub rule: &'static str,
    /// The condition that does not hold.
    pub condition: String,
    /// What the condition speaks of: `?e = add columns, gelu`.
    pub value: String,
    /// In how many ways the rule was found here.
    pub times: usize,
}

/// A kernel that would make a value in another manner, and that its family does not do.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedKernel {
    /// The label of the value, where it has one.
    pub label: Option<String>,
    /// The kernel that makes the value now.
    pub chosen: String,
    /// The kernel that was asked for.
    pub kernel: String,
    /// Why not.
    pub refusal: Refusal,
}

/// How extraction went.
#[derive(Clone, Debug)]
pub struct ExtractionReport {
    /// Values that the search could choose to make.
    pub classes: usize,
    /// What may make them.
    pub candidates: usize,
    /// States that were looked at.
    pub states: usize,
    /// The predicted cost of the launches chosen, in microseconds.
    pub microseconds: f64,
    /// No choice costs less than this.
    pub least_microseconds: f64,
    /// Whether no choice is cheaper.
    pub proven_optimal: bool,
    /// Time spent.
    pub time: Duration,
}

/// One launch.
#[derive(Clone, Debug)]
pub struct KernelReport {
    /// The kernel family.
    pub family: Family,
    /// What was fused: `layer_norm > gemm > add columns > gelu`.
    pub name: String,
    /// The name of the value that it makes.
    pub label: Option<String>,
    /// Its predicted cost.
    pub prediction: Prediction,
}

/// A kernel that could have made a value and was not chosen, and what taking it would cost.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// The function.
    pub function: String,
    /// The label of the value, where it has one.
    pub label: Option<String>,
    /// The kernel that was chosen for the value.
    pub chosen: String,
    /// The other one.
    pub instead: String,
    /// Whether the other does more in one launch: a fusion that was not done.
    pub fuses_more: bool,
    /// How much longer the function would take, all other choices made anew; in microseconds.
    pub extra_microseconds: f64,
}

/// How much a kernel does: the steps before, in and after it.
pub fn fused_steps(op: &KernelOp) -> usize {
    use ocellus_dialects::kernel::Prologue;
    let steps = |prologue: &Prologue| usize::from(*prologue != Prologue::None);
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => 1 + steps(prologue) + epilogue.len(),
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            2 + steps(prologue) + between.epilogue.len() + epilogue.len()
        }
        KernelOp::RowWise { prologue, epilogue, .. } => steps(prologue) + epilogue.len(),
        KernelOp::PartialGemm { .. } | KernelOp::BatchedGemm { .. } | KernelOp::Move(_) => 1,
        // Scores, scale, softmax, mix.
        KernelOp::Attention { rotary, mask, .. } => {
            4 + 2 * usize::from(*rotary) + usize::from(*mask == Mask::Segments)
        }
    }
}

/// What was chosen for a module at one size.
#[derive(Clone, Debug)]
pub struct Report {
    /// The size.
    pub at: Bindings,
    /// By function.
    pub functions: Vec<FunctionReport>,
    /// The predicted cost of a run of the entry function, calls included, in microseconds.
    pub microseconds: f64,
    /// The share by which the program of a piece may cost more than the best one at a size of the piece; the same for
    /// every piece. Nothing where one size was asked for.
    pub tolerance: f64,
    /// Limits that were hit when the range was cut, in words; the same for every piece.
    pub limits: Vec<String>,
    /// What choosing took.
    pub effort: Effort,
}

/// What choosing took, counted in what no machine changes: the same for every piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// E-nodes, of all functions.
    pub nodes: usize,
    /// How often the left side of a rule was found.
    pub matches: usize,
    /// Candidates for all values.
    pub candidates: usize,
    /// Sizes at which the cheapest program was asked for.
    pub extractions: usize,
    /// Programs that were found.
    pub programs: usize,
    /// Costs of launches that were worked out, over all schedules and sizes.
    pub costs: usize,
    /// States of all searches, and what it took to begin them.
    pub states: usize,
}

/// The launches of a function with what the cost model knows of them. The error is one that its kernel family refuses.
pub fn launches(
    function: &Function,
    isa: impl Into<Target>,
) -> Result<Vec<(&Step, LaunchWork<Dim>)>, RewriteError> {
    let isa = isa.into();
    let mut costs = vec![];
    for step in &function.steps {
        let Step::Launch { op, operands, result, .. } = step else { continue };
        let layout = |operand: &ValueId| Ok(Access::of(function, *operand)?.layout);
        let layouts = operands.iter().map(layout).collect::<Result<Vec<Layout>, NotStrided>>()?;
        let result = &function.value(*result).ty;
        let launch = launch(op, &layouts, &Layout::contiguous(result), isa)?;
        costs.push((step, LaunchWork::of(op, &layouts, result, &launch)));
    }
    Ok(costs)
}

/// What the launches of a function cost at one size.
pub fn kernels(
    function: &Function,
    at: &Bindings,
    target: &TargetDescription,
) -> Result<Vec<KernelReport>, RewriteError> {
    let mut reports = vec![];
    for (step, cost) in launches(function, target.kernels_target()?)? {
        let Step::Launch { op, label, .. } = step else { continue };
        let quantities = cost.at(at).map_err(|dim| unbound(&function.name, &dim))?;
        let prediction = predict(&quantities, target);
        let (family, name) = (op.family(), kernel_name(op));
        reports.push(KernelReport { family, name, label: label.clone(), prediction });
    }
    Ok(reports)
}

/// The predicted time of one run of a module's entry function, in picoseconds, from what the launches of each function
/// cost.
pub fn cost(module: &Module, functions: &[FunctionReport]) -> Result<u128, RewriteError> {
    let mut costs: BTreeMap<&str, u128> = BTreeMap::new();
    for function in callees_first(module)? {
        let own = functions.iter().filter(|report| report.name == function.name);
        let launches = own.flat_map(|report| &report.kernels).map(|k| k.prediction.picoseconds());
        let called = callees(function).filter_map(|callee| costs.get(callee).copied());
        let cost = launches.chain(called).fold(0u128, u128::saturating_add);
        costs.insert(&function.name, cost);
    }
    Ok(costs.get(module.entry.as_str()).copied().unwrap_or(0))
}

/// The functions that a function calls, as often as it does.
fn callees(function: &Function) -> impl Iterator<Item = &str> {
    function.steps.iter().filter_map(|step| match step {
        Step::Call { callee, .. } => Some(callee.as_str()),
        Step::Launch { .. } => None,
    })
}

/// The functions of a module, each after those that it calls.
pub fn callees_first(module: &Module) -> Result<Vec<&Function>, RewriteError> {
    let mut sorted: Vec<&Function> = vec![];
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut pending: Vec<&Function> = module.functions.iter().collect();
    while !pending.is_empty() {
        let is_ready =
            |function: &&Function| callees(function).all(|callee| known.contains(callee));
        let (ready, waiting): (Vec<&Function>, Vec<&Function>) =
            pending.into_iter().partition(is_ready);
        if ready.is_empty() {
            return Err(RewriteError::Internal {
                function: module.entry.clone(),
                reason: "functions call each other in a circle, or one that is not there".into(),
            });
        }
        known.extend(ready.iter().map(|function| function.name.as_str()));
        sorted.extend(ready);
        pending = waiting;
    }
    Ok(sorted)
}

/// The error for a dimension that has no value.
pub fn unbound(function: &str, dim: &Dim) -> RewriteError {
    RewriteError::Unbound { function: function.to_string(), dim: dim.to_string() }
}

/// A kernel in a few words: what it does to rows first, what it is, what it does to elements last.
pub fn kernel_name(op: &KernelOp) -> String {
    use ocellus_dialects::kernel::{EpilogueOp, Prologue};
    let step = |step: &EpilogueOp| match step {
        EpilogueOp::Combine(combine, broadcast) => {
            format!("{} {}", combine.name(), broadcast.name())
        }
        EpilogueOp::Elementwise(function) => function.to_string(),
        EpilogueOp::Gate(activation) => format!("gate {}", activation.name()),
        EpilogueOp::AfterTokens => "after tokens".to_string(),
    };
    let chain = |prologue: &Prologue, middle: Option<&str>, epilogue: &[EpilogueOp]| {
        let first = (*prologue != Prologue::None).then(|| prologue.name().to_string());
        let words: Vec<String> = first
            .into_iter()
            .chain(middle.map(String::from))
            .chain(epilogue.iter().map(step))
            .collect();
        if words.is_empty() { "copy".to_string() } else { words.join(" > ") }
    };
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => chain(prologue, Some("gemm"), epilogue),
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            let first = chain(prologue, Some("gemm"), &between.epilogue);
            format!("{first} > {}", chain(&Prologue::None, Some("gemm"), epilogue))
        }
        KernelOp::RowWise { prologue, epilogue, .. } => chain(prologue, None, epilogue),
        KernelOp::PartialGemm { slices, .. } => format!("gemm in {slices} slices"),
        KernelOp::BatchedGemm { .. } => "batched gemm".into(),
        KernelOp::Attention { heads, rotary, mask, .. } => {
            let rotary = if *rotary { "rope > " } else { "" };
            let mask = if *mask == Mask::Segments { " in segments" } else { "" };
            format!("{rotary}attention of {heads} heads{mask}")
        }
        KernelOp::Move(kernel) => kernel.name().into(),
    }
}
