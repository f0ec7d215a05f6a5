//! What NVIDIA's assembler makes of products of activations, where it is found: registers, and nothing in local memory.

use super::tests::assembler;
use super::*;
use crate::{Optimization, emit_assembly};
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Kernel, Layout, launch};

/// Scores or values of twelve heads of so many elements, stored so, of 197 tokens.
fn product(
    (transpose_rhs, head_size): (bool, i64),
    [element, to]: [ElementType; 2],
    target: NvidiaTarget,
) -> Kernel {
    let layout = |element, rows: i64, columns: i64| {
        Layout::contiguous(&TensorType::new(element, [8, 12, rows, columns]))
    };
    let (tokens, heads) = (layout(element, 197, 197), layout(element, 197, head_size));
    let (operands, result) = match transpose_rhs {
        true => ([heads.clone(), heads], layout(to, 197, 197)),
        false => ([tokens, heads], layout(to, 197, head_size)),
    };
    launch(&KernelOp::BatchedGemm { transpose_rhs }, &operands, &result, target).unwrap().kernel
}

/// Heads of whole chunks, and of single elements.
#[test]
fn no_product_of_activations_keeps_anything_in_local_memory_and_registers_are_enough_for_three_blocks()
 {
    let Some(assembler) = assembler() else { return };
    let (sm_80, sm_90) = (NvidiaTarget::SM_80, NvidiaTarget::SM_90);
    let [bf16, f16, f32] = [ElementType::BF16, ElementType::F16, ElementType::F32];
    let mut faults = vec![];
    for (head_size, elements, target) in [
        (64, [bf16, f32], sm_80),
        (29, [f16, f16], sm_80),
        (136, [f32, f32], sm_80),
        (29, [f32, f32], sm_80),
        (136, [f32, bf16], sm_90),
        (136, [f32, f32], sm_80.with_tf32()),
        (29, [f32, f32], sm_90.with_tf32()),
    ] {
        for transpose_rhs in [false, true] {
            let what = format!("{transpose_rhs} {head_size} {elements:?} {}", target.name);
            let kernel = product((transpose_rhs, head_size), elements, target);
            let text =
                emit_assembly(std::slice::from_ref(&kernel), target, Optimization::Full).unwrap();
            let cubin = assembler.assemble(&text, target.name).unwrap();
            let cubin = match cubin.check(target.name) {
                Ok(cubin) => cubin,
                Err(error) => {
                    faults.push(format!("{what}: {error}"));
                    continue;
                }
            };
            let block = kernel.thread_block().unwrap();
            let registers = i64::from(cubin.kernels[0].registers.next_multiple_of(8));
            let blocks = 65536 / (registers * block.threads);
            println!("{what}: {registers} registers");
            if blocks < 3 {
                faults.push(format!("{what}: {registers} registers, {blocks} blocks"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
