//! How long a launch takes on a target: the roofline over waves of tiles, and the cost of launching.

use super::real::Real;
use super::target_description::{MatrixRate, TargetDescription};
use ocellus_dialects::kernel::{Family, KernelOp};
use ocellus_dialects::symbolic::{Bindings, Dim, NoValue, Symbol};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Kernel, Launch, Layout, gather_flops, work};
use std::convert::Infallible;

/// What bounds a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottleneck {
    /// Arithmetic.
    Compute,
    /// Bytes.
    Memory,
    /// Handing it over takes longest.
    Launch,
}

impl Bottleneck {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Bottleneck::Compute => "compute",
            Bottleneck::Memory => "memory",
            Bottleneck::Launch => "launch",
        }
    }
}

/// The predicted cost of a launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// FLOPs, of matrix products and others.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Microseconds.
    pub microseconds: f64,
    /// Microseconds that its arithmetic alone would take.
    pub compute_microseconds: f64,
    /// Microseconds that moving its bytes alone would take.
    pub memory_microseconds: f64,
    /// What bounds it.
    pub bound: Bottleneck,
}

impl Prediction {
    /// The cost in whole picoseconds.
    pub fn picoseconds(&self) -> u128 {
        picoseconds(self.microseconds)
    }
}

/// Microseconds as whole picoseconds: sums of integers do not depend on their order.
pub fn picoseconds(microseconds: f64) -> u128 {
    (microseconds * 1e6).round() as u128
}

/// What the cost model knows of a launch: in closed form over the symbols (`Dim`), or at one size (`f64`) or several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaunchWork<T> {
    /// The kernel family.
    pub family: Family,
    /// How the operands are stored, or read as if they were.
    pub element: ElementType,
    /// FLOPs of matrix products.
    pub matrix_flops: T,
    /// FLOPs on rows before the kernel proper.
    pub prologue_flops: T,
    /// FLOPs on elements.
    pub elementwise_flops: T,
    /// Bytes of weights, which come from main memory.
    pub weight_bytes: T,
    /// Bytes of activations, which come from where they fit.
    pub activation_bytes: T,
    /// How the result is cut: each extent, and the part of it that is a tile's.
    pub tiles: Vec<(T, i64)>,
    /// Rows and columns that are computed at once, be they wanted or not.
    pub at_once: [i64; 2],
    /// Blocks of rows that read a weight at the same time.
    pub beside: i64,
}

/// A launch at one size.
pub type Quantities = LaunchWork<f64>;

impl LaunchWork<Dim> {
    /// The launch that does `op` to operands that lie so.
    pub fn of(
        op: &KernelOp,
        operands: &[Layout],
        result: &TensorType,
        launch: &Launch<Kernel>,
    ) -> Self {
        let types: Vec<TensorType> = operands.iter().map(|layout| layout.ty.clone()).collect();
        let work = work(op, &types, result);
        let x = operands.first();
        let gathers = x.filter(|x| x.patches.is_some());
        let stored = x.map_or(result.element, |x| x.ty.element);
        let element = match op {
            KernelOp::Gemm { prologue, .. } | KernelOp::BackToBackGemm { prologue, .. } => {
                prologue.element(stored)
            }
            KernelOp::PartialGemm { .. }
            | KernelOp::BatchedGemm { .. }
            | KernelOp::RowWise { .. }
            | KernelOp::Attention { .. }
            | KernelOp::Move(_) => stored,
        };
        let whole = LaunchWork {
            family: op.family(),
            element,
            matrix_flops: work.matrix_flops,
            prologue_flops: match gathers {
                Some(x) => work.prologue_flops + gather_flops(&x.ty),
                None => work.prologue_flops,
            },
            elementwise_flops: work.elementwise_flops,
            weight_bytes: work.weight_bytes,
            activation_bytes: work.activation_bytes,
            at_once: [1, 1],
            beside: 1,
            tiles: vec![],
        };
        whole.divided(launch)
    }

    /// The same work on the same operands, divided as by that launch.
    pub fn divided(self, launch: &Launch<Kernel>) -> Self {
        let (at_once, beside) = (launch.kernel.at_once(), launch.kernel.blocks_beside());
        LaunchWork { at_once, beside, tiles: launch.tiles.0.clone(), ..self }
    }

