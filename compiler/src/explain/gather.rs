//! From a compilation to its [`Explanation`].

use super::breakpoints::Breakpoints;
use super::piece_map::piece_map;
use super::plot::plots;
use crate::passes::HostProgram;
use crate::switches::Switches;
use crate::verify::storage;
use ocellus_dialects::kernel::{Module, Step};
use ocellus_dialects::symbolic::{Bindings, Region, SymbolRange, Symbols};
use ocellus_dialects::venc;
use ocellus_explain::*;
use ocellus_rewrite::{
    ExtractionReport, FunctionReport, KernelReport, PieceOptions, PieceProgram, Report,
    RewriteError, Statistics, TargetDescription,
};
use std::collections::BTreeMap;

/// A compilation as far as there is something to explain.
pub(crate) struct Compilation<'a> {
    /// What people know the model by.
    pub name: &'a str,
    /// The name of the target.
    pub target: String,
    /// What the cost model knows of it.
    pub description: &'a TargetDescription,
    /// The rules and passes.
    pub switches: &'a Switches,
    /// The model's program.
    pub venc: &'a venc::Module,
    /// What was chosen.
    pub pieces: &'a [PieceProgram],
    /// How, for each piece.
    pub reports: &'a [Report],
    /// What the host does.
    pub host: &'a HostProgram,
}

/// What there is to say of it.
pub(crate) fn gather(of: &Compilation<'_>) -> Result<Explanation, RewriteError> {
    let machine = machine(of);
    let symbols = &of.venc.symbols;
    let programs = programs(of.pieces);
    let breakpoints = Breakpoints { symbols, pieces: of.pieces };
    let pieces: Vec<Piece> = of
        .pieces
        .iter()
        .zip(of.reports)
        .zip(&programs)
        .map(|((chosen, report), program)| piece(chosen, *program, report, symbols))
        .collect();
    let reports = of.reports.iter().enumerate();
    let missed: Vec<Missed> =
        reports.flat_map(|(piece, report)| missed_in(piece, report)).collect();
    // One saturated e-graph serves every piece, so any report speaks for all.
    let functions = of.reports.first().map_or(&[][..], |report| &report.functions);
    Ok(Explanation {
        format: FORMAT,
        compiler: env!("CARGO_PKG_VERSION").to_string(),
        model: of.name.to_string(),
        range: ranges(symbols, &Region::default()),
        rules: rules(of.switches.rules(), functions),
        assumptions: of.switches.rules().assumptions().iter().map(ToString::to_string).collect(),
        passes_off: of.switches.passes_off().map(|pass| pass.name().to_string()).collect(),
        saturation: functions.iter().map(saturation).collect(),
        plots: plots(breakpoints, &programs, of.description)?,
        map: piece_map(breakpoints),
        code_kernels: of.host.kernels.len(),
        packed_weights: of.host.weights.len(),
        warnings: warnings(of.reports),
        machine,
        pieces,
        missed,
    })
}

fn machine(of: &Compilation<'_>) -> Machine {
    let storage = storage(of.venc);
    let rates = of.description.gemm.iter().map(|tile| tile.gflops.of(storage));
    let memory = of.description.memory.last();
    Machine {
        target: of.target.clone(),
        units: of.description.units,
        storage: storage.to_string(),
        gemm_gflops: rates.fold(0.0, f64::max),
        elementwise_gflops: of.description.elementwise_gflops,
        bandwidth_gb_per_s: memory.map_or(0.0, |level| level.gb_per_s),
        launch_us: of.description.launch_us,
    }
}

fn ranges(symbols: &Symbols, region: &Region) -> BTreeMap<String, Range> {
    let free = symbols.free().map(|(symbol, range)| (symbol.to_string(), range));
    let narrowed = region.ranges().iter().map(|(dim, range)| (dim.to_string(), *range));
    let named = |(name, SymbolRange { min, max, step })| (name, Range { min, max, step });
    free.chain(narrowed).map(named).collect()
}

/// The program of each piece, counted from zero: several pieces may run one.
fn programs(pieces: &[PieceProgram]) -> Vec<usize> {
    let mut distinct: Vec<&PieceProgram> = vec![];
    let mut programs = vec![];
    for piece in pieces {
        let is_same = |known: &&PieceProgram| known.module.functions == piece.module.functions;
        let known = distinct.iter().position(is_same);
        programs.push(known.unwrap_or(distinct.len()));
        if known.is_none() {
            distinct.push(piece);
        }
    }
    programs
}

