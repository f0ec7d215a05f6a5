//! How an artifact was compiled, so that its model can be loaded in the same way.

use crate::options::{CompileOptions, Dtype};
use crate::range::RangeArgument;
use ocellus::Target;
use ocellus::dialects::ElementType;
use ocellus::dialects::plan::{Expression, Plan};
use ocellus::dialects::symbolic::SymbolRange;
use ocellus::runtime::Session;

/// The dimensions of `pixel_values` that may be symbols.
const PIXEL_SYMBOLS: [(usize, &str); 3] = [(0, "images"), (2, "height"), (3, "width")];

/// The options with the storage, the ranges and the target of what runs of the artifact.
pub fn options_of(session: &Session, options: &CompileOptions) -> CompileOptions {
    let (plan, ranges) = (session.plan(), &session.artifact().provenance().ranges);
    let free = ranges.iter().map(|range| RangeArgument {
        symbol: range.symbol.clone(),
        range: SymbolRange { min: range.min, max: range.max, step: range.step },
    });
    let ranges = free.chain(fixed_sides(plan)).collect();
    let (targets, dtype) = match Target::of_requirements(session.target()) {
        Some(target) => (vec![target], dtype(target, plan)),
        None => (vec![], storage(plan)),
    };
    CompileOptions { ranges, dtype: Some(dtype), targets, ..options.clone() }
}

/// A range of one size leaves no symbol, but a number in the shape of the input.
fn fixed_sides(plan: &Plan) -> Vec<RangeArgument> {
    let Some(port) = plan.inputs.iter().find(|port| port.name == "pixel_values") else {
        return vec![];
    };
    let sides = PIXEL_SYMBOLS.into_iter().filter_map(|(dimension, symbol)| {
        match port.shape.get(dimension)? {
            Expression::Constant(size) => Some(RangeArgument {
                symbol: symbol.to_string(),
                range: SymbolRange::new(*size, *size),
            }),
            _ => None,
        }
    });
    sides.collect()
}

fn dtype(target: Target, plan: &Plan) -> Dtype {
    match storage(plan) {
        Dtype::F32 if target.with_tf32() == Some(target) => Dtype::Tf32,
        storage => storage,
    }
}

fn storage(plan: &Plan) -> Dtype {
    let launches = plan.programs.iter().flat_map(|program| &program.launches);
    let results = launches.filter_map(|launch| launch.result.as_ref());
    // Indices are stored alike in every artifact.
    let mut narrow = results.filter_map(|result| match result.element {
        ElementType::BF16 => Some(Dtype::Bf16),
        ElementType::F16 => Some(Dtype::F16),
        ElementType::F32 | ElementType::I32 => None,
    });
    narrow.next().unwrap_or(Dtype::F32)
}
