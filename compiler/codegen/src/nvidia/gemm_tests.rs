//! What NVIDIA's assembler makes of the gemm, where it is found: registers, and the instructions of the main loop.

use super::tests::assembler;
use super::*;
use crate::{Optimization, emit_assembly};
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_dialects::venc::{Activate, Activation};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Kernel, Layout, Schedule, schedules};
use std::path::Path;
use std::process::Command;

/// All schedules of a gemm of that many rows, columns and depth.
fn gemms(
    [m, n, k]: [i64; 3],
    element: ElementType,
    epilogue: &[EpilogueOp],
    target: NvidiaTarget,
) -> Vec<Schedule> {
    let layout =
        |shape: &[i64]| Layout::contiguous(&TensorType::new(element, shape.iter().copied()));
    let is_gate = |op: &EpilogueOp| matches!(op, EpilogueOp::Gate(_));
    let width = if epilogue.iter().any(is_gate) { n / 2 } else { n };
    let mut operands = vec![layout(&[m, k]), layout(&[n, k])];
    for op in epilogue {
        match op {
            EpilogueOp::Combine(_, Broadcast::Columns) => operands.push(layout(&[n])),
            EpilogueOp::Combine(..) => operands.push(layout(&[m, width])),
            EpilogueOp::Elementwise(_) | EpilogueOp::Gate(_) | EpilogueOp::AfterTokens => {}
        }
    }
    let epilogue = epilogue.to_vec();
    let op = KernelOp::Gemm { prologue: Prologue::None, epilogue, tile: GemmTile::DEFAULT };
    schedules(&op, &operands, &layout(&[m, width]), target).unwrap()
}

fn tile(schedule: &Schedule) -> GemmTile {
    match &schedule.op {
        KernelOp::Gemm { tile, .. } => *tile,
        other => panic!("{other:?}"),
    }
}

fn assembled(kernel: &Kernel, target: NvidiaTarget, assembler: &Assembler) -> Cubin {
    let text = emit_assembly(std::slice::from_ref(kernel), target, Optimization::Full).unwrap();
    assembler.assemble(&text, target.name).unwrap()
}

/// All schedules of the embedding of patches of f32 images by a weight that is stored so.
fn patch_embeddings(element: ElementType, target: NvidiaTarget) -> Vec<Schedule> {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let image = layout(ElementType::F32, &[2, 3, 224, 224]);
    let ty = TensorType::new(ElementType::F32, [2, 256, 588]);
    let patches = Layout::of_patches(&image, &ty, (14, 14), &16.into()).unwrap();
    let operands = [patches, layout(element, &[1152, 588]), layout(element, &[1152])];
    let prologue = match element {
        ElementType::F32 => Prologue::None,
        to => Prologue::Cast { to },
    };
    let epilogue = vec![EpilogueOp::Combine(Combine::Add, Broadcast::Columns)];
    let op = KernelOp::Gemm { prologue, epilogue, tile: GemmTile::DEFAULT };
    schedules(&op, &operands, &layout(element, &[2, 256, 1152]), target).unwrap()
}

/// What keeps anything in local memory, of all tiles of these gemms.
fn in_local_memory(cases: &[(NvidiaTarget, ElementType, &[EpilogueOp])]) -> Vec<String> {
    let Some(assembler) = assembler() else { return vec![] };
    let mut faults = vec![];
    for (target, element, epilogue) in cases {
        // Neither rows nor columns nor depth are whole tiles.
        for schedule in gemms([197, 1000, 1096], *element, epilogue, *target) {
            let cubin = assembled(&schedule.launch.kernel, *target, &assembler);
            if let Err(error) = cubin.check(target.name) {
                faults.push(format!("{}, {element}, {epilogue:?}: {error}", tile(&schedule)));
            }
        }
    }
    faults
}

const BIAS: EpilogueOp = EpilogueOp::Combine(Combine::Add, Broadcast::Columns);
const RESIDUAL: EpilogueOp = EpilogueOp::Combine(Combine::Add, Broadcast::Full);
const GATE: EpilogueOp = EpilogueOp::Gate(Activation::Silu);

fn gelu() -> EpilogueOp {
    EpilogueOp::Elementwise(Activate { function: Activation::Gelu }.into())
}