fn piece(chosen: &PieceProgram, program: usize, report: &Report, symbols: &Symbols) -> Piece {
    let counts = counts(&chosen.module);
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    let kernels: Vec<Kernel> = report
        .functions
        .iter()
        .flat_map(|function| {
            let count = count(&function.name);
            function.kernels.iter().map(move |report| kernel(function, report, count))
        })
        .collect();
    let functions = report.functions.iter().map(|function| Function {
        name: function.name.clone(),
        count: count(&function.name),
        launches: function.kernels.len(),
        predicted_us: function.extraction.microseconds,
        least_us: function.extraction.least_microseconds,
        proven_cheapest: function.extraction.proven_optimal,
        values: function.extraction.classes,
        candidates: function.extraction.candidates,
        states: function.extraction.states,
        extraction_ms: Some(function.extraction.time.as_secs_f64() * 1e3),
    });
    Piece {
        range: ranges(symbols, &chosen.region),
        program,
        at: sizes(&report.at, symbols),
        predicted_us: report.microseconds,
        launches: kernels.iter().map(|kernel| kernel.count).sum(),
        functions: functions.collect(),
        kernels,
    }
}

fn kernel(function: &FunctionReport, report: &KernelReport, count: usize) -> Kernel {
    let prediction = &report.prediction;
    let others = function.alternatives.iter().filter(|other| {
        other.label.is_some() && other.label == report.label && other.chosen == report.name
    });
    let next_best = others
        .min_by(|a, b| a.extra_microseconds.total_cmp(&b.extra_microseconds))
        .map(|other| NextBest { name: other.instead.clone(), extra_us: other.extra_microseconds });
    Kernel {
        function: function.name.clone(),
        label: report.label.clone(),
        family: report.family.to_string(),
        name: report.name.clone(),
        count,
        flops: prediction.flops,
        bytes: prediction.bytes,
        predicted_us: prediction.microseconds,
        bound: prediction.bound.name().to_string(),
        compute_us: prediction.compute_microseconds,
        memory_us: prediction.memory_microseconds,
        next_best,
    }
}

/// How often each function runs in one run of the model: the entry once, and a callee as often as its callers call it.
fn counts(module: &Module) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::from([(module.entry.as_str(), 1)]);
    // Callers first. A module is checked to have no circle before it is chosen; without an order nothing is counted.
    let Ok(order) = ocellus_rewrite::callees_first(module) else { return counts };
    for function in order.into_iter().rev() {
        let own = counts.get(function.name.as_str()).copied().unwrap_or(0);
        for step in &function.steps {
            if let Step::Call { callee, .. } = step {
                *counts.entry(callee.as_str()).or_default() += own;
            }
        }
    }
    counts
}

fn missed_in(piece: usize, report: &Report) -> impl Iterator<Item = Missed> {
    report.functions.iter().flat_map(move |function| {
        let costlier = function.alternatives.iter().filter(|other| other.fuses_more);
        let costlier = costlier.map(move |other| {
            let extra = other.extra_microseconds;
            let percent = 100.0 * extra / function.extraction.microseconds.max(1e-6);
            Missed {
                piece,
                function: other.function.clone(),
                label: other.label.clone(),
                chosen: other.chosen.clone(),
                instead: other.instead.clone(),
                reason: format!("it would take {extra:.1} us ({percent:.1} %) longer"),
                extra_us: Some(extra),
                extra_percent: Some(percent),
                condition: None,
                value: None,
                times: 1,
            }
        });
        let rules = function.refused_rules.iter().map(move |refused| Missed {
            piece,
            function: refused.function.clone(),
            label: refused.label.clone(),
            chosen: refused.chosen.clone(),
            instead: refused.rule.to_string(),
            reason: format!(
                "its condition does not hold: {}, where {}",
                refused.condition, refused.value
            ),
            extra_us: None,
            extra_percent: None,
            condition: Some(refused.condition.clone()),
            value: Some(refused.value.clone()),
            times: refused.times,
        });
        let kernels = function.refused_kernels.iter().map(move |refused| Missed {
            piece,
            function: function.name.clone(),
            label: refused.label.clone(),
            chosen: refused.chosen.clone(),
            instead: refused.kernel.clone(),
            reason: refused.refusal.to_string(),
            extra_us: None,
            extra_percent: None,
            condition: None,
            value: None,
            times: 1,
        });
        costlier.chain(rules).chain(kernels)
    })
}

