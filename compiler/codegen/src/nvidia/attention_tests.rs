//! What NVIDIA's assembler makes of attention, where it is found: registers, nothing in local memory, and the instructions of the
//! main loop.

use super::disassembly::Disassembler;
use super::tests::assembler;
use super::*;
use crate::{Optimization, emit_assembly};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::kernel::Mask::{self, Full, Segments};
use ocellus_kernels::{Kernel, Layout, schedules};

const SM_80: NvidiaTarget = NvidiaTarget::SM_80;
const SM_86: NvidiaTarget = NvidiaTarget::SM_86;
const SM_89: NvidiaTarget = NvidiaTarget::SM_89;
const SM_90: NvidiaTarget = NvidiaTarget::SM_90;
const SM_120: NvidiaTarget = NvidiaTarget::SM_120;

/// Attention of twelve heads of that size, of 197 tokens to each other, in every division.
fn attentions(
    (head_size, element): (i64, ElementType),
    (rotary, mask): (bool, Mask),
    target: NvidiaTarget,
) -> Vec<(Option<i64>, Kernel)> {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let tokens = layout(element, &[8, 197, 12 * head_size]);
    let mut operands = vec![tokens.clone(); 3];
    if rotary {
        operands.extend(vec![layout(F32, &[197, head_size]); 2]);
    }
    if mask == Segments {
        operands.push(layout(ElementType::I32, &[197]));
    }
    let scale = 1.0 / (head_size as f64).sqrt();
    let op = KernelOp::Attention { heads: 12, scale, rotary, mask, warp_queries: None };
    let all = schedules(&op, &operands, &tokens, target).unwrap().into_iter();
    all.map(|schedule| match schedule.op {
        KernelOp::Attention { warp_queries, .. } => (warp_queries, schedule.launch.kernel),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn assembled(kernel: &Kernel, target: NvidiaTarget, assembler: &Assembler) -> Cubin {
    let text = emit_assembly(std::slice::from_ref(kernel), target, Optimization::Full).unwrap();
    assembler.assemble(&text, target.name).unwrap()
}

/// What is in local memory or takes more registers than so many blocks have, of attentions of so many queries a warp.
fn faults(
    cases: &[(i64, ElementType, bool, Mask, NvidiaTarget, i64)],
    wanted: Option<i64>,
) -> Vec<String> {
    let Some(assembler) = assembler() else { return vec![] };
    let mut faults = vec![];
    for (head_size, element, rotary, mask, target, blocks) in cases {
        let all = attentions((*head_size, *element), (*rotary, *mask), *target);
        let found = all.into_iter().find(|(queries, _)| *queries == wanted);
        let Some((_, kernel)) = found else {
            faults.push(format!("{head_size}: no {wanted:?}"));
            continue;
        };
        let cubin = assembled(&kernel, *target, &assembler);
        let cubin = match cubin.check(target.name) {
            Ok(cubin) => cubin,
            Err(error) => {
                faults.push(format!("{head_size}: {error}"));
                continue;
            }
        };
        let block = kernel.thread_block().unwrap();
        let registers = i64::from(cubin.kernels[0].registers.next_multiple_of(8));
        if 65536 / (registers * block.threads) < *blocks {
            faults.push(format!("{head_size}: {registers} registers"));
        }
    }
    faults
}

#[test]
fn no_attention_keeps_anything_in_local_memory_and_registers_are_enough_for_its_blocks() {
    let faults = faults(
        &[
            (64, BF16, false, Full, SM_80, 3),
            (72, BF16, false, Full, SM_90, 3),
            (80, F16, true, Segments, SM_80, 2),
            (96, BF16, false, Segments, SM_80, 2),
            (128, BF16, true, Full, SM_90, 2),
            (64, F32, false, Full, SM_80, 2),
            (72, F32, true, Segments, SM_80, 2),
            (128, F32, false, Full, SM_90, 2),
        ],
        None,
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn twice_as_many_queries_a_warp_fit_its_registers_too() {
    let faults = faults(
        &[
            (64, BF16, false, Full, SM_90, 2),
            (72, F16, false, Full, SM_80, 2),
            (80, F16, true, Full, SM_89, 2),
            (80, BF16, true, Segments, SM_120, 2),
            (88, F16, false, Full, SM_86, 2),
            (96, BF16, false, Segments, SM_90, 2),
        ],
        Some(32),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Beside the products of a score there are a difference, a factor, a power, a maximum and a sum, and half a rounding; and of each
/// visit the factors by which the answer shrinks. None of these is the same in two visits. Twice as many queries a warp save the
/// reads, half of them: 0.19 of the instructions are products instead of 0.17.
#[test]
fn of_the_main_loop_as_many_are_products_as_were() {
    let Some(assembler) = assembler() else { return };
    let Some(disassembler) = Disassembler::beside(&assembler) else { return };
    for (head_size, element, wanted) in
        [(64, BF16, &[0.17, 0.19][..]), (80, BF16, &[0.19, 0.215]), (64, F32, &[0.19])]
    {
        let all = attentions((head_size, element), (false, Full), SM_80);
        assert_eq!(all.len(), wanted.len());
        for ((queries, kernel), wanted) in all.iter().zip(wanted) {
            let main_loop = disassembler.main_loop(&assembled(kernel, SM_80, &assembler));
            let share = main_loop.share_of_products();
            assert!(share >= *wanted, "{head_size} {element} {queries:?}: {share}\n{main_loop}");
            assert!(!main_loop.has_local_memory(), "{head_size} {element} {queries:?}");
        }
    }
}