#[test]
fn no_gemm_of_sm_80_keeps_anything_in_local_memory() {
    let faults = in_local_memory(&[
        (NvidiaTarget::SM_80, ElementType::BF16, &[]),
        (NvidiaTarget::SM_80, ElementType::F16, &[BIAS, gelu()]),
        (NvidiaTarget::SM_80, ElementType::BF16, &[BIAS, RESIDUAL]),
        (NvidiaTarget::SM_80, ElementType::BF16, &[GATE]),
        (NvidiaTarget::SM_80, ElementType::F32, &[BIAS, RESIDUAL]),
    ]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_gemm_of_later_gpus_keeps_anything_in_local_memory() {
    let faults = in_local_memory(&[
        (NvidiaTarget::SM_89, ElementType::BF16, &[BIAS]),
        (NvidiaTarget::SM_90, ElementType::BF16, &[BIAS, gelu(), RESIDUAL]),
        (NvidiaTarget::SM_120, ElementType::BF16, &[BIAS]),
        (NvidiaTarget::SM_89.with_tf32(), ElementType::F32, &[GATE]),
        (NvidiaTarget::SM_90, ElementType::F32, &[BIAS, gelu(), RESIDUAL]),
    ]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_partial_gemm_keeps_anything_in_local_memory() {
    let Some(assembler) = assembler() else { return };
    let target = NvidiaTarget::SM_80;
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let operands = [[50, 3072], [768, 3072]].map(|shape| layout(ElementType::BF16, &shape));
    let result = layout(ElementType::F32, &[16, 50, 768]);
    let op = KernelOp::PartialGemm { slices: 16, tile: GemmTile::DEFAULT };
    for schedule in schedules(&op, &operands, &result, target).unwrap() {
        let cubin = assembled(&schedule.launch.kernel, target, &assembler);
        cubin.check(target.name).unwrap();
    }
}

#[test]
fn no_gathered_rows_are_kept_in_local_memory() {
    let Some(assembler) = assembler() else { return };
    let target = NvidiaTarget::SM_90;
    let patches =
        [ElementType::BF16, ElementType::F32].map(|element| patch_embeddings(element, target));
    // Rows of these begin at odd elements.
    let odd = gemms([197, 1000, 1095], ElementType::BF16, &[], target);
    let mut faults = vec![];
    for schedule in patches.into_iter().flatten().chain(odd) {
        let cubin = assembled(&schedule.launch.kernel, target, &assembler);
        if let Err(error) = cubin.check(target.name) {
            faults.push(format!("{}: {error}", tile(&schedule)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn blocks_fit_a_multiprocessor_as_often_as_their_schedules_count_on() {
    let Some(assembler) = assembler() else { return };
    let target = NvidiaTarget::SM_90;
    let all = [ElementType::BF16, ElementType::F32]
        .map(|element| gemms([8192, 4096, 4096], element, &[], target));
    for schedule in all.into_iter().flatten() {
        let tile = tile(&schedule);
        let cubin = assembled(&schedule.launch.kernel, target, &assembler);
        let block = schedule.launch.kernel.thread_block().unwrap();
        let registers = i64::from(cubin.kernels[0].registers.next_multiple_of(8));
        // Of 64 Ki registers, and of shared memory of which a block takes one more KiB.
        let by_registers = 65536 / (registers * block.threads);
        let by_memory = (228 << 10) / (block.shared_bytes + 1024);
        let blocks = if block.threads > 128 || block.shared_bytes > 113 << 10 { 1 } else { 2 };
        let wanted = if tile.rows == 64 && tile.columns == 256 { 1 } else { blocks };
        let found = by_registers.min(by_memory);
        assert!(found >= wanted, "{tile}: {registers} registers, {found} blocks");
    }
}

/// The instructions of the loop that has most products in it, and how many of them are products.
fn main_loop(listing: &str) -> (usize, usize, Vec<&str>) {
    let lines: Vec<&str> = listing.lines().map(str::trim).collect();
    let position = |label: &str| lines.iter().position(|line| *line == format!("{label}:"));
    let instructions = |from: usize, to: usize| -> Vec<&str> {
        let is_instruction = |line: &&&str| line.starts_with("/*") && line.ends_with(';');
        lines[from..=to].iter().filter(is_instruction).copied().collect()
    };
    let products = |all: &[&str]| all.iter().filter(|line| line.contains("HMMA")).count();
    let mut loops = vec![];
    for (end, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("BRA")) {
        let label = line.split("`(").nth(1).and_then(|rest| rest.split(')').next());
        if let Some(start) = label.and_then(position).filter(|start| *start < end) {
            let all = instructions(start, end);
            loops.push((products(&all), all.len(), all));
        }
    }
    loops.into_iter().max_by_key(|(products, ..)| *products).unwrap()
}

fn disassembled(disassembler: &Path, cubin: &Cubin) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &cubin.bytes).unwrap();
    let run = Command::new(disassembler).arg("-c").arg(file.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn more_than_half_of_the_main_loop_are_products() {
    let Some(assembler) = assembler() else { return };
    let disassembler = assembler.program.with_file_name("nvdisasm");
    if !disassembler.is_file() {
        eprintln!("skipped: there is no nvdisasm beside ptxas");
        return;
    }
    let target = NvidiaTarget::SM_80;
    // Whole columns and steps, and a rest of columns: each copy of the weight is then asked whether its row is there.
    for (shape, wanted) in [([8192, 4096, 4096], 0.55), ([197 * 8, 4304, 1152], 0.54)] {
        for schedule in gemms(shape, ElementType::BF16, &[], target) {
            let tile = tile(&schedule);
            let cubin = assembled(&schedule.launch.kernel, target, &assembler);
            let listing = disassembled(&disassembler, &cubin);
            let (products, instructions, all) = main_loop(&listing);
            let share = products as f64 / instructions as f64;
            // Smaller tiles of warps read more fragments for each product, and of 64 rows by 256 columns there are more copies
            // than a thread has registers for their addresses.
            let is_for_many_rows = tile.rows >= 128;
            let all = all.join("\n");
            assert!(
                share >= wanted || !is_for_many_rows,
                "{tile}, {shape:?}: {products} of {instructions}\n{all}"
            );
            assert!(!all.contains("LDL") && !all.contains("STL"), "{tile}: {all}");
        }
    }
}
