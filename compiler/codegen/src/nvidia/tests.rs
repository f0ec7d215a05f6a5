//! What PTX has and has not.

use super::*;
use crate::{Optimization, compile_kernels, emit_assembly};
use ocellus_dialects::kernel::{EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_dialects::venc::{Activate, Activation, Patchify};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Kernel, Layout, launch, schedules};
use ocellus_runtime::devices::cuda::CodeObject;

/// NVIDIA's assembler, without which what it would say is skipped.
pub(super) fn assembler() -> Option<Assembler> {
    let found = Assembler::find();
    if found.is_none() {
        eprintln!("skipped: there is no ptxas here (`pip install nvidia-cuda-nvcc` brings one)");
    }
    found
}

fn kernel(op: &KernelOp, shapes: &[&[i64]], element: ElementType, target: NvidiaTarget) -> Kernel {
    let layout =
        |shape: &&[i64]| Layout::contiguous(&TensorType::new(element, shape.iter().copied()));
    let all: Vec<Layout> = shapes.iter().map(layout).collect();
    let (result, operands) = all.split_last().unwrap();
    launch(op, operands, result, target).unwrap().kernel
}

fn layer_norm(element: ElementType, target: NvidiaTarget) -> Kernel {
    let op = KernelOp::RowWise {
        prologue: Prologue::LayerNorm { eps: 1e-6, affine: true },
        epilogue: vec![EpilogueOp::Elementwise(Activate { function: Activation::Gelu }.into())],
        to: element,
    };
    kernel(&op, &[&[197, 770], &[770], &[770], &[197, 770]], element, target)
}

#[test]
fn kernels_are_entries_that_take_their_arguments_by_value() {
    let assembler = assembler();
    for target in NvidiaTarget::ALL {
        for element in [ElementType::F32, ElementType::BF16, ElementType::F16] {
            let kernels = [layer_norm(element, target)];
            let text = emit_assembly(&kernels, target, Optimization::Full).unwrap();
            assert!(text.contains(&format!(".target {}", target.name)), "{text}");
            assert!(text.contains(".visible .entry rowwise_770_layer_norm"), "{text}");
            assert!(text.contains(".reqntid 128") && text.contains("shfl.sync.bfly"), "{text}");
            assert!(!text.contains(".local") && !text.contains("call"), "{text}");
            let Some(assembler) = &assembler else { continue };
            let cubin = assembler.assemble(&text, target.name).unwrap();
            let cubin = cubin.check(target.name).unwrap();
            assert_eq!(cubin.kernels.len(), 1);
        }
    }
}

/// A gemm, divided into the smallest tiles.
fn smallest_gemm(element: ElementType, target: NvidiaTarget) -> Kernel {
    let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
    let layout = |rows: i64| Layout::contiguous(&TensorType::new(element, [rows, 64]));
    let all = schedules(&op, &[layout(100), layout(64)], &layout(100), target).unwrap();
    all.into_iter().next_back().unwrap().launch.kernel
}

/// From Hopper on a launch may begin before the one before has ended: all threads of a kernel wait for that, before any of them uses
/// memory that others use, or decides that there is nothing to do.
#[test]
fn kernels_wait_for_the_launch_before_where_launches_begin_early() {
    for target in NvidiaTarget::ALL {
        let bf16 = ElementType::BF16;
        for kernel in [smallest_gemm(bf16, target), layer_norm(bf16, target)] {
            let kernels = [kernel];
            let text = emit_assembly(&kernels, target, Optimization::Full).unwrap();
            let first = |of: &[&str]| of.iter().filter_map(|word| text.find(word)).min();
            let waits = first(&["griddepcontrol.wait"]);
            let lets_begin = first(&["griddepcontrol.launch_dependents"]);
            let begins_early = target.begins_early();
            assert_eq!((waits.is_some(), lets_begin.is_some()), (begins_early, begins_early));
            let uses = first(&["ld.global", "st.global", "cp.async", "ret;", "bra"]);
            assert!(!begins_early || waits < lets_begin && lets_begin < uses, "{text}");
            let code = compile_kernels(&kernels, None, target, Optimization::Full, None).unwrap();
            let object = CodeObject::from_bytes(&code.bytes).unwrap();
            assert!(object.kernels.iter().all(|entry| entry.begins_early == begins_early));
        }
    }
}

/// Where nothing says how many blocks should fit, the assembler goes for 32 registers, which patches need more than.
#[test]
fn a_copy_of_patches_keeps_nothing_in_local_memory() {
    let Some(assembler) = assembler() else { return };
    let patches = Patchify { height: 16, width: 16, rows: 14.into(), cols: 14.into() };
    let op = KernelOp::Move(patches.into());
    for target in NvidiaTarget::ALL {
        let shapes: [&[i64]; 2] = [&[2, 3, 224, 224], &[2, 196, 768]];
        let kernel = kernel(&op, &shapes, ElementType::F32, target);
        let text = emit_assembly(&[kernel], target, Optimization::Full).unwrap();
        let cubin = assembler.assemble(&text, target.name).unwrap();
        cubin.check(target.name).unwrap();
    }
}

#[test]
fn a_code_object_says_how_its_kernels_are_launched() {
    let target = NvidiaTarget::SM_80;
    let kernel = layer_norm(ElementType::BF16, target);
    let assembler = assembler();
    let code = |assembler: Option<&Assembler>| {
        let kernels = std::slice::from_ref(&kernel);
        let full = Optimization::Full;
        let bytes = compile_kernels(kernels, None, target, full, assembler).unwrap().bytes;
        CodeObject::from_bytes(&bytes).unwrap()
    };
    let object = code(None);
    let block = kernel.thread_block().unwrap();
    let [entry] = object.kernels.as_slice() else { panic!("{:?}", object.kernels) };
    assert_eq!(object.architecture, "sm_80");
    assert_eq!((i64::from(entry.threads), i64::from(entry.tiles)), (block.threads, block.tiles));
    assert_eq!(entry.signature, kernel.signature());
    assert!(object.ptx.contains(&format!(".entry {}(", entry.symbol)), "{}", object.ptx);
    assert!(object.cubin.is_none());
    if let Some(assembler) = assembler {
        assert!(code(Some(&assembler)).cubin.is_some());
    }
}
