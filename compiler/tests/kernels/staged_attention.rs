//! What only attention and products in shared memory have: banks that must not conflict, and bytes that are read once a tile.

use crate::attention::{Sizes, shape};
use crate::launch::{Operand, divided};
use crate::simulated::{self, Outcome};
use ocellus_dialects::ElementType::{self, BF16, F16, F32, I32};
use ocellus_dialects::kernel::{KernelOp, Mask};
use ocellus_kernels::attention::{Attention, Division, Schedule};
use ocellus_kernels::{Kernel, Layout, NvidiaTarget, schedules};

const TARGET: NvidiaTarget = NvidiaTarget::SM_80;

/// What attention did, and how many queries a tile had and keys a block.
struct Ran {
    queries: u64,
    keys: u64,
    outcome: Outcome,
}

/// Runs attention of tokens to each other, with all that may be fused into it where they have segments, in every division.
fn attend(sizes: Sizes, element: ElementType, segments: Option<&[i64]>) -> Vec<Ran> {
    let is_fused = segments.is_some();
    let tokens = shape(sizes.images, sizes.queries, sizes);
    let [q, k, v] = [1, 2, 3].map(|seed| Operand::random(seed, element, &tokens, 1.0));
    let mut operands = vec![q, k, v];
    if let Some(segments) = segments {
        let table = [sizes.queries as i64, sizes.head_size as i64];
        operands.extend([4, 5].map(|seed| Operand::random(seed, F32, &table, 1.0)));
        let segments: Vec<f64> = segments.iter().map(|segment| *segment as f64).collect();
        operands.push(Operand::of(I32, &[sizes.queries as i64], &segments, 0));
    }
    let mask = if is_fused { Mask::Segments } else { Mask::Full };
    let op = KernelOp::Attention {
        heads: sizes.heads as i64,
        scale: 0.1,
        rotary: is_fused,
        mask,
        warp_queries: None,
    };
    let count = tokens.iter().product::<i64>() as usize;
    let result = Operand::of(element, &tokens, &vec![f64::NAN; count], 0);
    let ran = |op: KernelOp| {
        let launch = simulated::launched(&op, &operands, &result, TARGET);
        let Kernel::Attention(Attention { division: Division::Nvidia(warps), .. }) = launch.kernel
        else {
            panic!("{op:?}")
        };
        let Schedule { queries, warps, keys, .. } = warps.schedule;
        let (queries, keys) = ((queries * warps) as u64, keys as u64);
        Ran { queries, keys, outcome: simulated::run_launch(launch, &operands, &result, TARGET) }
    };
    divided(&op, &operands, &result, TARGET.into()).into_iter().map(ran).collect()
}

/// Bytes that a kernel copies to shared memory.
fn copied(outcome: &Outcome) -> u64 {
    let copies = outcome.report.lines.iter().filter(|line| line.opcode.starts_with("cp.async"));
    copies.map(|line| line.counts.global_loaded).sum()
}

fn assert_no_bank_is_asked_twice(outcome: &Outcome, what: &str) {
    for line in &outcome.report.lines {
        let conflicts = line.counts.conflicts;
        assert_eq!(conflicts, 0, "{what}: line {}, {}", line.line, line.opcode);
    }
}

#[test]
fn attention_reads_a_tile_once_and_finds_no_bank_asked_twice() {
    for (head_size, element) in [
        (64, BF16),
        (72, F16),
        (80, BF16),
        (96, BF16),
        (128, F16),
        (64, F32),
        (72, F32),
        (128, F32),
    ] {
        let sizes = Sizes { images: 1, heads: 2, head_size, queries: 197, keys: 197 };
        for Ran { queries, outcome, .. } in attend(sizes, element, None) {
            let what = format!("{head_size} {element}, {queries} queries");
            assert_no_bank_is_asked_twice(&outcome, &what);
            let tiles = 197u64.div_ceil(queries);
            let elements = (2 * head_size) as u64 * (197 + tiles * 2 * 197);
            let bytes = element.bytes() as u64;
            assert_eq!(copied(&outcome), bytes * elements, "{what}");
            let stored = bytes * 2 * head_size as u64 * 197;
            assert_eq!(outcome.report.total.global_stored, stored, "{what}");
            // A head that does not begin with a sector ends in one more than would hold it.
            let spare = if head_size as i64 * element.bytes() % 32 == 0 { 1.0 } else { 1.3 };
            for line in &outcome.report.lines {
                let most = line.counts.ideal_sectors as f64 * spare;
                let sectors = line.counts.sectors as f64;
                assert!(sectors <= most, "{what}: line {}, {}", line.line, line.opcode);
            }
        }
    }
}

