//! The predicted cost over the range, as SVG: one thin line for each program, what is chosen bold over them, and a mark
//! where another program takes over. Under it the same as a multiple of the cheapest, where near lines come apart.

use super::escape::Text;
use crate::explanation::Plot;
use crate::text::duration;
use std::fmt::{self, Write};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
/// Above the upper panel is room for the breakpoints' labels, in rows.
const LABEL_ROW: f64 = 17.0;
const LABEL_ROWS: usize = 3;
const COST_HEIGHT: f64 = 250.0;
const GAP: f64 = 34.0;
const RATIO_HEIGHT: f64 = 110.0;
const BELOW: f64 = 44.0;

/// The lower panel ends there: a program that takes twice as long is out of the question.
const MAX_RATIO: f64 = 2.0;

/// Colors of lines; more programs than that share them.
pub(super) const COLOURS: usize = 8;

/// A plot as SVG.
pub(super) struct Chart<'a> {
    /// The plot.
    pub plot: &'a Plot,
    /// The program of each piece.
    pub programs: &'a [usize],
    /// Which of the page's plots it is.
    pub number: usize,
}

/// The values that a logarithmic axis can show. An explanation comes from a file, and a machine's rates from another:
/// zero, or what is beyond all measure, stands at the end of its axis.
const SHOWN: std::ops::RangeInclusive<f64> = 1e-9..=1e18;

/// A logarithmic axis has ticks at so many decades at most.
const MAX_DECADES: i32 = 12;

/// One axis: from values to places on the page.
#[derive(Clone, Copy)]
struct Axis {
    logarithmic: bool,
    min: f64,
    max: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn logarithmic((min, max): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (min, max) = (shown(min), shown(max));
        Axis { logarithmic: true, min, max: max.max(min), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { shown(value).log10() } else { value };
        let (min, max) = (scale(self.min), scale(self.max));
        let share = (scale(value) - min) / (max - min).max(1e-9);
        // A line may leave the panel, which cuts it off, but not the numbers that a page can hold.
        self.from + (self.to - self.from) * share.clamp(-1e3, 1e3)
    }

    /// Round values to write at a logarithmic axis: the decades, and 2 and 5 of each where there are few.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.max / self.min).log10();
        let of_each: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let (first, last) = (self.min.log10().floor() as i32, self.max.log10().ceil() as i32);
        let step = ((last - first) / MAX_DECADES).max(1);
        let powers = (first..=last).step_by(step.unsigned_abs() as usize);
        let all = powers.flat_map(|power| of_each.iter().map(move |m| m * 10f64.powi(power)));
        // The ends are drawn as such.
        let within = self.min * 0.999..=self.max * 1.001;
        all.filter(|tick| within.contains(tick)).collect()
    }
}

impl fmt::Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plot = self.plot;
        let (Some(first), Some(last)) = (plot.sizes.first(), plot.sizes.last()) else {
            return f.write_str("<p>No size of this range can be run.</p>");
        };
        let costs = || plot.predicted_us.iter().flatten().copied();
        let (min, max) = (costs().fold(f64::MAX, f64::min), costs().fold(0.0, f64::max));
        let top = LABEL_ROW * plot.breakpoints.len().min(LABEL_ROWS) as f64 + 14.0;
        let bottom = top + COST_HEIGHT;
        let (ratio_top, ratio_bottom) = (bottom + GAP, bottom + GAP + RATIO_HEIGHT);
        let x = Axis::logarithmic((*first as f64, *last as f64), (LEFT, WIDTH - RIGHT));
        let y = Axis::logarithmic((min * 0.8, max * 1.25), (bottom, top));
        let ratios = self.ratios();
        let worst = ratios.iter().flatten().copied().fold(1.02, f64::max).min(MAX_RATIO);
        let ratio = Axis {
            logarithmic: false,
            min: 1.0 - (worst - 1.0) * 0.08,
            max: worst,
            from: ratio_bottom,
            to: ratio_top,
        };
        let height = ratio_bottom + BELOW;
        let (symbol, number) = (Text(&plot.symbol), self.number);
        writeln!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Predicted cost over \
             {symbol}\"><defs><clipPath id=\"cost-{number}\"><rect x=\"{LEFT}\" y=\"{top}\" width=\"{0}\" \
             height=\"{COST_HEIGHT}\"/></clipPath><clipPath id=\"ratio-{number}\"><rect x=\"{LEFT}\" y=\"{ratio_top}\" \
             width=\"{0}\" height=\"{RATIO_HEIGHT}\"/></clipPath></defs>",
            WIDTH - RIGHT - LEFT
        )?;
        self.grid(f, &x, &y, (top, bottom, ratio_top, ratio_bottom))?;
        self.ratio_grid(f, &ratio)?;
        writeln!(f, "<g clip-path=\"url(#cost-{number})\">")?;
        self.lines(f, &x, &y, &plot.predicted_us)?;
        writeln!(f, "</g><g clip-path=\"url(#ratio-{number})\">")?;
        self.lines(f, &x, &ratio, &ratios)?;
        writeln!(f, "</g>")?;
        self.breakpoints(f, &x, &y, ratio_bottom)?;
        writeln!(
            f,
            "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{symbol}</text></svg>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            height - 6.0
        )
    }
}