    /// The quantities where the symbols have those values. The error is a dimension with a symbol that has none.
    pub fn at(&self, at: &Bindings) -> Result<Quantities, Dim> {
        self.try_map(&mut |dim| value(dim, at))
    }
}

impl<T> LaunchWork<T> {
    /// The rate of its products on a target; no size changes it.
    pub fn matrix_rate(&self, target: &TargetDescription) -> MatrixRate {
        let flat = |gflops: f64| MatrixRate { gflops, tile_us: 0.0 };
        match self.family {
            Family::Attention => {
                let queries = self.tiles.last().map_or(1, |(_, queries)| *queries);
                target.attention_rate(self.element, queries)
            }
            Family::BatchedGemm => flat(target.batched_gemm.of(self.element)),
            Family::BackToBackGemm => flat(target.back_to_back_gemm.of(self.element)),
            // The latter two multiply no matrices: any rate is that of none.
            Family::Gemm | Family::PartialGemm | Family::Move | Family::RowWise => {
                let tile = match self.tiles.as_slice() {
                    [(_, rows), (_, columns), ..] => (*rows, *columns),
                    [] | [_] => (1, 1),
                };
                target.gemm_rate(self.element, tile)
            }
        }
    }

    /// The same launch with its quantities said otherwise.
    pub fn map<U>(&self, map: &mut impl FnMut(&T) -> U) -> LaunchWork<U> {
        match self.try_map(&mut |quantity| Ok::<U, Infallible>(map(quantity))) {
            Ok(mapped) => mapped,
            Err(never) => match never {},
        }
    }

    /// The same where one of them may have no such form.
    pub fn try_map<U, E>(
        &self,
        map: &mut impl FnMut(&T) -> Result<U, E>,
    ) -> Result<LaunchWork<U>, E> {
        Ok(LaunchWork {
            family: self.family,
            element: self.element,
            matrix_flops: map(&self.matrix_flops)?,
            prologue_flops: map(&self.prologue_flops)?,
            elementwise_flops: map(&self.elementwise_flops)?,
            weight_bytes: map(&self.weight_bytes)?,
            activation_bytes: map(&self.activation_bytes)?,
            tiles: self
                .tiles
                .iter()
                .map(|(extent, part)| Ok((map(extent)?, *part)))
                .collect::<Result<_, E>>()?,
            at_once: self.at_once,
            beside: self.beside,
        })
    }
}

impl<T: Real> LaunchWork<T> {
    /// Microseconds on a target where the rate of its products, which is looked up, is known: the longer of arithmetic and
    /// bytes, and the cost of launching.
    pub fn microseconds(&self, matrix_rate: MatrixRate, target: &TargetDescription) -> T {
        let longest = self.compute(matrix_rate, target).max(self.memory(target));
        longest + T::of(target.launch_us)
    }

    /// Tiles along the first extent (blocks of rows), and all tiles.
    fn tile_counts(&self) -> (T, T) {
        let one = T::of(1.0);
        let count = |(extent, part): &(T, i64)| (*extent / T::of(*part as f64)).ceil().max(one);
        let mut counts = self.tiles.iter().map(count);
        let first = counts.next().unwrap_or(one);
        (first, counts.fold(first, |product, count| product * count))
    }

    /// How much longer products take because whole groups of rows and columns are computed.
    fn padding(&self) -> T {
        let one = T::of(1.0);
        let grouped = self.tiles.iter().zip(self.at_once).filter(|(_, step)| *step > 1);
        let factor = |((extent, _), step): (&(T, i64), i64)| {
            let step = T::of(step as f64);
            extent.if_at_most(0.0, one, (*extent / step).ceil() * step / *extent)
        };
        grouped.map(factor).fold(one, |product, factor| product * factor)
    }