fn rules(switches: &ocellus_rewrite::RuleSwitches, functions: &[FunctionReport]) -> Vec<Rule> {
    let enabled: Vec<&str> = switches.enabled().map(|(_, rule)| rule.name).collect();
    let rule = |(group, rule): (ocellus_rewrite::Group, &'static ocellus_rewrite::Rule)| {
        let of_functions =
            functions.iter().filter_map(|function| function.saturation.rules.get(rule.name));
        let mut told = Rule {
            name: rule.name.to_string(),
            group: group.name().to_string(),
            enabled: enabled.contains(&rule.name),
            matches: 0,
            fired: 0,
            refused: 0,
            time_ms: None,
            because: rule.because.to_string(),
        };
        for statistics in of_functions {
            told.matches += statistics.matches;
            told.fired += statistics.fired;
            told.refused += statistics.refused.values().sum::<usize>();
            *told.time_ms.get_or_insert(0.0) += statistics.time.as_secs_f64() * 1e3;
        }
        told
    };
    switches.all().map(rule).collect()
}

fn saturation(function: &FunctionReport) -> Saturation {
    let Statistics { stops, iterations, nodes, classes, time, .. } = &function.saturation;
    Saturation {
        function: function.name.clone(),
        nodes: *nodes,
        classes: *classes,
        rounds: *iterations,
        stops: stops.iter().map(|stop| stop.name().to_string()).collect(),
        complete: function.saturation.is_complete(),
        time_ms: Some(time.as_secs_f64() * 1e3),
    }
}

/// A limit that was hit is never silent.
fn warnings(reports: &[Report]) -> Vec<String> {
    let mut warnings = vec![];
    for function in reports.first().map_or(&[][..], |report| &report.functions) {
        let statistics = &function.saturation;
        if !statistics.is_complete() {
            let stops: Vec<&str> = statistics.stops.iter().map(|stop| stop.name()).collect();
            warnings.push(format!(
                "@{}: the search for equal programs ended early ({}; {} nodes after {} rounds): better kernels may have \
                 been missed; repeat blocks as functions (`Scope::repeat`), or leave rules out by `--disable`",
                function.name,
                stops.join(", then "),
                statistics.nodes,
                statistics.iterations
            ));
        }
    }
    warnings.extend(reports.first().into_iter().flat_map(|report| report.limits.clone()));
    for (position, function) in
        reports.first().map_or(&[][..], |report| &report.functions).iter().enumerate()
    {
        let in_pieces = || {
            let of_piece = |report: &'_ Report| report.functions.get(position).cloned();
            reports.iter().enumerate().filter_map(move |(n, r)| Some((n + 1, of_piece(r)?)))
        };
        let unproven: Vec<_> =
            in_pieces().filter(|(_, function)| !is_settled(&function.extraction)).collect();
        if let Some((piece, worst)) = unproven.first() {
            let extraction = &worst.extraction;
            warnings.push(format!(
                "@{}{}: the choice of kernels is not proven cheapest: in piece {piece} it takes {:.1} us, and nothing takes \
                 less than {:.1} us; the search ended after {} states",
                function.name,
                among(unproven.len(), reports.len()),
                extraction.microseconds,
                extraction.least_microseconds,
                extraction.states
            ));
        }
        let unevaluated: Vec<usize> = in_pieces()
            .map(|(_, function)| function.unevaluated_alternatives)
            .filter(|unevaluated| *unevaluated > 0)
            .collect();
        if !unevaluated.is_empty() {
            warnings.push(format!(
                "@{}{}: {} other kernels were not evaluated: fusions that are missing here may be told of incompletely",
                function.name,
                among(unevaluated.len(), reports.len()),
                unevaluated.iter().sum::<usize>()
            ));
        }
    }
    warnings
}

/// Whether no choice of kernels is cheaper by more than makes a difference. Near a known choice the search for a better
/// one ends there.
fn is_settled(extraction: &ExtractionReport) -> bool {
    let share = PieceOptions::default().indifference();
    // Costs are whole picoseconds.
    let min = extraction.microseconds * (1.0 - share) - 1e-6;
    extraction.proven_optimal || extraction.least_microseconds >= min
}

/// In how many of the pieces, where there are several.
fn among(count: usize, pieces: usize) -> String {
    if pieces > 1 { format!(" in {count} of {pieces} pieces") } else { String::new() }
}

/// The values of the free symbols, by name.
fn sizes(at: &Bindings, symbols: &Symbols) -> BTreeMap<String, i64> {
    let free = symbols.free().filter_map(|(symbol, _)| at.get_key_value(symbol));
    free.map(|(symbol, value)| (symbol.to_string(), *value)).collect()
}
