//! `epilogue(prologue(x) weight^T)`.

use crate::launch::{Operand, all_targets, assert_close, rounding, run, targets};
use crate::near::{self, Near, step};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{
    Broadcast, Combine, EpilogueOp, Family, GemmTile, KernelOp, Prologue,
};
use ocellus_dialects::symbolic::{Dim, Symbol};
use ocellus_dialects::venc::{Activate, Activation, Clamp, Scale};
use ocellus_kernels::gemm::{self, Arithmetic};
use ocellus_kernels::{CpuTarget, Kernel, Layout, Reason, Refusal, Target, launch, symbols};

/// `sum(x w)`: k products and sums in f32, each wrong by at most the sum of the products' magnitudes times 2^-24. Where
/// the prologue's row is stored as bf16 for `vdpbf16ps`, it is rounded once more.
pub fn product(x: &[Near], w: &[f64], stored: ElementType) -> Near {
    let steps = x.len() as f64 + 8.0;
    let mut sum = Near::exactly(0.0);
    let mut magnitude = 0.0;
    for (x, w) in x.iter().zip(w) {
        let x = if x.bound > 0.0 { x.rounded(stored) } else { *x };
        sum.value += x.value * w;
        sum.bound += x.bound * w.abs();
        magnitude += (x.value.abs() + x.bound) * w.abs();
    }
    sum.bound += magnitude * steps * rounding(F32) + 1e-35;
    sum
}

/// The same on a target: tensor cores make the products of f32 of parts of them, and add those.
pub fn product_on(target: &Target, x: &[Near], w: &[f64], stored: ElementType) -> Near {
    let near = product(x, w, stored);
    let arithmetic = match target {
        Target::Nvidia(nvidia) => Arithmetic::of(stored, nvidia),
        Target::Cpu(_) => None,
    };
    arithmetic.map_or(near, |arithmetic| multiplied_by(arithmetic, near, (x, w)))
}

/// The sum of products that an arithmetic makes, of which there may be more than one for each.
pub fn multiplied_by(arithmetic: Arithmetic, sum: Near, (x, w): (&[Near], &[f64])) -> Near {
    let magnitude: f64 = x.iter().zip(w).map(|(x, w)| (x.value.abs() + x.bound) * w.abs()).sum();
    let more_sums = if arithmetic == Arithmetic::ThreeBf16 { 2.0 * x.len() as f64 } else { 0.0 };
    let error = magnitude * (arithmetic.error() + more_sums * rounding(F32));
    Near { bound: sum.bound + error, ..sum }
}

/// Steps and the operands that they read.
pub struct Epilogue<'a> {
    pub epilogue: &'a [EpilogueOp],
    pub others: &'a [(Broadcast, Operand)],
}

impl Epilogue<'_> {
    /// What becomes of the element of that row and column of a result of that width.
    pub fn near(
        &self,
        row: usize,
        column: usize,
        width: usize,
        product: &dyn Fn(usize) -> Near,
    ) -> Near {
        let is_gate = |op: &EpilogueOp| matches!(op, EpilogueOp::Gate(_));
        let before = self.epilogue.iter().position(is_gate).unwrap_or(self.epilogue.len());
        let (before, behind) = self.epilogue.split_at(before);
        let (others, others_behind) =
            self.others.split_at(before.iter().map(|op| op.operands()).sum());
        let step = |start: Near, ops, others: &[(Broadcast, Operand)], column, width| {
            let element = |(broadcast, other): &(Broadcast, Operand)| match broadcast {
                Broadcast::Full => other.values[row * width + column],
                Broadcast::Columns => other.values[column],
                Broadcast::Table => other.values[row % 3 * width + column],
                Broadcast::Rows => other.values[row],
            };
            near::epilogue(ops, start, &others.iter().map(element).collect::<Vec<_>>())
        };
        match behind {
            [EpilogueOp::Gate(activation), behind @ ..] => {
                let [left, right] = [column, column + width]
                    .map(|column| step(product(column), before, others, column, 2 * width));
                let near = near::gate(*activation, left, right);
                step(near, behind, others_behind, column, width)
            }
            _ => step(product(column), before, others, column, width),
        }
    }
}

