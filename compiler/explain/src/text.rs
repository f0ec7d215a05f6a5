//! An explanation for a terminal.

use super::explanation::{Explanation, Function, Kernel, Missed, Piece, Range};
use std::collections::BTreeMap;
use std::fmt;

/// Missed fusions that are told of for each piece; the other forms have all.
const MAX_MISSED: usize = 12;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, for {} by Ocellus {}: {}",
            self.model,
            self.machine.target,
            self.compiler,
            ranges(&self.range)
        )?;
        for (position, piece) in self.pieces.iter().enumerate() {
            writeln!(
                f,
                "piece {} of {}: {}; program {}, {} launches, predicted {} at {}",
                position + 1,
                self.pieces.len(),
                self.sizes_of(piece),
                piece.program + 1,
                piece.launches,
                duration(piece.predicted_us),
                sizes(&piece.at)
            )?;
            // A program is told once, however many pieces run it; the other forms tell what it takes in each.
            let first = self.pieces.iter().position(|other| other.program == piece.program);
            if let Some(first) = first.filter(|first| *first < position) {
                writeln!(f, "  runs what piece {} runs", first + 1)?;
                continue;
            }
            for function in &piece.functions {
                self.write_function(f, piece, function)?;
            }
            self.write_missed(f, position)?;
        }
        self.write_saturation(f)?;
        self.write_rules(f)?;
        writeln!(
            f,
            "in all: {} kernel(s) of code, {} packed weight(s)",
            self.code_kernels, self.packed_weights
        )?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

impl Explanation {
    /// What bounds a piece, without the symbols that it leaves free; all of them where it bounds none.
    pub(crate) fn sizes_of(&self, piece: &Piece) -> String {
        let is_bound = |(name, range): &(&String, &Range)| self.range.get(*name) != Some(*range);
        let bound: BTreeMap<String, Range> = piece
            .range
            .iter()
            .filter(is_bound)
            .map(|(name, range)| (name.clone(), *range))
            .collect();
        ranges(if bound.is_empty() { &piece.range } else { &bound })
    }

    fn write_function(
        &self,
        f: &mut fmt::Formatter<'_>,
        piece: &Piece,
        function: &Function,
    ) -> fmt::Result {
        let proof = function.proof();
        let search = match function.extraction_ms {
            Some(time) => format!("; {} states in {time:.1} ms", function.states),
            None => format!("; {} states", function.states),
        };
        writeln!(
            f,
            "  @{}: {} kernel(s), run {} time(s); {proof} among {} candidates for {} values{search}",
            function.name, function.launches, function.count, function.candidates, function.values
        )?;
        let kernels = piece.kernels.iter().filter(|kernel| kernel.function == function.name);
        for kernel in kernels {
            write_kernel(f, kernel)?;
        }
        Ok(())
    }

    fn write_missed(&self, f: &mut fmt::Formatter<'_>, piece: usize) -> fmt::Result {
        let missed: Vec<&Missed> = self.missed.iter().filter(|m| m.piece == piece).collect();
        if missed.is_empty() {
            return Ok(());
        }
        writeln!(f, "  not fused:")?;
        for missed in missed.iter().take(MAX_MISSED) {
            let label = missed.label.as_ref().map_or(String::new(), |label| format!(" ({label})"));
            writeln!(
                f,
                "    @{}{label}: `{}` instead of `{}`: {}",
                missed.function, missed.instead, missed.chosen, missed.reason
            )?;
        }
        match missed.len().saturating_sub(MAX_MISSED) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more, which `--json` and `--html` tell"),
        }
    }

    fn write_saturation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for function in &self.saturation {
            let time = function.time_ms.map_or(String::new(), |time| format!(", {time:.1} ms"));
            let limit = if function.complete { "" } else { "  A LIMIT WAS HIT" };
            writeln!(
                f,
                "saturation of @{}: {} nodes in {} classes after {} rounds ({}){time}{limit}",
                function.function,
                function.nodes,
                function.classes,
                function.rounds,
                function.stops.join(", then ")
            )?;
        }
        Ok(())
    }

    fn write_rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fired: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.fired > 0)
            .map(|rule| format!("{} {}", rule.name, rule.fired))
            .collect();
        writeln!(f, "rules that said something new: {}", fired.join(", "))?;
        let disabled: Vec<&str> =
            self.rules.iter().filter(|rule| !rule.enabled).map(|rule| rule.name.as_str()).collect();
        if !disabled.is_empty() {
            writeln!(f, "rules that are switched off: {}", disabled.join(", "))?;
        }
        if !self.passes_off.is_empty() {
            writeln!(f, "passes that are switched off: {}", self.passes_off.join(", "))?;
        }
        if !self.assumptions.is_empty() {
            writeln!(f, "assumed of the data: {}", self.assumptions.join(", "))?;
        }
        let mut slowest: Vec<(&str, f64)> = self
            .rules
            .iter()
            .filter_map(|rule| Some((rule.name.as_str(), rule.time_ms?)))
            .collect();
        slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
        let slowest: Vec<String> =
            slowest.iter().take(5).map(|(rule, time)| format!("{rule} {time:.2} ms")).collect();
        if slowest.is_empty() {
            return Ok(());
        }
        writeln!(f, "rules that took longest: {}", slowest.join(", "))
    }
}

fn write_kernel(f: &mut fmt::Formatter<'_>, kernel: &Kernel) -> fmt::Result {
    write!(
        f,
        "    {:<13}{:<58} {:>10.3} MFLOP {:>9.3} MB {:>10}  {}",
        kernel.family,
        kernel.name,
        kernel.flops / 1e6,
        kernel.bytes / 1e6,
        duration(kernel.predicted_us),
        kernel.bound
    )?;
    if let Some(next) = &kernel.next_best {
        write!(f, "; next `{}` +{:.1} us", next.name, next.extra_us)?;
    }
    writeln!(f)
}

/// `images in 1..=8, height in 224..=448 step 16`, or that there is one size.
pub(crate) fn ranges(ranges: &BTreeMap<String, Range>) -> String {
    let text: Vec<String> = ranges
        .iter()
        .map(|(symbol, Range { min, max, step })| match (min == max, step) {
            (true, _) => format!("{symbol} = {min}"),
            (false, 1) => format!("{symbol} in {min}..={max}"),
            (false, step) => format!("{symbol} in {min}..={max} step {step}"),
        })
        .collect();
    if text.is_empty() { "the one size".to_string() } else { text.join(", ") }
}

pub(crate) fn sizes(at: &BTreeMap<String, i64>) -> String {
    let text: Vec<String> =
        at.iter().map(|(symbol, value)| format!("{symbol} = {value}")).collect();
    if text.is_empty() { "the one size".to_string() } else { text.join(", ") }
}

pub(crate) fn duration(microseconds: f64) -> String {
    if microseconds < 1e3 {
        format!("{microseconds:.1} us")
    } else if microseconds < 1e6 {
        format!("{:.2} ms", microseconds / 1e3)
    } else {
        format!("{:.2} s", microseconds / 1e6)
    }
}
