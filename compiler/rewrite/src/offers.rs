//! [`ScheduleOffers`]: other schedules of a launch, which the machine that runs it may find faster than the one that was
//! chosen by its rates.
//!
//! ```text
//! gemm [i*197, 768] x [768, 768]^T, chosen 128 x 128     most 3: 64 x 128 (the cheapest at i = 1), 128 x 256 (at i = 64)
//! ```

use crate::prediction::predict;
use crate::schedules::{Schedule, schedules};
use crate::target_description::TargetDescription;
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::{Bindings, Symbols};
use ocellus_kernels::{Layout, Target};

/// A schedule that takes longer than this multiple of the best, at every size that is looked at, is not offered.
const MAX_RATIO: f64 = 1.5;

/// Offers schedules by what they cost at a few sizes, from one end of the range to the other. They are the same wherever in
/// the range a launch is, so that pieces go on to share their programs.
pub struct ScheduleOffers<'a> {
    rates: &'a TargetDescription,
    sizes: Vec<Bindings>,
    /// The most schedules of a launch, the chosen one among them.
    most: usize,
}

impl<'a> ScheduleOffers<'a> {
    /// Offers of at most that many schedules in all, by those rates.
    pub fn new(symbols: &Symbols, rates: &'a TargetDescription, most: usize) -> Self {
        let at = |share: f64| {
            let free = symbols.free().map(|(symbol, range)| {
                let [min, max] = [range.first(), range.last()].map(|value| value.max(1) as f64);
                let value = (min.powf(1.0 - share) * max.powf(share)).round() as i64;
                (symbol.clone(), range.at_most(value.max(range.first())))
            });
            symbols.bind(&free.collect()).ok()
        };
        let sizes = [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().filter_map(at).collect();
        ScheduleOffers { rates, sizes, most }
    }

    /// Other schedules of a launch, the most promising first: what is the cheapest somewhere, or nearly.
    pub fn of(
        &self,
        op: &KernelOp,
        operands: &[Layout],
        result: &TensorType,
        target: Target,
    ) -> Vec<KernelOp> {
        // What is chosen can be launched, so no family refuses it.
        let Ok(all) = schedules(op, operands, result, target) else { return vec![] };
        let ratios = all.iter().map(|_| f64::INFINITY).collect();
        let ratios = self.sizes.iter().fold(ratios, |ratios: Vec<f64>, size| {
            let costs: Vec<f64> = all.iter().map(|each| self.microseconds(each, size)).collect();
            let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
            ratios.into_iter().zip(costs).map(|(ratio, cost)| ratio.min(cost / best)).collect()
        });
        let others = all.into_iter().zip(ratios).filter(|(schedule, _)| schedule.op != *op);
        let mut offered: Vec<(Schedule, f64)> =
            others.filter(|(_, ratio)| *ratio <= MAX_RATIO).collect();
        offered.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        offered.truncate(self.most.saturating_sub(1));
        offered.into_iter().map(|(schedule, _)| schedule.op).collect()
    }

    /// What a schedule costs at a size; without end where the size says nothing of it.
    fn microseconds(&self, schedule: &Schedule, size: &Bindings) -> f64 {
        let quantities = schedule.work.at(size);
        quantities.map_or(f64::INFINITY, |quantities| predict(&quantities, self.rates).microseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::kernel::{GemmTile, Prologue};
    use ocellus_dialects::symbolic::{Dim, Symbol, SymbolRange};

    /// The schedules that are offered of a gemm of up to a million rows, and the target.
    fn offered(most: usize) -> (Vec<GemmTile>, GemmTile) {
        let rates = TargetDescription::named("h100").unwrap();
        let target = rates.kernels_target().unwrap();
        let mut symbols = Symbols::default();
        symbols.declare("rows", SymbolRange::new(1, 1 << 20)).unwrap();
        let rows = Dim::symbol(&Symbol::new("rows"));
        let of = |rows: Dim| TensorType::new(ElementType::BF16, [rows, 768.into()]);
        let (x, weight) = (of(rows), of(768.into()));
        let layouts = [&x, &weight].map(Layout::contiguous);
        let gemm = |tile| KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile };
        let all = schedules(&gemm(GemmTile::DEFAULT), &layouts, &x, target).unwrap();
        let offers = ScheduleOffers::new(&symbols, &rates, most);
        let tile = |op: &KernelOp| match op {
            KernelOp::Gemm { tile, .. } => *tile,
            other => panic!("{other:?}"),
        };
        let offered = offers.of(&all[0].op, &layouts, &x, target);
        (offered.iter().map(tile).collect(), tile(&all[0].op))
    }

    #[test]
    fn as_many_are_offered_as_are_asked_for() {
        assert_eq!(offered(0).0, []);
        assert_eq!(offered(1).0, []);
        let (three, chosen) = offered(3);
        assert_eq!(three.len(), 2);
        assert!(!three.contains(&chosen));
    }

    #[test]
    fn both_ends_of_the_range_are_thought_of() {
        let (tiles, chosen) = offered(4);
        let all = || tiles.iter().chain([&chosen]);
        let (least, most) = (all().map(|tile| tile.rows).min(), all().map(|tile| tile.rows).max());
        assert!(least < Some(128) && most >= Some(128), "{tiles:?} {chosen:?}");
    }
}