struct Case {
    m: i64,
    n: i64,
    k: i64,
    gap: i64,
    element: ElementType,
    prologue: Prologue,
    epilogue: Vec<EpilogueOp>,
    tile: GemmTile,
}

impl Case {
    fn plain(m: i64, n: i64, k: i64, gap: i64, element: ElementType) -> Self {
        Case {
            m,
            n,
            k,
            gap,
            element,
            prologue: Prologue::None,
            epilogue: vec![],
            tile: GemmTile::DEFAULT,
        }
    }

    /// Whether a target has a kernel for it: on a GPU a norm is one of its own.
    fn has_kernel(&self, target: &Target) -> bool {
        match target {
            Target::Cpu(_) => true,
            Target::Nvidia(_) => self.prologue == Prologue::None,
        }
    }

    fn check(&self, target: impl Into<Target>) {
        let target = target.into();
        if !self.has_kernel(&target) {
            return;
        }
        let Case { m, n, k, gap, element, prologue, ref epilogue, tile } = *self;
        // Where rows begin at odd elements a GPU copies them one by one, which takes long to compile: those of odd sizes do.
        let x_gap = match target {
            Target::Nvidia(_) if k % 2 == 0 => gap + gap % 2,
            Target::Nvidia(_) | Target::Cpu(_) => gap,
        };
        let x = Operand::with_gap(1, element, &[m, k], 1.0, x_gap);
        let norm_weight = Operand::random(2, element, &[k], 1.0);
        let bias = Operand::random(3, element, &[k], 1.0);
        let w = Operand::random(4, element, &[n, k], 1.0);
        let shape = |broadcast: Broadcast, width: i64| match broadcast {
            Broadcast::Full => vec![m, width],
            Broadcast::Columns => vec![width],
            Broadcast::Rows => vec![m, 1],
            // Rows that start again after every third.
            Broadcast::Table => vec![3, width],
        };
        let mut width = n;
        let mut others: Vec<(Broadcast, Operand)> = vec![];
        for (op, seed) in epilogue.iter().zip(10..) {
            match op {
                EpilogueOp::Combine(_, broadcast) => {
                    let shape = shape(*broadcast, width);
                    others.push((*broadcast, Operand::random(seed, element, &shape, 1.0)));
                }
                EpilogueOp::Gate(_) => width /= 2,
                EpilogueOp::Elementwise(_) | EpilogueOp::AfterTokens => {}
            }
        }
        let mut operands = vec![x.clone()];
        operands.extend([norm_weight.clone(), bias.clone()].into_iter().take(prologue.operands()));
        operands.push(w.clone());
        operands.extend(others.iter().map(|(_, other)| other.clone()));
        let empty = vec![f64::NAN; (m * width) as usize];
        let result = Operand::of(element, &[m, width], &empty, gap);
        let op = KernelOp::Gemm { prologue, epilogue: epilogue.clone(), tile };
        let found = run(&op, &operands, &result, target);

        let mut wanted = vec![];
        for (row, x) in x.values.chunks(k as usize).enumerate() {
            let x = near::prologue(prologue, x, &norm_weight.values, &bias.values);
            let product = |column: usize| {
                let w = &w.values[column * k as usize..][..k as usize];
                product_on(&target, &x, w, element)
            };
            let all = Epilogue { epilogue, others: &others };
            for column in 0..width as usize {
                wanted.push(all.near(row, column, width as usize, &product).rounded(element));
            }
        }
        let what = format!("{} {element} {m}x{n}x{k} {prologue:?} {epilogue:?}", target.name());
        assert_close(&found, &wanted, &what);
    }
}

#[test]
fn products_of_odd_sizes_are_right_in_every_storage_on_every_target() {
    let sizes =
        [(1, 1, 1, 0), (13, 37, 19, 5), (31, 96, 40, 0), (5, 7, 129, 3), (197, 130, 132, 0)];
    for target in all_targets() {
        for element in [F32, BF16, F16] {
            for (m, n, k, gap) in sizes {
                Case::plain(m, n, k, gap, element).check(target);
            }
        }
    }
}

#[test]
fn many_blocks_and_tiles_are_right() {
    for target in all_targets() {
        Case::plain(215, 300, 70, 0, F32).check(target);
        Case::plain(110, 161, 70, 2, BF16).check(target);
        Case::plain(40, 40, 3072, 0, F32).check(target);
    }
}

