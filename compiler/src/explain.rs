//! Says what was compiled and why, in text.

use crate::passes::PieceProgram;
use crate::program::Program;
use crate::rewrite::Report;
use ocellus_dialects::kernel::Step;
use ocellus_dialects::symbolic::Bindings;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The pieces of a program, their kernels with predicted costs, and the rules that led there.
pub fn explain(program: &Program) -> String {
    let mut text = String::new();
    let count = program.pieces.len();
    for (position, (piece, report)) in program.pieces.iter().zip(&program.reports).enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "piece {} of {count}: {}; predicted {} at {}",
            position + 1,
            ranges(piece),
            duration(report.microseconds),
            size(&report.at)
        );
        explain_functions(&mut text, piece, report);
        explain_rules(&mut text, report);
    }
    let host = &program.host;
    let launches: Vec<String> =
        host.plan.programs.iter().map(|program| program.launches.len().to_string()).collect();
    let _ = writeln!(
        text,
        "in all: {} kernel(s) of code, {} packed weight(s), {} launch(es) a run",
        host.kernels.len(),
        host.weights.len(),
        launches.join(" or ")
    );
    text
}

fn explain_functions(text: &mut String, piece: &PieceProgram, report: &Report) {
    let calls = calls(piece);
    for function in &report.functions {
        let called = calls.get(function.name.as_str()).copied().unwrap_or(0);
        let times = if called > 0 { format!(", called {called} time(s)") } else { String::new() };
        let proof = if function.extraction.proven_optimal {
            "the cheapest there is"
        } else {
            "not proven cheapest"
        };
        let _ = writeln!(
            text,
            "  @{}: {} kernel(s){times}; {proof} among {} ways to make {} values",
            function.name,
            function.kernels.len(),
            function.extraction.candidates,
            function.extraction.classes
        );
        for kernel in &function.kernels {
            let prediction = &kernel.prediction;
            let _ = writeln!(
                text,
                "    {:<13}{:<58} {:>10.3} MFLOP {:>9.3} MB {:>10}  {}",
                kernel.family,
                kernel.name,
                prediction.flops / 1e6,
                prediction.bytes / 1e6,
                duration(prediction.microseconds),
                prediction.bound.name()
            );
        }
        let saturation = &function.saturation;
        let stops: Vec<&str> = saturation.stops.iter().map(|stop| stop.name()).collect();
        let _ = writeln!(
            text,
            "    saturation: {} nodes in {} classes after {} rounds ({}), {:.0} ms; extraction: {} states, {:.0} ms",
            saturation.nodes,
            saturation.classes,
            saturation.iterations,
            stops.join(", "),
            saturation.time.as_secs_f64() * 1e3,
            function.extraction.states,
            function.extraction.time.as_secs_f64() * 1e3
        );
    }
}

fn explain_rules(text: &mut String, report: &Report) {
    let mut fired: BTreeMap<&str, usize> = BTreeMap::new();
    for function in &report.functions {
        for (rule, statistics) in &function.saturation.rules {
            if statistics.fired > 0 {
                *fired.entry(rule).or_default() += statistics.fired;
            }
        }
    }
    let rules: Vec<String> = fired.iter().map(|(rule, times)| format!("{rule} {times}")).collect();
    let _ = writeln!(text, "  rules that said something new: {}", rules.join(", "));
}

/// How often each function is called by the others.
fn calls(piece: &PieceProgram) -> BTreeMap<&str, usize> {
    let mut calls = BTreeMap::new();
    for step in piece.module.functions.iter().flat_map(|function| &function.steps) {
        if let Step::Call { callee, .. } = step {
            *calls.entry(callee.as_str()).or_default() += 1;
        }
    }
    calls
}

fn ranges(piece: &PieceProgram) -> String {
    let ranges: Vec<String> =
        piece.ranges.iter().map(|(symbol, range)| format!("{symbol} in {range}")).collect();
    if ranges.is_empty() { "every size".to_string() } else { ranges.join(", ") }
}

fn size(at: &Bindings) -> String {
    let sizes: Vec<String> =
        at.iter().map(|(symbol, value)| format!("{symbol} = {value}")).collect();
    sizes.join(", ")
}

fn duration(microseconds: f64) -> String {
    if microseconds < 1e3 {
        format!("{microseconds:.1} us")
    } else if microseconds < 1e6 {
        format!("{:.2} ms", microseconds / 1e3)
    } else {
        format!("{:.2} s", microseconds / 1e6)
    }
}
