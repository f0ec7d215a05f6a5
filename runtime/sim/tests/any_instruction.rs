//! Each instruction that is declared, with any suffixes of it, any operands and any numbers in them: it loads or does not, runs or
//! does not, and does not panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_ptx::isa::Declaration;
use ocellus_ptx::isa::table::DECLARATIONS;
use ocellus_sim::{Launch, LaunchError, Memory, Module, Settings, launch};
use proptest::prelude::*;
use proptest::sample::Index;
use support::Parameters;

/// Numbers at whose edges arithmetic overflows.
const EDGES: [u64; 12] = [
    0,
    1,
    2,
    31,
    32,
    255,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// What is decided by chance, one after the other.
struct Choices<'a>(std::slice::Iter<'a, Index>);

impl Choices<'_> {
    fn of<'t, T: ?Sized>(&mut self, all: &[&'t T]) -> &'t T {
        all[self.below(all.len())]
    }

    fn below(&mut self, count: usize) -> usize {
        self.0.next().map_or(0, |index| index.index(count))
    }
}

/// The suffixes of a declaration, those that may be missing or not.
fn suffixes(declaration: &Declaration, choices: &mut Choices) -> String {
    let groups = declaration.suffixes.split_whitespace().filter_map(|group| {
        let required = group.strip_suffix('?');
        let all: Vec<&str> = required.unwrap_or(group).split('|').collect();
        (required.is_none() || choices.below(2) == 1).then(|| format!(".{}", choices.of(&all)))
    });
    groups.collect()
}

/// An operand of a letter. Most registers have as many bits as the type that the instruction ends with.
fn operand(letter: &str, bits: &str, choices: &mut Choices) -> String {
    let number = choices.below(EDGES.len());
    let bits = if choices.below(5) == 0 { choices.of(&["16", "32", "64"]) } else { bits };
    let register = format!("%r{bits}_{number}");
    let written = format!("%d{bits}_{}", number % 4);
    let edge = EDGES[number].to_string();
    let vector = |choices: &mut Choices, prefix: &str| {
        let length = [1, 2, 4, 8][choices.below(4)];
        let elements: Vec<String> =
            (0..length).map(|place| format!("{prefix}{bits}_{}", place % 4)).collect();
        format!("{{{}}}", elements.join(", "))
    };
    match letter {
        "d" => written,
        "d*" if choices.below(3) > 0 => vector(choices, "%d"),
        "d*" => written,
        "d|p" if choices.below(2) == 1 => format!("{written}|%p1"),
        "d|p" => written,
        "p|p" if choices.below(2) == 1 => "%p1|%p2".to_string(),
        "p|p" | "p>" => "%p1".to_string(),
        "p" => choices.of(&["%p3", "!%p3"]).to_string(),
        "i" if choices.below(2) == 0 => (number * 4).to_string(),
        "i" => edge,
        "m" => {
            let base = choices.of(&["%global", "%global", "shared", "own", "%r64_3", "%r64_11"]);
            format!("[{base}+{}]", choices.of(&["0", "4", "16", "-9223372036854775808"]))
        }
        "l" => "end".to_string(),
        "a*" if choices.below(3) > 0 => vector(choices, "%r"),
        _ => match choices.below(8) {
            0 => edge,
            1 => choices
                .of(&["%tid.x", "%laneid", "%clock64", "shared", "0d7FEFFFFFFFFFFFFF"])
                .to_string(),
            _ => register,
        },
    }
}

fn kernel(instruction: &str) -> String {
    let mut text = String::from(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p) {\n\
         .reg .b64 %global;\n.reg .pred %p<4>;\n.shared .align 16 .b8 shared[2048];\n.local .align 16 .b8 own[64];\n",
    );
    for bits in [16, 32, 64] {
        text +=
            &format!(".reg .b{bits} %r{bits}_<{0}>;\n.reg .b{bits} %d{bits}_<4>;\n", EDGES.len());
        for (place, edge) in EDGES.iter().enumerate() {
            text +=
                &format!("mov.b{bits} %r{bits}_{place}, {};\n", edge & (u64::MAX >> (64 - bits)));
        }
    }
    text + "ld.param.b64 %global, [p];\nsetp.ne.b32 %p3, %r32_1, 0;\n"
        + instruction
        + "\nend: ret;\n}\n"
}

/// Loads a kernel and runs it, if it can be loaded. Says whether it was.
fn runs(text: &str) -> bool {
    let Ok(module) = Module::load(text) else { return false };
    let memory = Memory::new(1 << 16);
    let globals = module.place(&memory).unwrap();
    let data = memory.allocate(4096).unwrap();
    memory.write(data, &[0x3f; 4096]).unwrap();
    let what = Launch {
        kernel: &module.kernels()[0],
        globals: &globals,
        blocks: [1; 3],
        threads: [64, 1, 1],
        dynamic_shared: 0,
        parameters: &Parameters::default().long(data).0,
        unfinished: None,
    };
    let settings = Settings { instructions_a_warp: 1000, workers: 1, ..Settings::default() };
    match launch(&what, &memory, &settings) {
        Ok(_) | Err(LaunchError::Found(_)) => true,
        Err(refused) => panic!("{refused}"),
    }
}

#[test]
fn no_instruction_panics() {
    let mut loaded = vec![0; DECLARATIONS.len()];
    let choices = prop::collection::vec(any::<Index>(), 60);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6000) };
    let mut runner = prop::test_runner::TestRunner::new(config);
    let loaded_cell = std::cell::RefCell::new(&mut loaded);
    runner
        .run(&(0..DECLARATIONS.len(), choices), |(which, choices)| {
            let declaration = &DECLARATIONS[which];
            let mut choices = Choices(choices.iter());
            let suffixes = suffixes(declaration, &mut choices);
            let end = suffixes.rsplit('.').next().unwrap_or("");
            let bits = match end.trim_start_matches(|c: char| c.is_ascii_alphabetic()) {
                "16" | "8" => "16",
                "64" => "64",
                _ => "32",
            };
            let operands: Vec<String> = declaration
                .operands
                .split_whitespace()
                .filter_map(|word| {
                    let is_there = !word.ends_with('?') || choices.below(2) == 1;
                    is_there.then(|| operand(word.trim_end_matches('?'), bits, &mut choices))
                })
                .collect();
            let text = kernel(&format!("{}{suffixes} {};", declaration.name, operands.join(", ")));
            loaded_cell.borrow_mut()[which] += usize::from(runs(&text));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    // What is made by chance must not all be refused at the door.
    let never: Vec<&str> = (0..loaded.len())
        .filter(|which| loaded[*which] == 0)
        .map(|which| DECLARATIONS[which].name)
        .collect();
    assert!(never.len() < loaded.len() / 5, "these never ran: {never:?}");
}
