//! The page: a head, the plots, a section for each piece, and what is the same for all of them.

use super::chart::{COLOURS, Chart};
use super::escape::Text;
use super::map::Map;
use crate::explanation::{Explanation, Kernel, Missed, Piece};
use crate::text::{duration, ranges, sizes};
use std::fmt::{self, Write};

const STYLE: &str = include_str!("style.css");

impl Explanation {
    /// One HTML file that needs no other.
    pub fn to_html(&self) -> String {
        Page(self).to_string()
    }
}

struct Page<'a>(&'a Explanation);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Text(&self.0.model);
        writeln!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}: pieces and kernels</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
        )?;
        self.head(f)?;
        self.map(f)?;
        self.plots(f)?;
        for (position, piece) in self.0.pieces.iter().enumerate() {
            self.piece(f, position, piece)?;
        }
        self.rules(f)?;
        self.saturation(f)?;
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

impl Page<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { model, machine, .. } = self.0;
        writeln!(
            f,
            "<header>\n<p class=\"over\">Ocellus {} · what runs, and why</p>\n<h1>{}</h1>\n<dl class=\"facts\">",
            Text(&self.0.compiler),
            Text(model)
        )?;
        let facts = [
            ("range", ranges(&self.0.range)),
            ("target", format!("{}, {} cores", machine.target, machine.units)),
            ("storage", machine.storage.clone()),
            (
                "roof",
                format!(
                    "{:.0} GFLOP/s in products, {:.0} elsewhere; {:.0} GB/s; {} µs a launch",
                    machine.gemm_gflops,
                    machine.elementwise_gflops,
                    machine.bandwidth_gb_per_s,
                    machine.launch_us
                ),
            ),
            (
                "made of",
                format!(
                    "{} piece(s), {} kernel(s) of code, {} packed weights",
                    self.0.pieces.len(),
                    self.0.code_kernels,
                    self.0.packed_weights
                ),
            ),
        ];
        for (name, value) in facts {
            writeln!(f, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value))?;
        }
        writeln!(f, "</dl>")?;
        if !self.0.assumptions.is_empty() {
            let assumptions = self.0.assumptions.join(", ");
            writeln!(f, "<p class=\"note\">Assumed of the data: {}.</p>", Text(assumptions))?;
        }
        if !self.0.passes_off.is_empty() {
            let passes = self.0.passes_off.join(", ");
            writeln!(f, "<p class=\"note\">Passes that are switched off: {}.</p>", Text(passes))?;
        }
        for warning in &self.0.warnings {
            writeln!(f, "<p class=\"warning\">{}</p>", Text(warning))?;
        }
        writeln!(f, "</header>")
    }

    /// Where two symbols cut the range: which piece runs where.
    fn map(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(map) = Map::of(self.0) else { return Ok(()) };
        writeln!(
            f,
            "<section>\n<h2>Which piece runs over {}</h2>\n{map}<p class=\"note\">An area is a piece, its color the program \
             that runs there. A range that goes on far behind its last breakpoint \
             is cut off.</p>\n</section>",
            Text(map.symbols())
        )
    }

    fn plots(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs: Vec<usize> = self.0.pieces.iter().map(|piece| piece.program).collect();
        for (number, plot) in self.0.plots.iter().enumerate() {
            let held = match plot.others.is_empty() {
                true => String::new(),
                false => format!(", at {}", sizes(&plot.others)),
            };
            writeln!(
                f,
                "<section>\n<h2>Predicted cost of one run over {}{}</h2>\n{}",
                Text(&plot.symbol),
                Text(held),
                Chart { plot, programs: &programs, number }
            )?;
            self.legend(f)?;
            let goes_on = self.0.range.get(&plot.symbol).map(|range| range.max);
            if let (Some(max), Some(last)) = (goes_on, plot.sizes.last())
                && max > *last
            {
                writeln!(
                    f,
                    "<p class=\"note\">The range goes on to {max}, without another breakpoint.</p>"
                )?;
            }
            writeln!(f, "</section>")?;
        }
        Ok(())
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<ul class=\"legend\"><li><i class=\"swatch envelope-swatch\"></i>what is chosen</li>"
        )?;
        for (position, piece) in self.0.pieces.iter().enumerate() {
            writeln!(
                f,
                "<li><i class=\"swatch c{}\"></i><a href=\"#piece-{1}\">piece {1}</a>, program {3}: {2}</li>",
                piece.program % COLOURS,
                position + 1,
                Text(self.0.sizes_of(piece)),
                piece.program + 1
            )?;
        }
        writeln!(f, "</ul>")
    }

    fn piece(&self, f: &mut fmt::Formatter<'_>, position: usize, piece: &Piece) -> fmt::Result {
        writeln!(
            f,
            "<section id=\"piece-{0}\">\n<h2>Piece {0} of {1} <span class=\"range\">{2}</span></h2>\n<p>program {6}, {3} launches, \
             predicted <b>{4}</b> at {5}.</p>",
            position + 1,
            self.0.pieces.len(),
            Text(self.0.sizes_of(piece)),
            piece.launches,
            Text(duration(piece.predicted_us)),
            Text(sizes(&piece.at)),
            piece.program + 1
        )?;
        // A program is shown open once, however many pieces run it.
        let first = self.0.pieces.iter().position(|other| other.program == piece.program);
        let earlier = first.filter(|first| *first < position);
        if let Some(first) = earlier {
            writeln!(
                f,
                "<details><summary>Runs what <a href=\"#piece-{0}\">piece {0}</a> runs</summary>",
                first + 1
            )?;
        }
        for function in &piece.functions {
            let proof = function.proof();
            writeln!(
                f,
                "<h3>@{} <span class=\"note\">runs {} ×; {proof} among {} candidates for {} values</span></h3>",
                Text(&function.name),
                function.count,
                function.candidates,
                function.values
            )?;
            let kernels: Vec<&Kernel> =
                piece.kernels.iter().filter(|kernel| kernel.function == function.name).collect();
            kernel_table(f, &kernels, piece.predicted_us)?;
        }
        let missed: Vec<&Missed> =
            self.0.missed.iter().filter(|missed| missed.piece == position).collect();
        missed_table(f, &missed)?;
        if earlier.is_some() {
            writeln!(f, "</details>")?;
        }
        writeln!(f, "</section>")
    }

    fn rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<section>\n<h2>Rules</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>rule</th><th>group</th>\
             <th class=\"n\">found</th><th class=\"n\">said something new</th><th class=\"n\">refused</th>\
             <th class=\"n\">time</th><th>why it is true</th></tr></thead>\n<tbody>"
        )?;
        let mut rules: Vec<_> = self.0.rules.iter().collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.fired));
        for rule in rules {
            let class = match (rule.enabled, rule.fired) {
                (false, _) => "off",
                (true, 0) => "idle",
                (true, _) => "",
            };
            let time = rule.time_ms.map_or("–".into(), |time| format!("{time:.2} ms"));
            let off = if rule.enabled { "" } else { " <span class=\"chip\">switched off</span>" };
            writeln!(
                f,
                "<tr class=\"{class}\"><td><code>{}</code>{off}</td><td>{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{time}</td><td>{}</td></tr>",
                Text(&rule.name),
                Text(&rule.group),
                rule.matches,
                rule.fired,
                rule.refused,
                Text(&rule.because)
            )?;
        }
        writeln!(f, "</tbody></table></div>\n</section>")
    }

    fn saturation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<section>\n<h2>Saturation</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>function</th>\
             <th class=\"n\">nodes</th><th class=\"n\">classes</th><th class=\"n\">rounds</th><th class=\"n\">time</th>\
             <th>why it ended</th></tr></thead>\n<tbody>"
        )?;
        for function in &self.0.saturation {
            let time = function.time_ms.map_or("–".into(), |time| format!("{time:.1} ms"));
            let limit = match function.complete {
                true => "",
                false => " <span class=\"chip hit\">a limit was hit</span>",
            };
            writeln!(
                f,
                "<tr><td><code>@{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{time}</td><td>{}{limit}</td></tr>",
                Text(&function.function),
                function.nodes,
                function.classes,
                function.rounds,
                Text(function.stops.join(", then "))
            )?;
        }
        writeln!(f, "</tbody></table></div>\n</section>")
    }
}

