//! [`Microbenchmark`]: one operation, several times in a row, compiled and run.

use super::{CalibrateError, rounded, shape_of};
use crate::passes;
use ocellus_checkpoint::RandomWeights;
use ocellus_codegen::{self as codegen, Optimization};
use ocellus_dialects::kernel::{self, Family, GemmTile, KernelOp};
use ocellus_dialects::symbolic::{Bindings, Region, Symbols};
use ocellus_dialects::venc::{
    self, Activate, Activation, Cast, FunctionBuilder, LayerNorm, Linear, Matmul, MergeHeads, Role,
    Scale, Softmax, SplitHeads, ValueId, VencError,
};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{CpuTarget, Target, gemm};
use ocellus_rewrite::{
    Group, PieceProgram, Quantities, RewriteError, RuleSwitches, TargetDescription, choose,
    launches, rules,
};
use ocellus_runtime::artifact::{Artifact, ArtifactContents, ArtifactWriter, VariantContents};
use ocellus_runtime::{HostTensor, LaunchTime, Options, Session};

/// The operation is repeated, so that some launches read and write memory that others have used.
const REPEATS: usize = 4;

/// Runs that are not counted, and runs that are; these in batches, of which the quickest counts: what else the machine
/// does can only make it slower.
const WARM_UPS: usize = 2;
const RUNS: usize = 9;
const BATCHES: usize = 3;

/// Rows and width of the product whose rate is measured: whole tiles of every size.
const GEMM: [i64; 2] = [960, 768];

/// Measures operations on one machine.
pub struct Microbenchmark {
    cpu: CpuTarget,
    threads: usize,
    /// What kernels are chosen by: as few launches as the rules permit, whatever the rates.
    estimate: TargetDescription,
    /// What a launch takes beside its work. Measured first, and subtracted from all else.
    pub launch_us: f64,
}

/// A chain of an operation, compiled: what runs is one kind of launch.
struct Prepared {
    session: Session,
    input: HostTensor,
    family: Family,
    /// What the cost model knows of one launch.
    cost: Quantities,
}

/// One kind of launch, measured.
struct Measured {
    microseconds: f64,
    cost: Quantities,
}

impl Microbenchmark {
    /// Nothing is measured yet.
    pub fn new(cpu: CpuTarget, threads: usize) -> Result<Self, CalibrateError> {
        let estimate = TargetDescription { launch_us: 1e6, ..TargetDescription::of(cpu)? };
        Ok(Microbenchmark { cpu, threads, estimate, launch_us: 0.0 })
    }

    /// The tiles whose rates are worth knowing.
    pub fn tiles(&self) -> Vec<GemmTile> {
        let [_, width] = GEMM;
        let mut all = vec![];
        for element in [ElementType::F32, ElementType::BF16] {
            let tiles = gemm::tiles(width, width, (element, element), &self.cpu);
            all.extend(tiles.into_iter().filter(|tile| !all.contains(tile)).collect::<Vec<_>>());
        }
        all
    }

    /// The median time of a launch of that family in a chain of the operation.
    pub fn microseconds(
        &self,
        family: Family,
        shape: &[i64],
        operation: impl Fn(&mut Chain, ValueId) -> Result<ValueId, VencError>,
    ) -> Result<f64, CalibrateError> {
        Ok(self.measure((ElementType::F32, family), shape, operation)?.microseconds)
    }

    /// GFLOP/s of the operation, all of its arithmetic together.
    pub fn gflops(
        &self,
        (element, family): (ElementType, Family),
        shape: &[i64],
        operation: impl Fn(&mut Chain, ValueId) -> Result<ValueId, VencError>,
    ) -> Result<f64, CalibrateError> {
        let measured = self.measure((element, family), shape, operation)?;
        let Quantities { matrix_flops, prologue_flops, elementwise_flops, .. } = measured.cost;
        Ok(self.rate(matrix_flops + prologue_flops + elementwise_flops, measured.microseconds))
    }

    /// GFLOP/s of a product with a weight, by the size of its tiles. They run in turns: a machine that slows down
    /// meanwhile makes none of them look worse than another.
    pub fn gemm_gflops(
        &self,
        element: ElementType,
        tiles: &[GemmTile],
    ) -> Result<Vec<f64>, CalibrateError> {
        let prepare = |tile: &GemmTile| {
            let with_tile = |op: &mut KernelOp| {
                if let KernelOp::Gemm { tile: own, .. } = op {
                    *own = *tile;
                }
            };
            self.prepare((element, Family::Gemm), &GEMM, Chain::linear, with_tile)
        };
        let prepared = tiles.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        let times = median_launches(&prepared)?;
        let rate = |(prepared, microseconds): (&Prepared, f64)| {
            self.rate(prepared.cost.matrix_flops, microseconds)
        };
        Ok(prepared.iter().zip(times).map(rate).collect())
    }

