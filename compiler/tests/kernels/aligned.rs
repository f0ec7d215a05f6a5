//! What a warp of a GPU asks memory for at once: as much as lies aligned, up to 16 bytes a thread, and no sector in vain.

use crate::launch::{Operand, assert_close};
use crate::near::{self, Near};
use crate::simulated::{self, Outcome};
use ocellus_dialects::ElementType::{self, BF16, F32};
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{
    GatherRows, InterpolatePositions, InterpolationFilter, MaskSegments, MeanTokens, Op, Rope,
    SliceTokens,
};
use ocellus_kernels::NvidiaTarget;

const TARGET: NvidiaTarget = NvidiaTarget::SM_80;

fn empty(element: ElementType, shape: &[i64], gap: i64) -> Operand {
    Operand::of(element, shape, &vec![f64::NAN; shape.iter().product::<i64>() as usize], gap)
}

/// Bytes of a thread's request: the most and the least of those that read the device's memory, then of those that write it.
fn requests(outcome: &Outcome) -> [[u64; 2]; 2] {
    let of = |bytes: fn(&ocellus_sim::Counts) -> u64| {
        let lines = outcome.report.lines.iter().map(|line| line.counts);
        let asked: Vec<u64> = lines
            .filter(|counts| bytes(counts) > 0)
            .map(|counts| bytes(&counts) / counts.threads)
            .collect();
        [asked.iter().copied().max().unwrap_or(0), asked.iter().copied().min().unwrap_or(0)]
    };
    [of(|counts| counts.global_loaded), of(|counts| counts.global_stored)]
}

fn assert_no_sector_is_in_vain(outcome: &Outcome, what: &str) {
    for line in &outcome.report.lines {
        let counts = line.counts;
        assert_eq!(counts.sectors, counts.ideal_sectors, "{what}: {} {}", line.line, line.opcode);
    }
}

#[test]
fn rows_are_read_and_written_in_vectors_as_far_as_they_lie_aligned() {
    let norm = Prologue::LayerNorm { eps: 1e-6, affine: true };
    // Width, gaps between rows of x and of the result, and bytes that a thread reads and writes at once.
    for ((from, to), width, gaps, [read, written]) in [
        ((BF16, BF16), 768, (0, 0), [[16, 16], [16, 16]]),
        ((F32, F32), 768, (0, 0), [[16, 16], [16, 16]]),
        ((F32, BF16), 256, (0, 0), [[16, 16], [8, 8]]),
        ((BF16, BF16), 252, (0, 4), [[8, 8], [8, 8]]),
        ((BF16, BF16), 258, (6, 14), [[16, 2], [16, 2]]),
        ((BF16, BF16), 255, (0, 1), [[2, 2], [2, 2]]),
    ] {
        let x = Operand::with_gap(7, from, &[5, width], 3.0, gaps.0);
        let weight = Operand::random(8, from, &[width], 2.0);
        let bias = Operand::random(9, from, &[width], 2.0);
        let op = KernelOp::RowWise { prologue: norm, epilogue: vec![], to };
        let operands = [x.clone(), weight.clone(), bias.clone()];
        let outcome = simulated::run(&op, &operands, &empty(to, &[5, width], gaps.1), TARGET);
        let what = format!("{from} to {to}, {width} columns, {gaps:?} between rows");
        let rows = x.values.chunks(width as usize);
        let near = rows.flat_map(|row| near::prologue(norm, row, &weight.values, &bias.values));
        let wanted: Vec<Near> = near.map(|near| near.rounded(to)).collect();
        assert_close(&outcome.values, &wanted, &what);
        assert_eq!(requests(&outcome), [read, written], "{what}");
        if (width * from.bytes()) % 32 == 0 {
            assert_no_sector_is_in_vain(&outcome, &what);
        }
    }
}

#[test]
fn elements_move_in_vectors_as_far_as_they_lie_aligned() {
    // Columns, and bytes that a thread moves at once: pieces of what lies aligned, and the rest of a row.
    for (element, width, bytes) in
        [(BF16, 768, [16, 16]), (F32, 64, [16, 16]), (BF16, 36, [8, 8]), (BF16, 33, [2, 2])]
    {
        let x = Operand::random(1, element, &[2, 7, width], 1.0);
        let (start, length) = (2, Dim::from(4));
        let op = KernelOp::Move(SliceTokens { start, length }.into());
        let (operands, result) = (std::slice::from_ref(&x), empty(element, &[2, 4, width], 0));
        let outcome = simulated::run(&op, operands, &result, TARGET);
        let kept = x.values.chunks(7 * width as usize);
        let kept = kept.flat_map(|image| &image[2 * width as usize..6 * width as usize]);
        assert!(outcome.values.iter().eq(kept), "{element} {width}");
        assert_eq!(requests(&outcome), [bytes; 2], "{element} {width}");

        let index = Operand::of(ElementType::I32, &[3], &[6.0, 0.0, 3.0], 0);
        let op = KernelOp::Move(GatherRows.into());
        let operands = [x.clone(), index];
        let outcome = simulated::run(&op, &operands, &empty(element, &[2, 3, width], 0), TARGET);
        assert_eq!(requests(&outcome)[1], bytes, "{element} {width}");
    }
}