impl Chart<'_> {
    /// Each program's cost as a multiple of the cheapest at that size.
    fn ratios(&self) -> Vec<Vec<f64>> {
        let programs = &self.plot.predicted_us;
        let cheapest = |position: usize| {
            let costs = programs.iter().filter_map(|line| line.get(position).copied());
            costs.fold(f64::MAX, f64::min).max(1e-9)
        };
        let min: Vec<f64> = (0..self.plot.sizes.len()).map(cheapest).collect();
        let ratio = |cost: &f64, min: &f64| if *cost > 0.0 { cost / min } else { 1.0 };
        programs
            .iter()
            .map(|line| line.iter().zip(&min).map(|(cost, min)| ratio(cost, min)).collect())
            .collect()
    }

    fn grid(
        &self,
        f: &mut fmt::Formatter<'_>,
        x: &Axis,
        y: &Axis,
        (top, bottom, ratio_top, ratio_bottom): (f64, f64, f64, f64),
    ) -> fmt::Result {
        for tick in x.ticks() {
            let at = x.place(tick);
            writeln!(
                f,
                "<path class=\"grid\" d=\"M{at:.1} {top:.1}V{bottom:.1}M{at:.1} {ratio_top:.1}V{ratio_bottom:.1}\"/>\
                 <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
                ratio_bottom + 18.0
            )?;
        }
        for tick in y.ticks() {
            grid_line(f, y.place(tick), &round_duration(tick))?;
        }
        Ok(())
    }

    fn ratio_grid(&self, f: &mut fmt::Formatter<'_>, ratio: &Axis) -> fmt::Result {
        for value in [1.0, f64::midpoint(1.0, ratio.max), ratio.max] {
            grid_line(f, ratio.place(value), &format!("× {value:.2}"))?;
        }
        writeln!(
            f,
            "<text class=\"note\" x=\"{LEFT}\" y=\"{:.1}\">as a multiple of the cheapest</text>",
            ratio.to - 8.0
        )
    }

    fn lines(
        &self,
        f: &mut fmt::Formatter<'_>,
        x: &Axis,
        y: &Axis,
        programs: &[Vec<f64>],
    ) -> fmt::Result {
        let sizes = || self.plot.sizes.iter().map(|size| *size as f64);
        for (program, costs) in programs.iter().enumerate() {
            let points = sizes().zip(costs.iter().copied());
            writeln!(
                f,
                "<path class=\"line c{}\" d=\"{}\"><title>program {}</title></path>",
                program % COLOURS,
                path(points, x, y),
                program + 1
            )?;
        }
        // At each size the cost of the program that runs there.
        let chosen =
            sizes().zip(&self.plot.piece).enumerate().filter_map(|(position, (size, piece))| {
                Some((size, *programs.get(*self.programs.get(*piece)?)?.get(position)?))
            });
        writeln!(
            f,
            "<path class=\"envelope\" d=\"{}\"><title>what is chosen</title></path>",
            path(chosen, x, y)
        )
    }

    fn breakpoints(
        &self,
        f: &mut fmt::Formatter<'_>,
        x: &Axis,
        y: &Axis,
        bottom: f64,
    ) -> fmt::Result {
        for (count, breakpoint) in self.plot.breakpoints.iter().enumerate() {
            let at = x.place(*breakpoint as f64);
            // Neighbors' labels stand in different rows.
            let label_y = LABEL_ROW * (count % LABEL_ROWS + 1) as f64;
            let anchor = if at > WIDTH - 120.0 { "end" } else { "start" };
            let shift = if anchor == "end" { -5.0 } else { 5.0 };
            write!(
                f,
                "<path class=\"breakpoint\" d=\"M{at:.1} {:.1}V{bottom:.1}\"/><text class=\"breakpoint-label\" \
                 x=\"{:.1}\" y=\"{label_y:.1}\" text-anchor=\"{anchor}\">{} = {breakpoint}</text>",
                label_y - 11.0,
                at + shift,
                Text(&self.plot.symbol)
            )?;
            let position = self.plot.sizes.iter().position(|size| size == breakpoint);
            let cost = position.and_then(|position| {
                let piece = *self.plot.piece.get(position)?;
                let program = *self.programs.get(piece)?;
                Some((piece, *self.plot.predicted_us.get(program)?.get(position)?))
            });
            if let Some((piece, cost)) = cost {
                writeln!(
                    f,
                    "<circle class=\"mark\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"5\"><title>from {} = {breakpoint} on: piece \
                     {}, {}</title></circle>",
                    y.place(cost),
                    Text(&self.plot.symbol),
                    piece + 1,
                    duration(cost)
                )?;
            }
        }
        Ok(())
    }
}