    /// Gigabytes a second of a kernel of a family that does little else than read and write, that many bytes in all.
    pub fn bandwidth(&self, family: Family, bytes: i64) -> Result<f64, CalibrateError> {
        let shape = shape_of(bytes / 2);
        let measured = match family {
            Family::Move => {
                let image = [1, shape[0], shape[1]];
                self.measure((ElementType::F32, family), &image, Chain::split_and_merge)?
            }
            Family::RowWise => self.measure((ElementType::F32, family), &shape, Chain::scale)?,
            Family::Attention
            | Family::BackToBackGemm
            | Family::BatchedGemm
            | Family::Gemm
            | Family::PartialGemm => return Err(CalibrateError::NoLaunch(family)),
        };
        Ok(self.rate(measured.cost.activation_bytes, measured.microseconds))
    }

    /// Thousands a microsecond: GFLOP/s of FLOPs, GB/s of bytes.
    fn rate(&self, amount: f64, microseconds: f64) -> f64 {
        // A launch is a good part of what little work takes, and noise must not make a rate infinite.
        rounded(amount / 1e3 / (microseconds - self.launch_us).max(0.1 * microseconds))
    }

    fn measure(
        &self,
        family: (ElementType, Family),
        shape: &[i64],
        operation: impl Fn(&mut Chain, ValueId) -> Result<ValueId, VencError>,
    ) -> Result<Measured, CalibrateError> {
        let prepared = [self.prepare(family, shape, operation, |_| {})?];
        let [microseconds] = median_launches(&prepared)?[..] else {
            return Err(CalibrateError::NoLaunch(family.1));
        };
        let [Prepared { cost, .. }] = prepared;
        Ok(Measured { microseconds, cost })
    }

    /// Compiles a chain of the operation, its launches edited.
    fn prepare(
        &self,
        (element, family): (ElementType, Family),
        shape: &[i64],
        operation: impl Fn(&mut Chain, ValueId) -> Result<ValueId, VencError>,
        edit: impl Fn(&mut KernelOp),
    ) -> Result<Prepared, CalibrateError> {
        let module = chain(element, shape, operation)?;
        let switches = plain_kernels(family)?;
        let (mut kernels, _) = choose(&module, &Bindings::new(), &self.estimate, &switches)?;
        let steps = kernels.functions.iter_mut().flat_map(|function| &mut function.steps);
        for step in steps {
            if let kernel::Step::Launch { op, .. } = step {
                edit(op);
            }
        }
        let cost = self.cost(&kernels, family)?;
        let artifact = self.artifact(&module, kernels)?;
        // SAFETY: the compiler of this process has just written the artifact, into memory of its own.
        let session = unsafe {
            Session::new(artifact, Options { threads: self.threads, ..Options::default() })
        }?;
        let dims = shape.iter().map(|dim| *dim as usize).collect();
        let input = HostTensor::zeros(dims).ok_or(CalibrateError::Memory)?;
        Ok(Prepared { session, input, family, cost })
    }

    /// What the cost model knows of the launches of that family.
    fn cost(&self, kernels: &kernel::Module, family: Family) -> Result<Quantities, CalibrateError> {
        let mut cost = None;
        for function in &kernels.functions {
            let costs = launches(function, self.cpu)?.into_iter().map(|(_, cost)| cost);
            cost = costs.filter(|cost| cost.family == family).last().or(cost);
        }
        let cost = cost.and_then(|cost| cost.at(&Bindings::new()).ok());
        cost.ok_or(CalibrateError::NoLaunch(family))
    }

    fn artifact(
        &self,
        module: &venc::Module,
        kernels: kernel::Module,
    ) -> Result<Artifact, CalibrateError> {
        let piece = PieceProgram { region: Region::default(), module: kernels };
        let host = passes::plan(module, &[piece], self.cpu)?;
        let code = codegen::compile_kernels(
            &host.kernels,
            Some(&host.plan),
            self.cpu,
            Optimization::Full,
            None,
        )?;
        let target = Target::from(self.cpu).requirements();
        let variant = VariantContents { target, plan: host.plan, code: code.bytes };
        let contents = ArtifactContents::new("calibrate", vec![variant]);
        let mut writer = ArtifactWriter::in_memory(contents)?;
        let weights = RandomWeights::new(module, 1);
        for weight in &host.weights {
            writer.write_weight(&weight.name(), [weight.pack(&weights)?.bytes])?;
        }
        Ok(writer.finish()?)
    }
}

/// The rules for plain kernels, so that the chain stays one; for two products in one launch where they are measured.
fn plain_kernels(family: Family) -> Result<RuleSwitches, RewriteError> {
    let others = rules().filter(|(group, rule)| match group {
        Group::Exploration => true,
        Group::Fusion => !(family == Family::BackToBackGemm && rule.name == "gemm-into-gemm"),
        Group::Recognition | Group::Implementation => false,
    });
    RuleSwitches::without(others.map(|(_, rule)| rule.name))
}

