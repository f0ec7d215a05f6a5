//! What NVIDIA's assembler makes of attention, where it is found: registers, and nothing in local memory.

use super::tests::assembler;
use super::*;
use crate::{Optimization, emit_assembly};
use ocellus_dialects::kernel::{KernelOp, Mask};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Kernel, Layout, launch};

/// Attention of twelve heads of that size, of 197 tokens to each other.
fn attention(
    (head_size, element): (i64, ElementType),
    (rotary, mask): (bool, Mask),
    target: NvidiaTarget,
) -> Kernel {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let tokens = layout(element, &[8, 197, 12 * head_size]);
    let mut operands = vec![tokens.clone(); 3];
    if rotary {
        operands.extend(vec![layout(ElementType::F32, &[197, head_size]); 2]);
    }
    if mask == Mask::Segments {
        operands.push(layout(ElementType::I32, &[197]));
    }
    let scale = 1.0 / (head_size as f64).sqrt();
    let op = KernelOp::Attention { heads: 12, scale, rotary, mask };
    launch(&op, &operands, &tokens, target).unwrap().kernel
}

#[test]
fn no_attention_keeps_anything_in_local_memory_and_two_blocks_fit() {
    let Some(assembler) = assembler() else { return };
    let (sm_80, sm_90) = (NvidiaTarget::SM_80, NvidiaTarget::SM_90);
    let (bf16, f16) = (ElementType::BF16, ElementType::F16);
    let cases = [
        (64, bf16, false, Mask::Full, sm_80),
        (72, bf16, false, Mask::Full, sm_90),
        (80, f16, true, Mask::Segments, sm_80),
        (96, bf16, false, Mask::Segments, sm_80),
        (128, bf16, true, Mask::Full, sm_90),
    ];
    for (head_size, element, rotary, mask, target) in cases {
        let kernel = attention((head_size, element), (rotary, mask), target);
        let text =
            emit_assembly(std::slice::from_ref(&kernel), target, Optimization::Full).unwrap();
        let cubin = assembler.assemble(&text, target.name).unwrap();
        let cubin = cubin.check(target.name).unwrap();
        let block = kernel.thread_block().unwrap();
        let registers = i64::from(cubin.kernels[0].registers.next_multiple_of(8));
        eprintln!(
            "{head_size} {element} {rotary} {mask:?} {}: {registers}, {}",
            target.name, block.shared_bytes
        );
        let by_registers = 65536 / (registers * block.threads);
        let by_memory = (target.shared_bytes + 1024) / (block.shared_bytes + 1024);
        assert!(by_registers.min(by_memory) >= 2, "{head_size}: {registers} registers");
    }
}