#[test]
fn every_tile_is_right() {
    for target in targets() {
        for tile in gemm::tiles(70, 300, (F32, F32), &target) {
            Case { tile, ..Case::plain(103, 300, 70, 0, F32) }.check(target);
        }
        // Neither a multiple of a panel nor smaller than the result.
        for (rows, columns) in [(1, 1), (7, 50), (1000, 1000)] {
            let tile = GemmTile::packed(rows, columns);
            Case { tile, ..Case::plain(29, 101, 33, 0, F32) }.check(target);
        }
    }
}

#[test]
fn prologues_and_epilogues_are_right_in_every_storage_on_every_target() {
    use Broadcast::{Columns, Full, Rows, Table};
    use Combine::{Add, Multiply};
    use EpilogueOp::Combine as With;
    let norm = Prologue::LayerNorm { eps: 1e-6, affine: true };
    let chains = [
        (norm, vec![With(Add, Columns), step(Activate { function: Activation::Gelu })]),
        (
            norm,
            vec![
                With(Add, Columns),
                step(Activate { function: Activation::GeluTanh }),
                With(Multiply, Full),
            ],
        ),
        (Prologue::LayerNorm { eps: 1e-6, affine: false }, vec![With(Add, Columns)]),
        (Prologue::RmsNorm { eps: 1e-5, affine: false }, vec![With(Add, Columns)]),
        (
            Prologue::RmsNorm { eps: 1e-5, affine: true },
            vec![step(Activate { function: Activation::Silu }), With(Multiply, Full)],
        ),
        (Prologue::None, vec![With(Add, Columns), With(Multiply, Columns), With(Add, Full)]),
        (
            Prologue::None,
            vec![
                step(Scale { factor: 0.125 }),
                With(Add, Table),
                step(Activate { function: Activation::Relu }),
            ],
        ),
        (Prologue::None, vec![With(Multiply, Rows), With(Add, Columns), With(Add, Rows)]),
        (Prologue::None, vec![step(Clamp { min: -0.5, max: 0.25 }), With(Add, Columns)]),
        (Prologue::None, vec![step(Clamp { min: 0.0, max: f64::INFINITY })]),
        (
            Prologue::None,
            vec![
                step(Activate { function: Activation::QuickGelu }),
                step(Activate { function: Activation::Tanh }),
            ],
        ),
    ];
    for target in all_targets() {
        for element in [F32, BF16, F16] {
            for (prologue, epilogue) in &chains {
                let (prologue, epilogue) = (*prologue, epilogue.clone());
                let tile = GemmTile::DEFAULT;
                Case { m: 14, n: 45, k: 50, gap: 1, element, prologue, epilogue, tile }
                    .check(target);
            }
        }
    }
}

#[test]
fn gates_of_every_width_are_right_in_every_storage_on_every_target() {
    use Broadcast::{Columns, Full};
    use Combine::{Add, Multiply};
    use EpilogueOp::{Combine as With, Gate};
    let rms = Prologue::RmsNorm { eps: 1e-5, affine: true };
    let norm = Prologue::LayerNorm { eps: 1e-6, affine: true };
    let chains = [
        (Prologue::None, vec![Gate(Activation::Silu)]),
        (rms, vec![With(Add, Columns), Gate(Activation::Silu)]),
        (norm, vec![With(Add, Columns), Gate(Activation::GeluTanh), With(Multiply, Columns)]),
        (
            Prologue::None,
            vec![
                With(Add, Full),
                step(Scale { factor: 0.5 }),
                Gate(Activation::Gelu),
                With(Add, Full),
                step(Activate { function: Activation::Relu }),
            ],
        ),
    ];
    for target in all_targets() {
        for element in [F32, BF16, F16] {
            for (index, (prologue, epilogue)) in chains.iter().enumerate() {
                // Less than half a panel, some panels, some and a rest; halves that are odd.
                for half in [[1, 16, 45], [7, 8, 100], [15, 32, 33], [5, 64, 17]][index] {
                    let (prologue, epilogue) = (*prologue, epilogue.clone());
                    let tile = GemmTile::packed(12, 64);
                    let n = 2 * half;
                    Case { m: 14, n, k: 50, gap: 1, element, prologue, epilogue, tile }
                        .check(target);
                }
            }
        }
    }
}