    /// Microseconds of arithmetic. Tiles run in waves, one tile a unit, and the last wave takes as long as a full one.
    /// Each unit that works on a block of rows prepares them for itself, and each tile takes a while to begin and to end.
    fn compute(&self, matrix_rate: MatrixRate, target: &TargetDescription) -> T {
        let units = T::of(f64::from(target.units));
        let waves = |parts: T| (parts / units).ceil();
        let in_waves = |parts: T| waves(parts) * units / parts;
        let (blocks, tiles) = self.tile_counts();
        // A thousand FLOPs take a microsecond at one GFLOP/s.
        let at_rate = |flops: T, rate: f64| flops / T::of(rate * 1e3);
        let matrix = at_rate(self.matrix_flops * self.padding(), matrix_rate.gflops);
        // Attention's softmax runs beside its products, and its rate is that of both.
        let elementwise_rate = if self.family == Family::Attention {
            matrix_rate.gflops
        } else {
            target.elementwise_gflops
        };
        let elementwise = at_rate(self.elementwise_flops, elementwise_rate);
        let prologue = at_rate(self.prologue_flops, target.row_gflops);
        let preparations = blocks.max(units.min(tiles));
        (matrix + elementwise) * in_waves(tiles)
            + waves(tiles) * T::of(matrix_rate.tile_us)
            + prologue * preparations / blocks * in_waves(preparations)
    }

    /// Microseconds of moving bytes.
    fn memory(&self, target: &TargetDescription) -> T {
        let share = match self.family {
            Family::Move => target.bandwidth_share.r#move,
            Family::RowWise => target.bandwidth_share.rowwise,
            Family::Attention
            | Family::BackToBackGemm
            | Family::BatchedGemm
            | Family::Gemm
            | Family::PartialGemm => 1.0,
        };
        // Units without a tile draw nothing.
        let busy = (self.tile_counts().1 / T::of(f64::from(target.units))).min(T::of(1.0));
        let activations = target.bandwidth(self.activation_bytes) * T::of(share);
        // A thousand bytes take a microsecond at one GB/s.
        let at_rate = |bytes: T, gb_per_s: T| bytes / (gb_per_s * busy * T::of(1e3));
        // Blocks of rows read the weight, those beside each other at once: the first from memory, the others from where it fits.
        let readings = (self.tile_counts().0 / T::of(self.beside as f64)).ceil();
        let others = readings + T::of(-1.0);
        at_rate(self.activation_bytes, activations)
            + at_rate(self.weight_bytes, T::of(target.memory_bandwidth()))
            + at_rate(self.weight_bytes * others, target.bandwidth(self.weight_bytes))
    }
}

/// What a launch takes: `max(arithmetic, bytes) + launch`.
pub fn predict(launch: &Quantities, target: &TargetDescription) -> Prediction {
    let matrix_rate = launch.matrix_rate(target);
    let (compute, memory) = (launch.compute(matrix_rate, target), launch.memory(target));
    let bound = if target.launch_us >= compute.max(memory) {
        Bottleneck::Launch
    } else if compute >= memory {
        Bottleneck::Compute
    } else {
        Bottleneck::Memory
    };
    Prediction {
        flops: launch.matrix_flops + launch.prologue_flops + launch.elementwise_flops,
        bytes: launch.weight_bytes + launch.activation_bytes,
        microseconds: launch.microseconds(matrix_rate, target),
        compute_microseconds: compute,
        memory_microseconds: memory,
        bound,
    }
}

