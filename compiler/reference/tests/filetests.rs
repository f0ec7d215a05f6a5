//! `tests/filetests/evaluate/*.mlir`: a file an operation, with numbers small enough to check by eye in comments, `// -----`
//! between programs. Beside each stands what the reference interpreter makes of them, row by row.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_dialects::HostTensor;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::Module;
use ocellus_reference as reference;
use std::collections::BTreeMap;

/// The numbers of the arguments: `// %a = 1 2 3`.
fn inputs(program: &str, module: &Module) -> BTreeMap<String, HostTensor> {
    let arguments = &module.entry_function().unwrap().arguments;
    let input = |name: &str, numbers: &str| {
        let argument = arguments.iter().find(|argument| argument.name == name).unwrap();
        let dims = argument.ty.shape.iter().map(|dim: &Dim| dim.as_constant().unwrap() as usize);
        let numbers = numbers.split_whitespace().map(|number| number.parse().unwrap());
        HostTensor::new(dims.collect(), numbers.collect()).unwrap()
    };
    let lines = program.lines().filter_map(|line| line.strip_prefix("// %")?.split_once(" = "));
    lines.map(|(name, numbers)| (name.to_string(), input(name, numbers))).collect()
}

/// A line for each row.
fn rows(tensor: &HostTensor) -> String {
    let width = tensor.shape.last().copied().unwrap_or(1).max(1);
    let row = |numbers: &[f32]| {
        numbers.iter().map(|number| format!("{number}")).collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<String> = tensor.data.chunks(width).map(row).collect();
    rows.join("\n")
}

fn evaluated(program: &str) -> String {
    let module = Module::parse(program).unwrap();
    let weights = RandomWeights::new(&module, 1);
    let results = reference::evaluate(&module, &weights, &inputs(program, &module)).unwrap();
    let comments: Vec<&str> = program.lines().filter(|line| line.starts_with("// ")).collect();
    let results: Vec<String> = results.values().map(rows).collect();
    format!("{}\n{}\n", comments.join("\n"), results.join("\n"))
}

#[test]
fn every_operation_computes_what_it_says() {
    ocellus_filetests::run("evaluate", evaluated);
}