fn kernel_table(f: &mut fmt::Formatter<'_>, kernels: &[&Kernel], whole_us: f64) -> fmt::Result {
    let has_next = kernels.iter().any(|kernel| kernel.next_best.is_some());
    writeln!(
        f,
        "<div class=\"scroll\"><table class=\"kernels\">\n<thead><tr><th>kernel</th><th class=\"n\">runs</th>\
         <th class=\"n\">MFLOP</th><th class=\"n\">MB</th><th class=\"n\">predicted</th><th>of the piece</th>\
         <th>roofline</th><th>bound by</th>{}</tr></thead>\n<tbody>",
        if has_next { "<th>next best</th>" } else { "" }
    )?;
    for kernel in kernels {
        let share = kernel.predicted_us * kernel.count as f64 / whole_us.max(1e-9);
        let label = match &kernel.label {
            Some(label) => format!("<br><span class=\"note\">{}</span>", Text(label)),
            None => String::new(),
        };
        let next = match &kernel.next_best {
            Some(next) => format!("{} <b>+{:.1} µs</b>", Text(&next.name), next.extra_us),
            None => "–".to_string(),
        };
        let next = if has_next { format!("<td class=\"next\">{next}</td>") } else { String::new() };
        writeln!(
            f,
            "<tr><td><span class=\"chip\">{}</span> <code>{}</code>{label}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td><td class=\"n\">{}</td><td>{}</td><td>{}{}</td>\
             <td><span class=\"chip {}\">{}</span></td>{next}</tr>",
            Text(&kernel.family),
            Text(&kernel.name),
            kernel.count,
            kernel.flops / 1e6,
            kernel.bytes / 1e6,
            Text(duration(kernel.predicted_us)),
            bar("time", "share of the piece's time", share),
            bar("compute", "arithmetic alone", kernel.compute_us / kernel.predicted_us.max(1e-9)),
            bar("memory", "bytes alone", kernel.memory_us / kernel.predicted_us.max(1e-9)),
            Text(&kernel.bound),
            Text(&kernel.bound)
        )?;
    }
    writeln!(
        f,
        "</tbody></table></div>\n<p class=\"note\">Roofline: the part of the predicted time that \
         <i class=\"key compute\"></i>arithmetic and <i class=\"key memory\"></i>bytes would need alone; the rest is the \
         launch.</p>"
    )
}