/// The value as a logarithmic axis shows it.
fn shown(value: f64) -> f64 {
    // What is no number would stay one.
    if value.is_nan() { *SHOWN.start() } else { value.clamp(*SHOWN.start(), *SHOWN.end()) }
}

fn path(points: impl Iterator<Item = (f64, f64)>, x: &Axis, y: &Axis) -> String {
    let mut path = String::new();
    for (count, (size, cost)) in points.enumerate() {
        let command = if count == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{:.1} {:.1}", x.place(size), y.place(cost));
    }
    path
}

/// A line across the chart at that height, with what it stands for.
fn grid_line(f: &mut fmt::Formatter<'_>, at: f64, label: &str) -> fmt::Result {
    writeln!(
        f,
        "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/><text class=\"tick\" x=\"{}\" y=\"{:.1}\" \
         text-anchor=\"end\">{label}</text>",
        WIDTH - RIGHT,
        LEFT - 8.0,
        at + 4.0
    )
}

/// `50 µs`, `2 ms`: a round number of microseconds.
pub(super) fn round_duration(microseconds: f64) -> String {
    let (value, unit) = match microseconds {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    format!("{} {unit}", (value * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_even_on_a_logarithmic_axis() {
        let axis = Axis { logarithmic: true, min: 1.0, max: 10_000.0, from: 0.0, to: 400.0 };
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1000.0, 10_000.0]);
        assert!((axis.place(100.0) - 200.0).abs() < 1e-9);
        let narrow = Axis { max: 40.0, ..axis };
        assert_eq!(narrow.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0]);
    }

    #[test]
    fn a_cost_beyond_all_measure_makes_no_endless_page() {
        for costs in [[0.0, 0.0], [0.0, 1.0], [1e-320, 1e308], [-1.0, -2.0]] {
            for sizes in [vec![1, 2], vec![0, 0], vec![i64::MIN, i64::MAX], vec![5, 3]] {
                let plot = Plot {
                    symbol: "images".into(),
                    others: Default::default(),
                    sizes,
                    predicted_us: vec![costs.to_vec()],
                    piece: vec![0, 0],
                    breakpoints: vec![0, i64::MAX],
                };
                let svg = Chart { plot: &plot, programs: &[0], number: 0 }.to_string();
                assert!(svg.len() < 20_000, "{} bytes for {costs:?}", svg.len());
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn what_is_chosen_changes_lines_at_the_breakpoint() {
        let plot = Plot {
            symbol: "images<".into(),
            others: Default::default(),
            sizes: vec![1, 10, 100],
            predicted_us: vec![vec![1.0, 10.0, 100.0], vec![5.0, 10.0, 20.0]],
            piece: vec![0, 1, 1],
            breakpoints: vec![10],
        };
        let svg = Chart { plot: &plot, programs: &[0, 1], number: 0 }.to_string();
        assert!(svg.contains("images&lt; = 10") && !svg.contains("images<"), "{svg}");
        assert_eq!(svg.matches("class=\"envelope\"").count(), 2);
        assert_eq!(svg.matches("class=\"line c").count(), 4);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
