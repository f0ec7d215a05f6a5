//! Holds a compiled model against the reference interpreter, layer by layer.

mod bisect;
mod fault;
mod pieces;
mod sizes;
mod tolerance;

pub use bisect::{Verdict, bisect};
pub use fault::find_fault;
pub use pieces::{PieceSizes, Pieces};
pub use sizes::{Sizes, sizes_to_check};
pub use tolerance::{relative_l2, tolerance, unit_roundoff};

use ocellus_checkpoint::WeightSource;
use ocellus_dialects::ElementType;
use ocellus_dialects::TensorType;
use ocellus_dialects::plan::Plan;
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{IndexBounds, Module};
use ocellus_kernels::Target;
use ocellus_reference::{ReferenceError, evaluate_observed};
use ocellus_runtime::{HostTensor, RunError, Session, first_non_finite};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

/// How one value compares.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueCheck {
    /// The label of the value, or the name of a result.
    pub label: String,
    /// `|compiled - reference| / |reference|`.
    pub relative_l2: f64,
    /// What that may be; see [`tolerance`].
    pub tolerance: f64,
    /// Whether all of its numbers are finite as the compiled model has them.
    pub compiled_is_finite: bool,
    /// Whether they are as the reference has them.
    pub reference_is_finite: bool,
}

impl ValueCheck {
    /// Whether the value is as close as it must be.
    pub fn passed(&self) -> bool {
        self.relative_l2 <= self.tolerance
    }
}

/// How the values of one call compare, in the order in which they are computed; the results come last.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeCheck {
    /// The free symbols' values.
    pub size: Bindings,
    /// The values that both sides compute.
    pub values: Vec<ValueCheck>,
}

impl SizeCheck {
    /// Whether every value is as close as it must be.
    pub fn passed(&self) -> bool {
        !self.values.is_empty() && self.values.iter().all(ValueCheck::passed)
    }
}

/// A comparison that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The reference failed.
    #[error("the reference: {0}")]
    Reference(#[from] ReferenceError),
    /// The compiled model failed.
    #[error("the compiled model: {0}")]
    Run(#[from] RunError),
    /// A size outside the declared ranges.
    #[error(transparent)]
    Symbol(#[from] ocellus_dialects::symbolic::SymbolError),
    /// An input that does not fit in memory.
    #[error("an input `{name}` of the dims {shape:?} does not fit in memory")]
    TooLarge {
        /// The input.
        name: String,
        /// Its dimensions.
        shape: Vec<usize>,
    },
    /// The module has no entry function.
    #[error("the module has no function @{0}")]
    NoEntry(String),
}

/// Runs both sides on the same random input of that size.
pub fn check_size(
    module: &Module,
    weights: &dyn WeightSource,
    session: &Session,
    size: &Bindings,
) -> Result<SizeCheck, VerifyError> {
    let inputs = random_inputs(module, size)?;
    check_inputs(module, weights, session, size, &inputs)
}

/// Runs both sides on `inputs`, which have the size `size`.
pub fn check_inputs(
    module: &Module,
    weights: &dyn WeightSource,
    session: &Session,
    size: &Bindings,
    inputs: &BTreeMap<String, HostTensor>,
) -> Result<SizeCheck, VerifyError> {
    let mut compiled: BTreeMap<String, HostTensor> = BTreeMap::new();
    let borrowed: Vec<(&str, &HostTensor)> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let outputs = session.run_observed(&borrowed, &mut |label, tensor| {
        compiled.insert(label.to_string(), tensor);
    })?;
    let bound = module.symbols.bind(size)?;
    let reduction = longest_reduction(module, &bound);
    let element = storage(module);
    let plan = session.plan();
    let target = Target::of_requirements(session.target());
    let product_error = target.map_or(0.0, |target| target.product_error(element));
    let mut values = vec![];
    let mut compare = |label: &str, reference: &HostTensor, compiled: &HostTensor, launches| {
        let same_shape = reference.shape == compiled.shape;
        values.push(ValueCheck {
            label: label.to_string(),
            relative_l2: if same_shape {
                relative_l2(&compiled.data, &reference.data)
            } else {
                f64::INFINITY
            },
            tolerance: tolerance(element, product_error, launches, reduction),
            compiled_is_finite: first_non_finite(&compiled.data).is_none(),
            reference_is_finite: first_non_finite(&reference.data).is_none(),
        });
    };
    let results = evaluate_observed(module, weights, inputs, &mut |label, reference| {
        if let Some(tensor) = compiled.remove(label) {
            compare(label, reference, &tensor, launches_until(plan, label));
        }
    })?;
    let all_launches =
        plan.programs.iter().map(|program| program.launches.len()).max().unwrap_or(1);
    for (name, tensor) in &outputs {
        if let Some(reference) = results.get(name) {
            compare(name, reference, tensor, all_launches);
        }
    }
    Ok(SizeCheck { size: size.clone(), values })
}

/// Standard normal inputs of that size, the same for the same size in every run.
pub fn random_inputs(
    module: &Module,
    size: &Bindings,
) -> Result<BTreeMap<String, HostTensor>, VerifyError> {
    let bound = module.symbols.bind(size)?;
    let entry =
        module.entry_function().ok_or_else(|| VerifyError::NoEntry(module.entry.clone()))?;
    let mut random = StdRng::seed_from_u64(0x0ce1_1075);
    let mut inputs = BTreeMap::new();
    let index_bounds = module.index_bounds().map_err(ReferenceError::from)?;
    for (position, argument) in entry.arguments.iter().enumerate() {
        let shape: Vec<usize> = argument
            .ty
            .shape
            .iter()
            .map(|dim| dim.evaluate(&bound).and_then(|dim| usize::try_from(dim).ok()).unwrap_or(0))
            .collect();
        let elements = shape.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim));
        let room = elements.and_then(|elements| Some((elements, HostTensor::room_for(elements)?)));
        let Some((elements, mut data)) = room else {
            return Err(VerifyError::TooLarge { name: argument.name.clone(), shape });
        };
        // The sum of twelve uniform numbers is close to normal, and needs no further crate.
        if let Some(bounds) = index_bounds.get(&position) {
            let data = random_indices(bounds, elements, &bound, &mut random);
            inputs.insert(argument.name.clone(), HostTensor { shape, data });
            continue;
        }
        let normal = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
        data.extend(std::iter::repeat_with(normal).take(elements));
        inputs.insert(argument.name.clone(), HostTensor { shape, data });
    }
    Ok(inputs)
}