#[test]
fn elements_are_weighed_in_vectors_as_far_as_they_lie_aligned() {
    // Columns, and bytes that a thread reads at most and at least, and writes.
    let check = |op: Op, operands: &[Operand], shape: &[i64], wanted: [[u64; 2]; 2]| {
        let element = operands[0].layout.ty.element;
        let op = KernelOp::Move(op);
        let outcome = simulated::run(&op, operands, &empty(element, shape, 0), TARGET);
        assert_eq!(requests(&outcome), wanted, "{op:?} {}", operands[0].layout.ty);
    };
    for (element, width, bytes) in
        [(BF16, 768, [16, 16]), (F32, 64, [16, 16]), (BF16, 36, [8, 8]), (BF16, 33, [2, 2])]
    {
        let x = Operand::random(1, element, &[2, 7, width], 1.0);
        check(MeanTokens.into(), &[x], &[2, width], [bytes; 2]);
        let (rows, cols) = (Dim::from(2), Dim::from(3));
        let (filter, antialias) = (InterpolationFilter::Bilinear, false);
        let (native_rows, native_cols) = (3, 2);
        let op = InterpolatePositions { native_rows, native_cols, rows, cols, filter, antialias };
        let table = Operand::random(1, element, &[6, width], 1.0);
        check(op.into(), &[table], &[6, width], [bytes; 2]);
    }
    // As many as lie aligned in the tables, f32, and in the segments, i32: four.
    for (element, head_size, bytes) in
        [(BF16, 64, [[16, 8], [8, 8]]), (F32, 72, [[16, 16]; 2]), (BF16, 20, [[8, 4], [4, 4]])]
    {
        let x = Operand::random(1, element, &[1, 7, 2 * head_size], 1.0);
        let tables = [2, 3].map(|seed| Operand::random(seed, F32, &[7, head_size], 1.0));
        let operands = [&[x][..], &tables].concat();
        check(Rope { heads: 2 }.into(), &operands, &[1, 7, 2 * head_size], bytes);
    }
    for (tokens, bytes) in [(16, [[16, 4], [8, 8]]), (17, [[4, 2], [2, 2]])] {
        let shape = [1, 2, tokens, tokens];
        let segments: Vec<f64> = (0..tokens).map(|token| (token / 5) as f64).collect();
        let segments = Operand::of(ElementType::I32, &[tokens], &segments, 0);
        let scores = Operand::random(1, BF16, &shape, 1.0);
        check(MaskSegments.into(), &[scores, segments], &shape, bytes);
    }
}

/// What an epilogue reads lies beside what a lane has of the sums: four of a row.
#[test]
fn an_epilogue_reads_as_many_elements_at_once_as_lie_together() {
    let (m, k) = (21, 64);
    let add = |broadcast| EpilogueOp::Combine(Combine::Add, broadcast);
    let epilogue = vec![add(Broadcast::Columns), add(Broadcast::Full)];
    let op = KernelOp::Gemm { prologue: Prologue::None, epilogue, tile: GemmTile::DEFAULT };
    for (element, n, gap, wanted) in [
        (BF16, 72, 0, 4),
        (F32, 72, 4, 4),
        (F32, 72, 2, 2),
        (BF16, 74, 0, 2),
        (BF16, 72, 1, 1),
        (BF16, 71, 1, 1),
    ] {
        let x = Operand::random(1, element, &[m, k], 1.0);
        let w = Operand::random(2, element, &[n, k], 1.0);
        let bias = Operand::random(3, element, &[n], 1.0);
        let residual = Operand::with_gap(4, element, &[m, n], 1.0, gap);
        let result = empty(element, &[m, n], 0);
        let outcome = simulated::run(&op, &[x, w, bias, residual], &result, TARGET);
        let is_load = |line: &&ocellus_sim::LineCounts| {
            line.counts.global_loaded > 0 && line.opcode.starts_with("ld")
        };
        let elements: Vec<u64> = outcome
            .report
            .lines
            .iter()
            .filter(is_load)
            .map(|line| line.counts.global_loaded / line.counts.threads / element.bytes() as u64)
            .collect();
        assert!(!elements.is_empty());
        assert!(elements.iter().all(|found| *found == wanted), "{element} {n}: {elements:?}");
    }
}