impl Prepared {
    /// The times of a run's launches, without the first, which reads the caller's memory, and the last, which writes it.
    fn launches(&self) -> Result<Vec<f64>, CalibrateError> {
        let (_, launches) = self.session.run_profiled(&[("x", &self.input)])?;
        let of_family: Vec<LaunchTime> =
            launches.into_iter().filter(|launch| launch.family == self.family).collect();
        let inner = of_family.get(1..of_family.len().saturating_sub(1)).unwrap_or_default();
        Ok(inner.iter().map(|launch| launch.microseconds).collect())
    }

    /// The median over a batch of runs.
    fn median_of_a_batch(&self) -> Result<f64, CalibrateError> {
        let mut times = vec![];
        for _ in 0..RUNS {
            times.extend(self.launches()?);
        }
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().ok_or(CalibrateError::NoLaunch(self.family))
    }
}

/// Of each, the time of a launch, measured in turns.
fn median_launches(prepared: &[Prepared]) -> Result<Vec<f64>, CalibrateError> {
    for one in prepared {
        for _ in 0..WARM_UPS {
            one.launches()?;
        }
    }
    let mut quickest = vec![f64::INFINITY; prepared.len()];
    for _ in 0..BATCHES {
        for (one, quickest) in prepared.iter().zip(&mut quickest) {
            *quickest = quickest.min(one.median_of_a_batch()?);
        }
    }
    Ok(quickest)
}

/// A module that applies the operation to its input again and again.
fn chain(
    element: ElementType,
    shape: &[i64],
    operation: impl Fn(&mut Chain, ValueId) -> Result<ValueId, VencError>,
) -> Result<venc::Module, VencError> {
    let mut chain = Chain { builder: FunctionBuilder::new("main"), element, weights: 0 };
    let ty = TensorType::new(ElementType::F32, shape.iter().copied());
    let mut x = chain.builder.argument("x", ty, Role::Activation);
    if element != ElementType::F32 {
        x = chain.builder.push(Cast { to: element }, &[x])?;
    }
    for _ in 0..REPEATS {
        x = operation(&mut chain, x)?;
    }
    if element != ElementType::F32 {
        x = chain.builder.push(Cast { to: ElementType::F32 }, &[x])?;
    }
    chain.builder.result("y", x);
    let functions = vec![chain.builder.finish()];
    Ok(venc::Module { symbols: Symbols::default(), functions, entry: "main".into() })
}

/// A function under construction, and the operations that are measured. Each keeps the shape.
pub struct Chain {
    builder: FunctionBuilder,
    element: ElementType,
    weights: usize,
}

impl Chain {
    fn weight(&mut self, shape: &[i64]) -> ValueId {
        self.weights += 1;
        let ty = TensorType::new(self.element, shape.iter().copied());
        self.builder.weight(&format!("weight{}", self.weights), ty)
    }

    fn width(&self, x: ValueId) -> i64 {
        self.builder.type_of(x).width().as_constant().unwrap_or(1)
    }

    /// Each row normalized.
    pub fn layer_norm(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        let width = self.width(x);
        let (norm_weight, bias) = (self.weight(&[width]), self.weight(&[width]));
        self.builder.push(LayerNorm { eps: 1e-6 }, &[x, norm_weight, bias])
    }

    /// Each element's gelu.
    pub fn gelu(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        self.builder.push(Activate { function: Activation::Gelu }, &[x])
    }

    /// Each element doubled.
    pub fn scale(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        self.builder.push(Scale { factor: 2.0 }, &[x])
    }

    /// A product with a square weight of its own.
    pub fn linear(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        let width = self.width(x);
        let weight = self.weight(&[width, width]);
        self.builder.push(Linear, &[x, weight])
    }

    /// Two products with a row between them that is four times as wide.
    pub fn mlp(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        let width = self.width(x);
        let wide = self.weight(&[4 * width, width]);
        let narrow = self.weight(&[width, 4 * width]);
        let between = self.builder.push(Linear, &[x, wide])?;
        self.builder.push(Linear, &[between, narrow])
    }

    /// A product with itself, of square matrices.
    pub fn matmul(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        self.builder.push(Matmul { transpose_rhs: true }, &[x, x])
    }

    /// Split into heads of 64 elements, and merged again: two moves.
    pub fn split_and_merge(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        let heads = self.width(x) / 64;
        let split = self.builder.push(SplitHeads { heads }, &[x])?;
        self.builder.push(MergeHeads, &[split])
    }

    /// Attention of heads of 64 elements to itself.
    pub fn attention(&mut self, x: ValueId) -> Result<ValueId, VencError> {
        let heads = self.width(x) / 64;
        let split = self.builder.push(SplitHeads { heads }, &[x])?;
        let scores = self.builder.push(Matmul { transpose_rhs: true }, &[split, split])?;
        let scores = self.builder.push(Scale { factor: 0.125 }, &[scores])?;
        let weights = self.builder.push(Softmax, &[scores])?;
        let mixed = self.builder.push(Matmul { transpose_rhs: false }, &[weights, split])?;
        self.builder.push(MergeHeads, &[mixed])
    }
}
