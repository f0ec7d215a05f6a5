//! What only a gemm in shared memory has: tiles of warps, copies of 4 to 16 bytes, banks that must not conflict.

use crate::gemm::product;
use crate::launch::{Operand, assert_close, rounding};
use crate::near::{Near, epilogue};
use crate::simulated::{self, Outcome};
use half::bf16;
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_kernels::gemm::Arithmetic;
use ocellus_kernels::{Layout, NvidiaTarget, Target, launch, schedules};

const TARGET: NvidiaTarget = NvidiaTarget::SM_80;

#[derive(Clone, Copy)]
struct Case {
    m: i64,
    n: i64,
    k: i64,
    /// Elements between rows of x and of the result.
    gap: i64,
    element: ElementType,
    /// How the result is stored.
    to: ElementType,
    tile: GemmTile,
}

impl Case {
    /// Multiplies, and adds a bias.
    fn check(&self) -> Outcome {
        self.check_on(TARGET)
    }

    /// The same for that target.
    fn check_on(&self, target: NvidiaTarget) -> Outcome {
        let arithmetic = Arithmetic::of(self.element, &target).unwrap();
        let Case { m, n, k, gap, element, to, tile } = *self;
        let x = Operand::with_gap(1, element, &[m, k], 1.0, gap);
        let w = Operand::random(2, element, &[n, k], 1.0);
        let bias = Operand::random(3, element, &[n], 1.0);
        let result = Operand::of(to, &[m, n], &vec![f64::NAN; (m * n) as usize], gap);
        let steps = vec![EpilogueOp::Combine(Combine::Add, Broadcast::Columns)];
        let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: steps.clone(), tile };
        let operands = [x.clone(), w.clone(), bias.clone()];
        let outcome = simulated::run(&op, &operands, &result, target);
        let mut wanted = vec![];
        let in_parts = |row: &[f64]| parts(arithmetic, row);
        let weights: Vec<_> = w.values.chunks(k as usize).map(in_parts).collect();
        for x in x.values.chunks(k as usize).map(in_parts) {
            for (w, bias) in weights.iter().zip(&bias.values) {
                let sum = product_of_parts((&x, w));
                wanted.push(epilogue(&steps, sum, &[*bias]).rounded(to));
            }
        }
        let what = format!("{tile}: {m}x{n}x{k} {arithmetic:?} {to}");
        assert_close(&outcome.values, &wanted, &what);
        outcome
    }
}

/// The parts of a row that are multiplied, whose sum it is, nearly.
fn parts(arithmetic: Arithmetic, row: &[f64]) -> Vec<Vec<f64>> {
    match arithmetic {
        Arithmetic::Bf16 | Arithmetic::F16 => vec![row.to_vec()],
        Arithmetic::Tf32 => {
            // 11 bits, halves away from zero.
            let rounded = |x: &f64| ((*x as f32).to_bits() + (1 << 12)) & !0x1fff;
            vec![row.iter().map(|x| f64::from(f32::from_bits(rounded(x)))).collect()]
        }
        Arithmetic::ThreeBf16 => {
            let round = |x: f64| bf16::from_f64(x).to_f64();
            let upper: Vec<f64> = row.iter().map(|x| round(*x)).collect();
            let lower = row.iter().zip(&upper).map(|(x, upper)| round(x - upper)).collect();
            vec![upper, lower]
        }
    }
}

/// The sum of the products of all parts but two lower ones, in f32: much closer to what a kernel must give than the true
/// product is, so that a part that is missing or rounded otherwise is seen.
fn product_of_parts((x, w): (&[Vec<f64>], &[Vec<f64>])) -> Near {
    let (mut value, mut magnitude, mut sums) = (0.0, 0.0, 8.0);
    for (of_x, x) in x.iter().enumerate() {
        for w in w.iter().take(2 - of_x) {
            for product in x.iter().zip(w).map(|(x, w)| x * w) {
                value += product;
                magnitude += product.abs();
            }
            sums += x.len() as f64;
        }
    }
    Near { value, bound: magnitude * sums * rounding(F32) }
}

fn layouts(element: ElementType, shapes: &[&[i64]]) -> Vec<Layout> {
    let layout =
        |shape: &&[i64]| Layout::contiguous(&TensorType::new(element, shape.iter().copied()));
    shapes.iter().map(layout).collect()
}

/// The tiles that a target offers for operands that are stored so.
fn tiles(element: ElementType, target: NvidiaTarget) -> Vec<GemmTile> {
    let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
    let layouts = layouts(element, &[&[8, 64], &[64, 64], &[8, 64]]);
    let all = schedules(&op, &layouts[..2], &layouts[2], target).unwrap();
    let tile = |op: &KernelOp| match op {
        KernelOp::Gemm { tile, .. } => *tile,
        other => panic!("{other:?}"),
    };
    all.iter().map(|schedule| tile(&schedule.op)).collect()
}