#[test]
fn a_gate_is_right_under_every_tile() {
    for target in targets() {
        for n in [300, 2 * 96] {
            for tile in gemm::tiles(70, n, (F32, F32), &target) {
                let epilogue = vec![EpilogueOp::Gate(Activation::Silu)];
                Case { tile, epilogue, ..Case::plain(103, n, 70, 0, F32) }.check(target);
            }
        }
    }
}

#[test]
fn images_that_share_memory_are_read_again() {
    for (element, target) in
        [F32, BF16].into_iter().flat_map(|e| all_targets().map(move |t| (e, t)))
    {
        let (images, tokens, k, n) = (3, 2, 24, 10);
        let mut x = Operand::random(1, element, &[1, tokens, k], 1.0);
        let rows = x.values.clone();
        x.layout.ty = TensorType::new(element, [images, tokens, k]);
        x.layout.image_stride = Dim::from(0);
        let w = Operand::random(2, element, &[n, k], 1.0);
        let empty = vec![0.0; (images * tokens * n) as usize];
        let result = Operand::of(element, &[images, tokens, n], &empty, 0);
        let (prologue, tile) = (Prologue::None, GemmTile::DEFAULT);
        let op = KernelOp::Gemm { prologue, epilogue: vec![], tile };
        let of_row = |x: &[f64]| -> Vec<Near> {
            let x: Vec<Near> = x.iter().map(|x| Near::exactly(*x)).collect();
            let weights = w.values.chunks(k as usize);
            weights.map(|w| product_on(&target, &x, w, element).rounded(element)).collect()
        };
        let of_image: Vec<Near> = rows.chunks(k as usize).flat_map(of_row).collect();
        let wanted = of_image.repeat(images as usize);
        let found = run(&op, &[x.clone(), w.clone()], &result, target);
        assert_close(&found, &wanted, &target.name());
    }
}

fn layouts(shapes: &[&[i64]]) -> Vec<Layout> {
    let layout = |shape: &&[i64]| Layout::contiguous(&TensorType::new(F32, shape.iter().copied()));
    shapes.iter().map(layout).collect()
}

#[test]
fn equal_kernels_share_code_and_different_ones_have_different_symbols() {
    let bias = [EpilogueOp::Combine(Combine::Add, Broadcast::Columns)];
    let kernel = |eps: f64, rows: i64| -> Kernel {
        let op = KernelOp::Gemm {
            prologue: Prologue::LayerNorm { eps, affine: true },
            epilogue: bias.to_vec(),
            tile: GemmTile::DEFAULT,
        };
        let operands = layouts(&[&[rows, 768], &[768], &[768], &[3072, 768], &[3072]]);
        let result = layouts(&[&[rows, 3072]]);
        launch(&op, &operands, &result[0], CpuTarget::X86_64_V4).unwrap().kernel
    };
    assert_eq!(kernel(1e-6, 197), kernel(1e-6, 50));
    let kernels = [kernel(1e-6, 197), kernel(1e-5, 197)];
    let names: Vec<String> = symbols(&kernels).into_values().collect();
    assert_eq!(names, ["gemm_768x3072_layer_norm_bias_f32", "gemm_768x3072_layer_norm_bias_f32_2"]);
}

