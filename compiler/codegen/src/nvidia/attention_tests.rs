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
fn no_attention_keeps_anything_in_local_memory_and_registers_are_enough_for_its_blocks() {
    let Some(assembler) = assembler() else { return };
    let (sm_80, sm_90) = (NvidiaTarget::SM_80, NvidiaTarget::SM_90);
    let [bf16, f16, f32] = [ElementType::BF16, ElementType::F16, ElementType::F32];
    let cases = [
        (64, bf16, false, Mask::Full, sm_80, 3),
        (72, bf16, false, Mask::Full, sm_90, 3),
        (80, f16, true, Mask::Segments, sm_80, 2),
        (96, bf16, false, Mask::Segments, sm_80, 2),
        (128, bf16, true, Mask::Full, sm_90, 2),
        (64, f32, false, Mask::Full, sm_80, 2),
        (72, f32, true, Mask::Segments, sm_80, 2),
        (128, f32, false, Mask::Full, sm_90, 2),
    ];
    let mut faults = vec![];
    for (head_size, element, rotary, mask, target, blocks) in cases {
        let kernel = attention((head_size, element), (rotary, mask), target);
        let text =
            emit_assembly(std::slice::from_ref(&kernel), target, Optimization::Full).unwrap();
        let cubin = assembler.assemble(&text, target.name).unwrap();
        let cubin = match cubin.check(target.name) {
            Ok(cubin) => cubin,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        let block = kernel.thread_block().unwrap();
        let registers = i64::from(cubin.kernels[0].registers.next_multiple_of(8));
        let by_registers = 65536 / (registers * block.threads);
        if by_registers < blocks {
            faults.push(format!("{head_size}: {registers} registers"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
