//! Runs kernels for NVIDIA GPUs on the simulator, in memory that ends where the kernel must stop. What the simulator finds
//! wrong with a kernel fails the test: races, reads of what was never written, accesses out of bounds.

use crate::launch::{Operand, Reach, elements, tiles};
use ocellus_codegen::{Optimization, emit_assembly};
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::Bindings;
use ocellus_kernels::{Argument, Kernel, Launch, Layout, NvidiaTarget, Schedule, schedules};
use ocellus_sim::{Memory, Module, Report, Settings};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a kernel gave, and what it did.
pub struct Outcome {
    pub values: Vec<f64>,
    pub report: Report,
}

/// Runs a kernel as it is divided there; where that is no division for a GPU, as its family divides it last: into the smallest
/// tiles, which take the least time to compile.
pub fn run(op: &KernelOp, operands: &[Operand], result: &Operand, target: NvidiaTarget) -> Outcome {
    let layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
    let mut all: Vec<Schedule> = schedules(op, &layouts, &result.layout, target).unwrap();
    let asked = all.iter().position(|schedule| schedule.op == *op);
    let asked = asked.unwrap_or(all.len() - 1);
    run_launch(all.swap_remove(asked).launch, operands, result, target)
}

/// Runs a launch.
fn run_launch(
    launch: Launch<Kernel>,
    operands: &[Operand],
    result: &Operand,
    target: NvidiaTarget,
) -> Outcome {
    let nothing = Bindings::new();
    let tiles = tiles(&launch, &nothing);
    let reach = Reach::of(&launch, tiles, &nothing);
    let memory = Memory::new(1 << 32);
    let upload = |bytes: &[u8]| {
        let address = memory.allocate(bytes.len() as u64).unwrap();
        memory.write(address, bytes).unwrap();
        address
    };
    let of_operands: Vec<u64> = operands
        .iter()
        .enumerate()
        .map(|(position, operand)| {
            let reach = reach.operands.get(&position).copied().unwrap_or(0);
            upload(&operand.bytes[..reach])
        })
        .collect();
    let of_result = upload(&result.bytes[..reach.result]);
    let word = |argument: &Argument| match argument {
        Argument::Operand(position) => of_operands[*position] as i64,
        Argument::Result => of_result as i64,
        Argument::Integer(dim) => dim.evaluate(&nothing).unwrap(),
    };
    let words = launch.arguments.iter().map(word).chain([tiles]);
    let parameters: Vec<u8> = words.flat_map(i64::to_le_bytes).collect();

    let module = module_of(&launch.kernel, target);
    let block = launch.kernel.thread_block().unwrap();
    let grid = ocellus_sim::Launch {
        kernel: &module.kernels()[0],
        globals: &module.place(&memory).unwrap(),
        // One block more than there is work for.
        blocks: [(tiles as u32).div_ceil(block.tiles as u32) + 1, 1, 1],
        threads: [block.threads as u32, 1, 1],
        dynamic_shared: block.shared_bytes as u32,
        parameters: &parameters,
        unfinished: None,
    };
    let report = ocellus_sim::launch(&grid, &memory, &Settings::default());
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = result.bytes.clone();
    memory.read(of_result, &mut bytes[..reach.result]).unwrap();
    Outcome { values: elements(&result.layout, &bytes), report }
}

/// The kernel alone, compiled once however often it is run.
fn module_of(kernel: &Kernel, target: NvidiaTarget) -> Arc<Module> {
    static COMPILED: Mutex<Option<HashMap<Kernel, Arc<Module>>>> = Mutex::new(None);
    let compiled = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled().get_or_insert_default().get(kernel) {
        return known.clone();
    }
    let text = emit_assembly(std::slice::from_ref(kernel), target, Optimization::Full).unwrap();
    let module = Module::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let module = Arc::new(module);
    compiled().get_or_insert_default().insert(kernel.clone(), module.clone());
    module
}