/// Indices that a call takes: a permutation where one is asked for, rows that are there, or runs of a few segments.
fn random_indices(
    bounds: &IndexBounds,
    count: usize,
    bound: &Bindings,
    random: &mut StdRng,
) -> Vec<f32> {
    if bounds.permutation {
        let mut order: Vec<f32> = (0..count).map(|index| index as f32).collect();
        // Fisher & Yates.
        for last in (1..count).rev() {
            order.swap(last, random.random_range(0..=last));
        }
        return order;
    }
    match bounds.below.iter().filter_map(|rows| rows.evaluate(bound)).min() {
        Some(rows) => (0..count).map(|_| random.random_range(0..rows.max(1)) as f32).collect(),
        None => {
            let mut segment = 0;
            let mut next = || {
                segment += i32::from(random.random_range(0..8) == 0);
                segment as f32
            };
            std::iter::repeat_with(&mut next).take(count).collect()
        }
    }
}

/// The coarsest storage that the program uses.
pub fn storage(module: &Module) -> ElementType {
    let elements = module.functions.iter().flat_map(|f| f.nodes.iter().map(|node| node.ty.element));
    elements
        .max_by(|a, b| unit_roundoff(*a).total_cmp(&unit_roundoff(*b)))
        .unwrap_or(ElementType::F32)
}

/// The greatest number of terms that one element sums.
fn longest_reduction(module: &Module, bound: &Bindings) -> usize {
    let reduced = module.functions.iter().flat_map(|function| {
        function.nodes.iter().filter_map(|node| {
            let operands: Vec<&TensorType> =
                node.operands.iter().map(|id| function.type_of(*id)).collect();
            node.op.operation().products_summed(&operands)
        })
    });
    let longest = reduced.filter_map(|dim: Dim| dim.evaluate(bound)).max();
    longest.and_then(|longest| usize::try_from(longest).ok()).unwrap_or(1)
}

/// How many launches there are up to the one that makes a labeled value.
fn launches_until(plan: &Plan, label: &str) -> usize {
    let position = |program: &ocellus_dialects::plan::Program| {
        program
            .launches
            .iter()
            .position(|launch| launch.result.as_ref().is_some_and(|result| result.label == label))
    };
    plan.programs.iter().filter_map(position).max().map_or(1, |position| position + 1)
}
