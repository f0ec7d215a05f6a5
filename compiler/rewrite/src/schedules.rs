//! The schedules of a launch: the same arithmetic, divided otherwise. Which is the best depends on the size.
//!
//! ```text
//! gemm [i*197, 768] x [768, 768]^T     i = 1:  tile 96 x 32     72 tiles, shared evenly among 8 cores
//!                                      i = 64: tile 96 x 256    the weight is read by fewer tiles
//! ```
//!
//! They are no terms of the e-graph: they are equal in all that rules could ask of them, so the cheapest is found candidate by
//! way.

use super::prediction::LaunchWork;
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::Dim;
use ocellus_kernels::{Layout, Refusal, Target};

/// What a schedule must save of a launch's time to be taken instead of the default: below this the prediction is no
/// better than a guess, and each schedule is a kernel more to compile.
pub const MIN_SAVING: f64 = 0.02;

/// One way to divide the work of a launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The launch so divided.
    pub op: KernelOp,
    /// What it costs.
    pub work: LaunchWork<Dim>,
}

/// The schedules of `op`, the default first, or why its family refuses it.
pub fn schedules(
    op: &KernelOp,
    operands: &[Layout],
    result: &TensorType,
    isa: Target,
) -> Result<Vec<Schedule>, Refusal> {
    let divided = ocellus_kernels::schedules(op, operands, &Layout::contiguous(result), isa)?;
    let mut all: Vec<Schedule> = vec![];
    for ocellus_kernels::Schedule { op, launch } in divided {
        // The same work, divided otherwise.
        let work = match all.first() {
            None => LaunchWork::of(&op, operands, result, &launch),
            Some(first) => first.work.clone().divided(&launch),
        };
        all.push(Schedule { op, work });
    }
    Ok(all)
}

/// Of schedules that cost so much, the cheapest: the first, unless another saves enough.
pub fn worthwhile(costs: impl Iterator<Item = f64> + Clone) -> usize {
    let default = costs.clone().next().unwrap_or(0.0);
    let best = costs.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
    best.filter(|(_, cost)| *cost < default * (1.0 - MIN_SAVING)).map_or(0, |(best, _)| best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch_costs::LaunchCosts;
    use crate::target_description::TargetDescription;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::kernel::{GemmTile, Mask, Prologue};
    use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};

    #[test]
    fn few_rows_get_narrow_tiles_where_many_units_wait() {
        let target = TargetDescription::named("x86-64-v4").unwrap().with_units(16);
        let mut symbols = Symbols::default();
        symbols.declare("rows", SymbolRange::new(1, 1 << 20)).unwrap();
        let rows = Symbol::new("rows");
        let of = |width: i64| TensorType::new(ElementType::F32, [Dim::symbol(&rows), width.into()]);
        let operands = [of(768), TensorType::new(ElementType::F32, [768, 768])];
        let layouts = operands.each_ref().map(Layout::contiguous);
        let op =
            KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
        let isa = target.kernels_target().unwrap();
        let all = schedules(&op, &layouts, &of(768), isa).unwrap();
        let mut costs = LaunchCosts::new(&symbols);
        let launch = costs.number(&all, "f", &target).unwrap();
        let tile = |count: i64| {
            let at = Bindings::from([(rows.clone(), count)]);
            let (schedule, _) = costs.at(&at, &target).unwrap().of(launch);
            match &all[schedule].op {
                KernelOp::Gemm { tile, .. } => *tile,
                other => panic!("{other:?}"),
            }
        };
        assert!(tile(96).columns < GemmTile::DEFAULT.columns, "{:?}", tile(96));
        assert_eq!(tile(1 << 20), GemmTile::DEFAULT);
        assert!(costs.at(&Bindings::new(), &target).is_err());
    }

    /// As measured on an H100 (`benches/nvidia/results/attention.tsv`): 5.2 µs instead of 7.0 for one image of 197 tokens, and 22.5
    /// instead of 23.8 for one of 1024.
    #[test]
    fn a_warp_has_more_queries_where_there_are_many_tokens() {
        let target = TargetDescription::named("h100").unwrap();
        let mut symbols = Symbols::default();
        symbols.declare("tokens", SymbolRange::new(1, 1 << 16)).unwrap();
        let tokens = Symbol::new("tokens");
        let shape = [Dim::from(1), Dim::symbol(&tokens), Dim::from(16 * 72)];
        let ty = TensorType::new(ElementType::BF16, shape);
        let layouts = [&ty; 3].map(Layout::contiguous);
        let (rotary, mask, warp_queries) = (false, Mask::Full, None);
        let op = KernelOp::Attention { heads: 16, scale: 0.1, rotary, mask, warp_queries };
        let all = schedules(&op, &layouts, &ty, target.kernels_target().unwrap()).unwrap();
        let mut costs = LaunchCosts::new(&symbols);
        let launch = costs.number(&all, "f", &target).unwrap();
        let queries = |count: i64| {
            let at = Bindings::from([(tokens.clone(), count)]);
            let (schedule, _) = costs.at(&at, &target).unwrap().of(launch);
            match &all[schedule].op {
                KernelOp::Attention { warp_queries, .. } => *warp_queries,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!([197, 257, 1024, 4096].map(queries), [None, None, Some(32), Some(32)]);
    }
}
