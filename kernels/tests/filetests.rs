//! `tests/filetests/kernels/*.mlir`: launches of a few elements, and beside each what its kernel family writes for AVX-512 and
//! for AVX2. Long functions are shown by their loops.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::kernel::{Family, Function, Module, Step};
use ocellus_kernels::{Argument, CpuTarget, Kernel, Launch, Layout, launch};
use std::collections::{BTreeMap, BTreeSet};

const TARGETS: [(&str, CpuTarget); 2] =
    [("cpu:x86-64-v4", CpuTarget::X86_64_V4), ("cpu:x86-64-v3", CpuTarget::X86_64_V3)];

/// What each launch of a function becomes. Operands lie contiguous.
fn launches(function: &Function, target: &CpuTarget) -> Vec<Launch<Kernel>> {
    let layout = |id| Layout::contiguous(&function.value(id).ty);
    let launched = |step: &Step| match step {
        Step::Launch { op, operands, result, .. } => {
            let operands: Vec<Layout> = operands.iter().map(|id| layout(*id)).collect();
            Some(launch(op, &operands, &layout(*result), target).unwrap())
        }
        Step::Call { .. } => None,
    };
    function.steps.iter().filter_map(launched).collect()
}

/// `rows, operand 0, the result`: the argument block, the tiles, the scratch memory.
fn header(launch: &Launch<Kernel>, target: &str) -> String {
    let argument = |argument: &Argument| match argument {
        Argument::Operand(position) => format!("operand {position}"),
        Argument::Result => "result".to_string(),
        Argument::Integer(value) => value.to_string(),
    };
    let arguments: Vec<String> = launch.arguments.iter().map(argument).collect();
    let tiles = launch.tiles.0.iter().map(|(extent, step)| format!("{extent} by {step}"));
    format!(
        "// {target}: {}; tiles of {}; {} bytes of scratch\n",
        arguments.join(", "),
        tiles.collect::<Vec<_>>().join(" and "),
        launch.scratch_bytes
    )
}

/// A function of more lines than this is shown by its loops and branches, with what is done between them counted.
const MAX_LINES: usize = 120;

/// No line is longer than this.
const MAX_COLUMNS: usize = 150;

/// The module as a person can read it.
fn for_people(module: &str) -> String {
    let (mut text, mut function) = (String::new(), vec![]);
    for line in module.lines() {
        function.push(line);
        if line == "  }" || !line.starts_with("  ") || line.starts_with("  llvm.mlir.global") {
            text += &match function.len() > MAX_LINES {
                true => outline(&function),
                false => function.join("\n"),
            };
            text.push('\n');
            function.clear();
        }
    }
    text.lines().map(|line| shortened(line) + "\n").collect()
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(MAX_COLUMNS) {
        Some((end, _)) => format!("{} ..", &line[..end]),
        None => line.to_string(),
    }
}

/// Loops and branches as they are; of what stands between two of them, how often each operation does.
fn outline(function: &[&str]) -> String {
    let (mut lines, mut between) = (vec![], BTreeMap::new());
    let mut indentation = "";
    for line in function {
        let plain = line.trim_start();
        let result = plain.split_once(" = ").filter(|_| plain.starts_with('%'));
        let operation = result.map_or(plain, |(_, rest)| rest);
        let operation = operation.split([' ', '(']).next().unwrap_or_default();
        let is_shown = plain.ends_with('{') || plain.starts_with('}') || operation == "func.call";
        if !is_shown {
            *between.entry(operation.to_string()).or_insert(0) += 1;
            indentation = &line[..line.len() - plain.len()];
            continue;
        }
        lines.extend(counted(&mut between, indentation));
        lines.push(line.to_string());
    }
    lines.extend(counted(&mut between, indentation));
    lines.join("\n")
}

fn counted(between: &mut BTreeMap<String, usize>, indentation: &str) -> Option<String> {
    let counts: Vec<String> =
        between.iter().map(|(name, count)| format!("{count} {name}")).collect();
    between.clear();
    (!counts.is_empty()).then(|| format!("{indentation}// {}", counts.join(", ")))
}

/// The code of a program's launches.
fn code(program: &str) -> String {
    let module = Module::parse(program).unwrap();
    let mut text = String::new();
    for (name, target) in &TARGETS {
        for launch in launches(&module.functions[0], target) {
            let code = for_people(&launch.kernel.emit());
            text += &format!("{}{code}", header(&launch, name));
        }
    }
    text
}

#[test]
fn each_family_writes_its_code() {
    ocellus_filetests::run("kernels", code);
    let mut families = BTreeSet::new();
    for program in ocellus_filetests::programs("kernels") {
        let module = Module::parse(&program).unwrap();
        let launches = launches(&module.functions[0], &CpuTarget::X86_64_V4);
        families.extend(launches.iter().map(|launch| launch.kernel.family()));
    }
    assert_eq!(families, BTreeSet::from(Family::ALL));
}