#[test]
fn rotation_and_segments_find_no_bank_asked_twice_and_only_blocks_of_the_same_windows_are_read() {
    // Windows are numbered in no order.
    let segments: Vec<i64> = (0..400).map(|token| [3, 0, 4, 1, 2][token / 80]).collect();
    for (head_size, element) in [(64, BF16), (72, BF16), (80, F16), (40, F32)] {
        let sizes = Sizes { images: 1, heads: 1, head_size, queries: 400, keys: 400 };
        for Ran { queries, keys, outcome } in attend(sizes, element, Some(&segments)) {
            let what = format!("{head_size} {element}, {queries} queries");
            assert_no_bank_is_asked_twice(&outcome, &what);
            // Whole blocks of keys, between the first and the last key of the windows that a tile's queries lie in.
            let keys_of = |first: u64| {
                let last = (first + queries - 1).min(399);
                let (first, end) = (first / 80 * 80, (last / 80 + 1) * 80);
                end.next_multiple_of(keys).min(400) - first / keys * keys
            };
            let read: u64 = (0..400).step_by(queries as usize).map(keys_of).sum();
            let of_heads = (element.bytes() as usize * head_size) as u64 * (400 + 2 * read);
            assert_eq!(copied(&outcome), of_heads + 4 * read, "{what}");
        }
    }
}

#[test]
fn products_of_activations_find_no_bank_asked_twice() {
    let halves = [(false, BF16, BF16), (true, BF16, BF16), (true, BF16, F32)];
    let singles = [(false, F32, F32), (true, F32, F32)];
    for (transpose_rhs, element, to) in halves.into_iter().chain(singles) {
        let (m, n, k) = (130, 72, 200);
        let a = Operand::random(1, element, &[2, m, k], 1.0);
        let right = if transpose_rhs { [2, n, k] } else { [2, k, n] };
        let b = Operand::random(2, element, &right, 1.0);
        let result = Operand::of(to, &[2, m, n], &vec![f64::NAN; (2 * m * n) as usize], 0);
        let op = KernelOp::BatchedGemm { transpose_rhs };
        let outcome = simulated::run(&op, &[a, b], &result, TARGET);
        assert_no_bank_is_asked_twice(&outcome, &format!("{transpose_rhs} {element} {to}"));
        let (down, across) = ((m as u64).div_ceil(64), (n as u64).div_ceil(64));
        let elements = 2 * k as u64 * (m as u64 * across + n as u64 * down);
        assert_eq!(copied(&outcome), element.bytes() as u64 * elements);
    }
}

#[test]
fn what_no_kernel_does_is_refused() {
    let refusal = |element, columns: i64| {
        let ty = ocellus_dialects::TensorType::new(element, [1, 5, columns]);
        let x = Layout::contiguous(&ty);
        let op = KernelOp::Attention {
            heads: 2,
            scale: 1.0,
            rotary: false,
            mask: Mask::Full,
            warp_queries: None,
        };
        schedules(&op, &vec![x.clone(); 3], &x, TARGET).unwrap_err().to_string()
    };
    assert!(refusal(I32, 128).contains("multiply bf16, f16 or f32, not i32"));
    assert!(refusal(BF16, 2 * 36).contains("a head has 36 elements"));
    assert!(refusal(BF16, 2 * 136).contains("multiples of 8 up to 128"));
}
