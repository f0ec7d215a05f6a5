//! What only attention and products in shared memory have: banks that must not conflict, and bytes that are read once a tile.

use crate::attention::{Sizes, shape};
use crate::launch::Operand;
use crate::simulated::{self, Outcome};
use ocellus_dialects::ElementType::{self, BF16, F16, F32, I32};
use ocellus_dialects::kernel::{KernelOp, Mask};
use ocellus_kernels::{Layout, NvidiaTarget, schedules};

const TARGET: NvidiaTarget = NvidiaTarget::SM_80;

/// Runs attention of tokens to each other, with all that may be fused into it where `is_fused`.
fn attend(sizes: Sizes, element: ElementType, is_fused: bool) -> Outcome {
    let tokens = shape(sizes.images, sizes.queries, sizes);
    let [q, k, v] = [1, 2, 3].map(|seed| Operand::random(seed, element, &tokens, 1.0));
    let mut operands = vec![q, k, v];
    if is_fused {
        let table = [sizes.queries as i64, sizes.head_size as i64];
        operands.extend([4, 5].map(|seed| Operand::random(seed, F32, &table, 1.0)));
        let segments: Vec<f64> = (0..sizes.queries).map(|token| (token / 80) as f64).collect();
        operands.push(Operand::of(I32, &[sizes.queries as i64], &segments, 0));
    }
    let mask = if is_fused { Mask::Segments } else { Mask::Full };
    let op = KernelOp::Attention { heads: sizes.heads as i64, scale: 0.1, rotary: is_fused, mask };
    let count = tokens.iter().product::<i64>() as usize;
    let result = Operand::of(element, &tokens, &vec![f64::NAN; count], 0);
    simulated::run(&op, &operands, &result, TARGET)
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
        let what = format!("{head_size} {element}");
        let outcome = attend(sizes, element, false);
        assert_no_bank_is_asked_twice(&outcome, &what);
        let tiles = 197u64.div_ceil(64);
        let elements = (2 * head_size) as u64 * (197 + tiles * 2 * 197);
        let bytes = element.bytes() as u64;
        assert_eq!(copied(&outcome), bytes * elements, "{what}");
        assert_eq!(
            outcome.report.total.global_stored,
            bytes * 2 * head_size as u64 * 197,
            "{what}"
        );
        // A head that does not begin with a sector ends in one more than would hold it.
        let spare = if head_size as i64 * element.bytes() % 32 == 0 { 1.0 } else { 1.3 };
        for line in &outcome.report.lines {
            let counts = line.counts;
            let most = counts.ideal_sectors as f64 * spare;
            assert!(counts.sectors as f64 <= most, "{what}: line {}, {}", line.line, line.opcode);
        }
    }
}

#[test]
fn rotation_and_segments_find_no_bank_asked_twice_and_only_blocks_that_may_share_are_read() {
    for (head_size, element) in [(64, BF16), (72, BF16), (80, F16), (40, F32)] {
        let sizes = Sizes { images: 1, heads: 1, head_size, queries: 400, keys: 400 };
        let outcome = attend(sizes, element, true);
        assert_no_bank_is_asked_twice(&outcome, &format!("{head_size} {element}"));
        // A tile of 64 queries needs the blocks of 64 keys between the first and the last of their segments of 80.
        let keys_of = |first: u64| {
            let last = (first + 63).min(399);
            let (first_key, end_key) = (first / 80 * 80, (last / 80 + 1) * 80);
            (end_key.next_multiple_of(64)).min(400) - first_key / 64 * 64
        };
        let keys: u64 = (0..400).step_by(64).map(keys_of).sum();
        let of_heads = (element.bytes() as usize * head_size) as u64 * (400 + 2 * keys);
        assert_eq!(copied(&outcome), of_heads + 4 * keys, "{head_size}");
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
        let op = KernelOp::Attention { heads: 2, scale: 1.0, rotary: false, mask: Mask::Full };
        schedules(&op, &vec![x.clone(); 3], &x, TARGET).unwrap_err().to_string()
    };
    assert!(refusal(I32, 128).contains("multiply bf16, f16 or f32, not i32"));
    assert!(refusal(BF16, 2 * 36).contains("a head has 36 elements"));
    assert!(refusal(BF16, 2 * 136).contains("multiples of 8 up to 128"));
}
