//! Damaged kernels: whatever is left of one loads or does not, runs or does not, and neither panics nor hangs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{Launch, Memory, MemoryError, Module, Settings, WarpOrder, launch};
use proptest::prelude::*;
use support::{Parameters, numbers, ptx, upload};

/// Runs the first kernel of a text with the parameters of a gemm, if it loads and takes them.
fn try_to_run(text: &str, threads: u32, order: WarpOrder) {
    let Ok(module) = Module::load(text) else { return };
    let Some(kernel) = module.kernels().first() else { return };
    let memory = Memory::new(1 << 26);
    let globals = module.place(&memory).unwrap();
    let data = upload(&memory, &numbers(4096, 1));
    let out = memory.allocate(8192).unwrap();
    let parameters = Parameters::default().long(data).long(data).long(out).long(data);
    let mut parameters = parameters.word(8).word(16).word(40).word(40).0;
    parameters.resize(kernel.parameter_bytes(), 0);
    let settings =
        Settings { instructions_a_warp: 5_000, most_findings: 3, order, ..Settings::default() };
    let what = Launch {
        kernel,
        globals: &globals,
        blocks: [2, 1, 1],
        threads: kernel.required_threads().unwrap_or([threads, 1, 1]),
        dynamic_shared: 20_000,
        parameters: &parameters,
        unfinished: None,
    };
    let _ = launch(&what, &memory, &settings);
}