#[test]
fn what_no_kernel_does_is_refused() {
    let target = CpuTarget::X86_64_V3;
    let lower_gemm = |prologue, operands: &[Layout]| {
        let op = KernelOp::Gemm { prologue, epilogue: vec![], tile: GemmTile::DEFAULT };
        launch(&op, operands, &layouts(&[&[5, 6]])[0], target).unwrap_err()
    };
    let error = lower_gemm(Prologue::None, &layouts(&[&[5, 8], &[6, 7]]));
    assert_eq!(
        error.reason.to_string(),
        "operand 0 is [5, 8] x f32, but its last dimension must be 7"
    );
    let error = lower_gemm(Prologue::None, &layouts(&[&[5, 8]]));
    assert_eq!(error.reason, Reason::MissingOperand { operand: 1 });
    let error = lower_gemm(Prologue::Softmax, &layouts(&[&[5, 8], &[6, 8]]));
    assert!(
        matches!(error, Refusal { family: Family::Gemm, reason: Reason::Unsupported(_) }),
        "{error}"
    );
    let gated = |gates: usize, rows: i64, result: i64| {
        let epilogue = vec![EpilogueOp::Gate(Activation::Silu); gates];
        let op = KernelOp::Gemm { prologue: Prologue::None, epilogue, tile: GemmTile::DEFAULT };
        let [result] = [layouts(&[&[5, result]])];
        launch(&op, &layouts(&[&[5, 8], &[rows, 8]]), &result[0], target)
    };
    assert!(gated(1, 6, 3).is_ok());
    let error = gated(1, 7, 3).unwrap_err().to_string();
    assert!(error.contains("two equal halves, and there are 7 columns"), "{error}");
    let error = gated(2, 8, 2).unwrap_err().to_string();
    assert!(error.contains("one gate at most"), "{error}");
    let mut dynamic = layouts(&[&[5, 8], &[6, 8]]);
    dynamic[1].ty = TensorType::new(F32, [Dim::symbol(&Symbol::new("n")), Dim::from(8)]);
    let error = lower_gemm(Prologue::None, &dynamic);
    assert!(matches!(error.reason, Reason::Dynamic { operand: 1, .. }), "{error}");
}

/// Slices of rows with a gap, in every storage.
#[test]
fn products_in_slices_are_those_of_the_slices() {
    for target in all_targets() {
        for (element, slices, (m, n, k)) in
            [(F32, 2, (13, 37, 32)), (BF16, 4, (103, 33, 128)), (F16, 3, (5, 70, 96))]
        {
            let x = Operand::with_gap(1, element, &[m, k], 1.0, 4);
            let w = Operand::random(2, element, &[n, k], 1.0);
            let empty = vec![f64::NAN; (slices * m * n) as usize];
            let result = Operand::of(F32, &[slices, m, n], &empty, 0);
            let op = KernelOp::PartialGemm { slices, tile: GemmTile::packed(24, 32) };
            let found = run(&op, &[x.clone(), w.clone()], &result, target);
            let width = (k / slices) as usize;
            let mut wanted = vec![];
            for slice in 0..slices as usize {
                for x in x.values.chunks(k as usize) {
                    let x: Vec<Near> =
                        x[slice * width..][..width].iter().map(|x| Near::exactly(*x)).collect();
                    for w in w.values.chunks(k as usize) {
                        let w = &w[slice * width..][..width];
                        wanted.push(product_on(&target, &x, w, element).rounded(F32));
                    }
                }
            }
            assert_close(&found, &wanted, &format!("{} {element} {slices} slices", target.name()));
        }
    }
    let layout = |shape: &[i64]| Layout::contiguous(&TensorType::new(F32, shape.iter().copied()));
    let op = KernelOp::PartialGemm { slices: 3, tile: GemmTile::DEFAULT };
    let operands = [layout(&[4, 64]), layout(&[8, 64])];
    let error = launch(&op, &operands, &layout(&[3, 4, 8]), CpuTarget::X86_64_V3).unwrap_err();
    assert!(error.to_string().contains("64 columns are not 3 slices"), "{error}");
}

#[test]
fn rows_are_rounded_as_they_are_packed() {
    for target in all_targets() {
        for to in [BF16, F16] {
            let (m, n, k) = (13, 37, 50);
            let x = Operand::random(1, F32, &[m, k], 1.0);
            let w = Operand::random(2, to, &[n, k], 1.0);
            let empty = vec![f64::NAN; (m * n) as usize];
            let result = Operand::of(to, &[m, n], &empty, 0);
            let prologue = Prologue::Cast { to };
            let op = KernelOp::Gemm { prologue, epilogue: vec![], tile: GemmTile::DEFAULT };
            let found = run(&op, &[x.clone(), w.clone()], &result, target);
            let mut wanted = vec![];
            for x in x.values.chunks(k as usize) {
                let x = near::prologue(prologue, x, &[], &[]);
                for w in w.values.chunks(k as usize) {
                    wanted.push(product(&x, w, to).rounded(to));
                }
            }
            assert_close(&found, &wanted, &format!("{} f32 as {to}", target.name()));
        }
    }
}
