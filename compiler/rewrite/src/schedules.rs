//! The schedules of a launch: the same arithmetic, divided otherwise. Which is the best depends on the size.
//!
//! ```text
//! gemm [i*197, 768] x [768, 768]^T     i = 1:  tile 96 x 32     72 tiles, shared evenly among 8 cores
//!                                      i = 64: tile 96 x 256    the weight is read by fewer tiles
//! ```
//!
//! They are no terms of the e-graph: they are equal in all that rules could ask of them, so the cheapest is found way by
//! way.

use super::cost::LaunchCost;
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{GemmTile, KernelOp, View};
use ocellus_dialects::symbolic::Dim;
use ocellus_kernels::{CpuTarget, back_to_back_gemm, gemm};

/// What a schedule must save of a launch's time to be taken instead of the usual one: below this the prediction is no
/// better than a guess, and each schedule is a kernel more to compile.
pub const LEAST_SAVING: f64 = 0.02;

/// One way to divide the work of a launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The launch so divided.
    pub op: KernelOp,
    /// What it costs.
    pub cost: LaunchCost<Dim>,
}

/// The schedules of `op`, the usual one first. Its first operand is read through `view`.
pub fn schedules(
    op: KernelOp,
    (operands, view): (&[TensorType], Option<&View>),
    result: &TensorType,
    cpu: &CpuTarget,
) -> Vec<Schedule> {
    let ops = match &op {
        KernelOp::Gemm { prologue, epilogue, .. } => tiles(prologue.operands(), operands, cpu)
            .into_iter()
            .map(|tile| KernelOp::Gemm { prologue: *prologue, epilogue: epilogue.clone(), tile })
            .collect(),
        KernelOp::PartialGemm { slices, .. } => tiles(0, operands, cpu)
            .into_iter()
            .map(|tile| KernelOp::PartialGemm { slices: *slices, tile })
            .collect(),
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => back_to_back_gemm::ROWS
            .into_iter()
            .map(|rows| KernelOp::BackToBackGemm {
                prologue: *prologue,
                between: between.clone(),
                epilogue: epilogue.clone(),
                rows,
            })
            .collect(),
        _ => vec![op],
    };
    let mut ops = ops.into_iter();
    let Some(first) = ops.next() else { return vec![] };
    let cost = LaunchCost::of(&first, operands, result, cpu).reading(operands.first(), view);
    let mut all = vec![Schedule { op: first, cost }];
    for op in ops {
        // The same work, divided otherwise.
        let cost = all[0].cost.clone().divided(&op, operands, result, cpu);
        all.push(Schedule { op, cost });
    }
    all
}

fn tiles(prologue_operands: usize, operands: &[TensorType], cpu: &CpuTarget) -> Vec<GemmTile> {
    let weight = operands.get(1 + prologue_operands);
    let sides = weight.map(|weight| (weight.width().as_constant(), weight.rows().as_constant()));
    match (operands.first(), weight, sides) {
        (Some(x), Some(weight), Some((Some(k), Some(n)))) => {
            gemm::tiles(k, n, (x.element, weight.element), cpu)
        }
        _ => vec![GemmTile::DEFAULT],
    }
}

/// Of schedules that cost so much, the cheapest: the first, unless another saves enough.
pub fn worthwhile(prices: impl Iterator<Item = f64> + Clone) -> usize {
    let usual = prices.clone().next().unwrap_or(0.0);
    let best = prices.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
    best.filter(|(_, price)| *price < usual * (1.0 - LEAST_SAVING)).map_or(0, |(best, _)| best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch_prices::LaunchPrices;
    use crate::target::TargetDescription;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::kernel::Prologue;
    use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};

    #[test]
    fn few_rows_get_narrow_tiles_where_many_units_wait() {
        let target = TargetDescription::named("x86-64-v4").unwrap().with_units(16);
        let mut symbols = Symbols::default();
        symbols.declare("rows", SymbolRange::new(1, 1 << 20)).unwrap();
        let rows = Symbol::new("rows");
        let of = |width: i64| TensorType::new(ElementType::F32, [Dim::symbol(&rows), width.into()]);
        let weight = TensorType::new(ElementType::F32, [768, 768]);
        let op =
            KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
        let cpu = target.cpu().unwrap();
        let all = schedules(op, (&[of(768), weight], None), &of(768), &cpu);
        let mut prices = LaunchPrices::new(&symbols);
        let launch = prices.number(&all, "f", &target).unwrap();
        let tile = |count: i64| {
            let at = Bindings::from([(rows.clone(), count)]);
            let (schedule, _) = prices.at(&at, &target).unwrap().of(launch);
            match &all[schedule].op {
                KernelOp::Gemm { tile, .. } => *tile,
                other => panic!("{other:?}"),
            }
        };
        assert!(tile(96).columns < GemmTile::DEFAULT.columns, "{:?}", tile(96));
        assert_eq!(tile(1 << 20), GemmTile::DEFAULT);
        assert!(prices.at(&Bindings::new(), &target).is_err());
    }
}