/// A real kernel with lines lost, doubled, exchanged, and with names of registers and numbers changed.
fn damaged(kernel: &'static str) -> impl Strategy<Value = String> {
    let place = any::<prop::sample::Index>();
    let edits = prop::collection::vec((place, any::<prop::sample::Index>(), 0usize..7), 1..8);
    edits.prop_map(move |edits| {
        let mut lines: Vec<String> = ptx(kernel).lines().map(str::to_string).collect();
        let begin = lines.iter().position(|line| line.contains(".reg .b64")).unwrap() + 1;
        for (first, second, kind) in edits {
            let span = lines.len() - begin - 2;
            let (a, b) = (begin + first.index(span), begin + second.index(span));
            match kind {
                0 => lines[a].clear(),
                1 => lines.swap(a, b),
                2 => lines[a] = lines[b].clone(),
                3 => lines[a] = lines[a].replace("%r1", "%r2"),
                4 => lines[a] = lines[a].replace(", 1", ", -1"),
                5 => lines[a] = lines[a].replace("@%p", "@!%p"),
                _ => lines[a] = lines[a].replace(".b32", ".b64").replace("u32", "s32"),
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn a_damaged_gemm_neither_panics_nor_hangs(text in damaged("gemm_32x64x32_1x2_s3"), seed in any::<u64>()) {
        try_to_run(&text, 64, WarpOrder::Shuffled(seed));
    }

    #[test]
    fn a_damaged_split_gemm_neither_panics_nor_hangs(text in damaged("gemm_64x64x32_2x2_s3_a")) {
        try_to_run(&text, 128, WarpOrder::Backward);
    }

    #[test]
    fn a_damaged_attention_neither_panics_nor_hangs(text in damaged("attention_72_q16x2_k32_s2")) {
        try_to_run(&text, 64, WarpOrder::Forward);
    }
}

#[test]
fn what_no_launch_can_have_is_refused() {
    let module = Module::load(&ptx("gemm_32x64x32_1x2_s3")).unwrap();
    let memory = Memory::new(1 << 20);
    let globals = module.place(&memory).unwrap();
    let parameters = [0; 48];
    let good = Launch {
        kernel: &module.kernels()[0],
        globals: &globals,
        blocks: [1; 3],
        threads: [64, 1, 1],
        dynamic_shared: 18432,
        parameters: &parameters,
        unfinished: None,
    };
    let said = |what: Launch| launch(&what, &memory, &Settings::default()).unwrap_err().to_string();
    for (what, message) in [
        (Launch { blocks: [0, 1, 1], ..good }, "a grid has a block and a thread at least"),
        (
            Launch { threads: [32, 1, 1], ..good },
            "its blocks have [64, 1, 1] threads, not [32, 1, 1]",
        ),
        (Launch { threads: [2048, 1, 1], ..good }, "2048 threads are too many for a block"),
        (
            Launch { dynamic_shared: 300_000, ..good },
            "300000 bytes of shared memory are wanted, and 232448 is the most",
        ),
        (Launch { parameters: &parameters[..40], ..good }, "its parameters have 48 bytes, not 40"),
        (Launch { blocks: [1 << 31, 2, 1], ..good }, "4294967296 blocks are too many"),
        (Launch { blocks: [u32::MAX; 3], ..good }, "18446744073709551615 blocks are too many"),
        (
            Launch { threads: [u32::MAX; 3], ..good },
            "18446744073709551615 threads are too many for a block",
        ),
    ] {
        assert_eq!(said(what), format!("kernel `gemm` cannot be launched so: {message}"));
    }
}

#[test]
fn a_kernel_may_allow_more_threads_than_can_be_counted() {
    let text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() .maxntid 4294967295, 4294967295, \
                4294967295 {\nret;\n}\n";
    let module = Module::load(text).unwrap();
    let memory = Memory::new(1 << 10);
    let what = Launch {
        kernel: &module.kernels()[0],
        globals: &module.place(&memory).unwrap(),
        blocks: [1; 3],
        threads: [64, 1, 1],
        dynamic_shared: 0,
        parameters: &[],
        unfinished: None,
    };
    assert!(launch(&what, &memory, &Settings::default()).is_ok());
}

#[test]
fn variables_that_the_device_has_no_room_for_take_none_of_the_host() {
    let variables: String =
        (0..40_000).map(|number| format!(".global .b8 v{number}[4294967296];\n")).collect();
    let head = ".version 8.0\n.target sm_80\n.address_size 64\n.global .b32 first[3] = {1, 2};\n";
    let memory = Memory::new(1 << 20);
    let module = Module::load(&format!("{head}{variables}")).unwrap();
    assert!(matches!(module.place(&memory), Err(MemoryError::OutOfMemory { .. })));
    assert_eq!(memory.left(), 1 << 20, "what was placed before is given back");
    // What is not said is zero, and written.
    let module = Module::load(&format!("{head}.global .b8 large[10000];\n")).unwrap();
    let globals = module.place(&memory).unwrap();
    let mut bytes = [9; 12];
    memory.read(globals.find("first").unwrap().0, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let (address, mut bytes) = (globals.find("large").unwrap().0, [9; 10_000]);
    assert_eq!(memory.first_unwritten(address, 10_000), Ok(None));
    memory.read(address, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 10_000]);
}

#[test]
fn everything_that_is_not_supported_is_said_at_once() {
    let text = ".version 8.6\n.target sm_100\n.address_size 64\n.visible .entry k() {\n.reg .b32 %r<9>; .reg .b64 %rd<9>;\n\
                frob.b32 %r1, %r2;\nwgmma.fence.sync.aligned;\nadd.s32 %r1, %rd1, 1;\nld.global.b128 %rd1, [%rd2];\n\
                mov.b32 %r1, nowhere;\nret;\n}\n.visible .entry l() {\ncall (%r1), f, ();\n}\n";
    let text = text.replace("call (%r1)", ".reg .b32 %r<2>; call (%r1)");
    let error = Module::load(&text).err().unwrap().to_string();
    assert_eq!(
        error,
        "the module has what is not supported:\n  \
         6:1, in kernel `k`: `frob.b32` is no instruction that is known\n  \
         7:1, in kernel `k`: `wgmma.fence.sync.aligned` is no instruction that is known\n  \
         8:1, in kernel `k`: `add.s32`: %rd1 has 64 bits, not 32\n  \
         9:1, in kernel `k`: `ld.global.b128`: `ld` is not known with the suffix `b128` there\n  \
         10:1, in kernel `k`: `mov.b32`: nothing is called `nowhere`\n  \
         14:18, in kernel `l`: `call` is no instruction that is known"
    );
    assert!(
        Module::load("nothing")
            .err()
            .unwrap()
            .to_string()
            .starts_with("the text is not PTX that can be read: 1:1: ")
    );
}