/// The value of a dimension as a real number: sizes near the end of a range leave what an integer holds.
fn value(dim: &Dim, at: &Bindings) -> Result<f64, Dim> {
    let value = |symbol: &Symbol| at.get(symbol).map(|value| *value as f64).ok_or(NoValue);
    dim.value(value).map_err(|_| dim.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::kernel::{GemmTile, Prologue, View};
    use ocellus_dialects::venc::Patchify;
    use ocellus_kernels::launch;

    fn rows() -> Dim {
        Dim::symbol(&Symbol::new("rows"))
    }

    /// A gemm of `rows` rows, and its prediction where rows has a value.
    fn predicted(k: i64, n: i64, rows: i64) -> Prediction {
        let x = TensorType::new(ElementType::F32, [self::rows(), Dim::from(k)]);
        predicted_reading(Layout::contiguous(&x), n, rows)
    }

    fn predicted_reading(x: Layout, n: i64, rows: i64) -> Prediction {
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let op =
            KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
        let weight = TensorType::new(ElementType::F32, [Dim::from(n), x.ty.width()]);
        let result = TensorType::new(ElementType::F32, [self::rows(), Dim::from(n)]);
        let isa = target.kernels_target().unwrap();
        let layouts = [x, Layout::contiguous(&weight)];
        let launch = launch(&op, &layouts, &Layout::contiguous(&result), isa).unwrap();
        let cost = LaunchWork::of(&op, &layouts, &result, &launch);
        assert!(cost.at(&Bindings::new()).is_err());
        let at = Bindings::from([(Symbol::new("rows"), rows)]);
        predict(&cost.at(&at).unwrap(), &target)
    }

    #[test]
    fn the_roofline_has_two_sides_and_a_floor() {
        assert_eq!(predicted(768, 3072, 1000).bound, Bottleneck::Compute);
        assert_eq!(predicted(768, 3072, 1).bound, Bottleneck::Memory);
        assert_eq!(predicted(16, 16, 1).bound, Bottleneck::Launch);
    }

    #[test]
    fn the_last_wave_takes_as_long_as_a_full_one() {
        // Two units: 2 tiles are one wave, 3 are two.
        let [two, three, four] = [2, 3, 4]
            .map(|tiles| predicted(512, tiles * GemmTile::DEFAULT.columns, 96).microseconds);
        assert!((three - four).abs() < 1e-6 && three > 1.7 * two, "{two} {three} {four}");
    }

    #[test]
    fn to_gather_rows_takes_time_and_no_bytes() {
        let of = |dims: Vec<Dim>| TensorType::new(ElementType::F32, dims);
        let pixels = Dim::from(16);
        let image = of(vec![1.into(), 3.into(), pixels.clone(), rows() * pixels]);
        let patches = of(vec![1.into(), rows(), 768.into()]);
        let view = View::from(Patchify { height: 16, width: 16, rows: 1.into(), cols: rows() });
        let (_, gathered) = Layout::contiguous(&image).view(&view, &patches).unwrap();
        let [plain, gathered] =
            [Layout::contiguous(&patches), gathered].map(|x| predicted_reading(x, 768, 96));
        assert_eq!(plain.bytes, gathered.bytes);
        let longer = gathered.compute_microseconds / plain.compute_microseconds;
        assert!((1.001..1.2).contains(&longer), "{longer}");
    }

    /// A gemm of rows, in tiles of 96 rows, by 128 columns, in tiles of `columns`, that does nothing but read a weight.
    fn gemm(rows: f64, columns: i64, weight_bytes: f64) -> Quantities {
        Quantities {
            family: Family::Gemm,
            element: ElementType::F32,
            matrix_flops: 0.0,
            prologue_flops: 0.0,
            elementwise_flops: 0.0,
            weight_bytes,
            activation_bytes: 0.0,
            tiles: vec![(rows, 96), (128.0, columns)],
            at_once: [12, columns],
            beside: 1,
        }
    }

    #[test]
    fn blocks_of_rows_read_the_weight_and_all_but_the_first_from_where_it_fits() {
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let microseconds =
            |rows: f64, bytes: f64| predict(&gemm(rows, 1, bytes), &target).memory_microseconds;
        let large = 1e9;
        let ratio = microseconds(192.0, large) / microseconds(96.0, large);
        assert!((ratio - 2.0).abs() < 1e-9, "{ratio}");
        let beside = LaunchWork { beside: 2, ..gemm(192.0, 1, large) };
        assert_eq!(predict(&beside, &target).memory_microseconds, microseconds(96.0, large));
        let small = 1e5;
        let nearer = target.memory_bandwidth() / target.bandwidth(small);
        let ratio = microseconds(192.0, small) / microseconds(96.0, small);
        assert!(nearer < 1.0 && (ratio - 1.0 - nearer).abs() < 1e-9, "{ratio} {nearer}");
    }

    #[test]
    fn a_kernel_with_fewer_rows_or_columns_than_it_computes_at_once_does_the_work_of_all() {
        let padding = |rows: f64, columns: i64| gemm(rows, columns, 0.0).padding();
        let rows = [1.0, 6.0, 12.0, 18.0, 0.0];
        let expected = [12.0, 2.0, 1.0, 4.0 / 3.0, 1.0];
        assert_eq!(rows.map(|rows| padding(rows, 1)), expected);
        // 128 columns in groups of 192.
        assert_eq!(rows.map(|rows| padding(rows, 192)), expected.map(|factor| 1.5 * factor));
    }
}