#[test]
fn every_tile_is_right_and_finds_no_bank_asked_twice() {
    let halves = tiles(BF16, TARGET).into_iter().zip([BF16, F16].into_iter().cycle());
    let halves = halves.map(|(tile, element)| (element, tile, TARGET));
    let singles = tiles(F32, TARGET).into_iter();
    let singles = singles.flat_map(|tile| [TARGET, TARGET.with_tf32()].map(|gpu| (F32, tile, gpu)));
    for (element, tile, target) in halves.chain(singles) {
        let sizes: &[(i64, i64, i64)] = match element {
            F32 => &[(133, 136, 72)],
            _ => &[(1, 130, 64), (300, 264, 208)],
        };
        for (m, n, k) in sizes.iter().copied() {
            let outcome = Case { m, n, k, gap: 0, element, to: element, tile }.check_on(target);
            for line in &outcome.report.lines {
                let counts = line.counts;
                assert_eq!(counts.conflicts, 0, "{tile}: {} {}", line.line, line.opcode);
                let is_copy = line.opcode.starts_with("cp.async");
                if is_copy {
                    assert_eq!(counts.sectors, counts.ideal_sectors, "{tile}: {}", line.line);
                }
            }
        }
    }
}

#[test]
fn runs_of_every_alignment_are_copied_and_written() {
    for (element, to) in [(BF16, BF16), (F32, F32), (F16, F32), (F32, BF16)] {
        let all = tiles(element, TARGET);
        let largest = (element == to).then_some(all[0]);
        for tile in largest.into_iter().chain([all[all.len() - 1]]) {
            // Runs of 16, 8, 4 and 2 bytes of x and of the weight; of the result those, and single elements.
            for (m, n, k, gap) in [
                (130, 72, 80, 0),
                (50, 100, 100, 4),
                (33, 70, 66, 2),
                (40, 45, 132, 1 + 3),
                (7, 33, 72, 8),
                (35, 34, 71, 2),
            ] {
                Case { m, n, k, gap, element, to, tile }.check();
            }
        }
    }
}

#[test]
fn rows_of_images_with_others_between_them_are_found() {
    let (images, tokens, k, n) = (5, 37, 64, 40);
    let x = Operand::random(1, BF16, &[images, tokens, k], 1.0).with_rows_between_images(2);
    let w = Operand::random(2, BF16, &[n, k], 1.0);
    let empty = vec![f64::NAN; (images * tokens * n) as usize];
    let result = Operand::of(BF16, &[images, tokens, n], &empty, 0);
    let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
    let found = simulated::run(&op, &[x.clone(), w.clone()], &result, TARGET).values;
    let mut wanted = vec![];
    for x in x.values.chunks(k as usize) {
        let x: Vec<Near> = x.iter().map(|x| Near::exactly(*x)).collect();
        let weights = w.values.chunks(k as usize);
        wanted.extend(weights.map(|w| product(&x, w, BF16).rounded(BF16)));
    }
    assert_close(&found, &wanted, "images apart");
}

/// Each tile reads its rows of both operands once, and nothing behind the last row, column or step.
#[test]
fn nothing_is_read_twice_in_a_tile_nor_past_an_end() {
    for tile in tiles(BF16, TARGET) {
        let (m, n, k) = (197, 136, 200);
        let outcome = Case { m, n, k, gap: 0, element: BF16, to: BF16, tile }.check();
        let copied: u64 = outcome
            .report
            .lines
            .iter()
            .filter(|line| line.opcode.starts_with("cp.async"))
            .map(|line| line.counts.global_loaded)
            .sum();
        let (down, across) = ((m - 1) / tile.rows + 1, (n - 1) / tile.columns + 1);
        assert_eq!(copied as i64, 2 * k * (m * across + n * down), "{tile}");
        assert_eq!(outcome.report.total.global_stored as i64, 2 * m * n, "{tile}");
    }
}

#[test]
fn what_no_kernel_does_is_refused() {
    let tile = tiles(BF16, TARGET)[0];
    let refusal = |prologue, operands: &[Layout], result: &Layout, tile| {
        let op = KernelOp::Gemm { prologue, epilogue: vec![], tile };
        launch(&op, operands, result, Target::from(TARGET)).unwrap_err().to_string()
    };
    let of = |element, tile| {
        let all = layouts(element, &[&[5, 64], &[32, 64], &[5, 32]]);
        refusal(Prologue::None, &all[..2], &all[2], tile)
    };
    let mixed = [layouts(F32, &[&[5, 64]]), layouts(BF16, &[&[32, 64], &[5, 32]])].concat();
    let error = refusal(Prologue::None, &mixed[..2], &mixed[2], tile);
    assert!(error.contains("f32 by f32, not f32 by bf16"), "{error}");
    assert!(of(BF16, GemmTile::DEFAULT).contains("says nothing of the warps"));
    let norm = Prologue::RmsNorm { eps: 1e-6, affine: false };
    let all = layouts(BF16, &[&[5, 64], &[32, 64], &[5, 32]]);
    assert!(refusal(norm, &all[..2], &all[2], tile).contains("is a row-wise kernel"));
}