/// A bar that is full at one.
fn bar(class: &str, what: &str, share: f64) -> String {
    let percent = if share.is_finite() { 100.0 * share.clamp(0.0, 1.0) } else { 0.0 };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "<span class=\"bar {class}\" title=\"{what}: {percent:.1} %\"><i style=\"width:{percent:.1}%\"></i></span>"
    );
    text
}

fn missed_table(f: &mut fmt::Formatter<'_>, missed: &[&Missed]) -> fmt::Result {
    if missed.is_empty() {
        return writeln!(f, "<p class=\"note\">Every fusion that the rules know was done.</p>");
    }
    writeln!(
        f,
        "<details><summary>{} fusion(s) not done, and why</summary>\n<div class=\"scroll\"><table>\n<thead><tr>\
         <th>value</th><th>chosen</th><th>instead of</th><th>because</th><th class=\"n\">costs more</th></tr></thead>\n\
         <tbody>",
        missed.len()
    )?;
    for missed in missed {
        let value = match &missed.label {
            Some(label) => format!("@{} {}", missed.function, label),
            None => format!("@{}", missed.function),
        };
        let extra = match (missed.extra_us, missed.extra_percent) {
            (Some(extra), Some(percent)) => format!("{extra:.1} µs<br>{percent:.1} %"),
            _ => "–".to_string(),
        };
        let reason = match (&missed.condition, &missed.value) {
            (Some(condition), Some(value)) => format!(
                "condition false{}: {}<br><span class=\"note\">{}</span>",
                if missed.times > 1 { format!(" ({} ×)", missed.times) } else { String::new() },
                Text(condition),
                Text(value)
            ),
            _ => "it would take longer".to_string(),
        };
        writeln!(
            f,
            "<tr><td>{}</td><td><code>{}</code></td><td><code>{}</code></td><td>{reason}</td>\
             <td class=\"n\">{extra}</td></tr>",
            Text(value),
            Text(&missed.chosen),
            Text(&missed.instead)
        )?;
    }
    writeln!(f, "</tbody></table></div></details>")
}
