//! Which piece runs where, over two symbols, as SVG: an area for each piece in the color of its program, with the
//! breakpoints of both symbols at the edges.

use super::chart::{COLOURS, round_duration};
use super::escape::Text;
use crate::explanation::{Explanation, Piece, PieceMap};
use std::collections::BTreeSet;
use std::fmt;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const HEIGHT: f64 = 300.0;
const BELOW: f64 = 48.0;

/// Labels lie at least so far from each other.
const LABEL_WIDTH: f64 = 46.0;
const LABEL_HEIGHT: f64 = 15.0;

/// The number of a piece is written where it has so much room.
const NUMBER_WIDTH: f64 = 20.0;
const NUMBER_HEIGHT: f64 = 14.0;

/// The pieces over the two symbols that cut the range.
pub(super) struct Map<'a> {
    explanation: &'a Explanation,
    map: &'a PieceMap,
    across: Axis<'a>,
    upwards: Axis<'a>,
}

/// A symbol, and where its values lie on the page.
struct Axis<'a> {
    symbol: &'a str,
    /// The edges of the cells.
    edges: Vec<f64>,
    first: f64,
    last: f64,
    from: f64,
    to: f64,
}

/// Neighboring cells of one piece: the edges around them.
struct Run {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl<'a> Axis<'a> {
    fn new(symbol: &'a str, cells: &[i64], (from, to): (f64, f64)) -> Self {
        // Sizes begin at one; what an explanation from a file says may not.
        let end = |value: Option<&i64>| value.map_or(1.0, |value| (*value).max(1) as f64);
        let (first, last) = (end(cells.first()), end(cells.last()));
        let mut axis = Axis { symbol, edges: vec![], first, last, from, to };
        axis.edges = cells.iter().map(|cell| axis.place(*cell as f64)).collect();
        if axis.edges.len() == 1 {
            axis.edges = vec![from, to];
        }
        axis
    }

    /// The place of a value, by its ratio.
    fn place(&self, value: f64) -> f64 {
        let span = (self.last / self.first).ln().max(1e-9);
        let share = (value.clamp(self.first, self.last.max(self.first)) / self.first).ln() / span;
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    /// The values that are written at the axis: where pieces begin, or powers of two where none begins along this symbol
    /// alone.
    fn labels(&self, explanation: &Explanation) -> BTreeSet<i64> {
        let begin = |piece: &Piece| Some(piece.range.get(self.symbol)?.min.max(1));
        let begins: BTreeSet<i64> = explanation.pieces.iter().filter_map(begin).collect();
        if begins.len() > 1 {
            return begins;
        }
        let powers = std::iter::successors(Some(1i64), |power| power.checked_mul(2));
        let inside = powers.filter(|power| (self.first..=self.last).contains(&(*power as f64)));
        inside.chain(begins).collect()
    }
}

impl<'a> Map<'a> {
    /// The map of an explanation; `None` where not two symbols cut its range.
    pub fn of(explanation: &'a Explanation) -> Option<Self> {
        let map = explanation.map.as_ref()?;
        let (right, bottom) = (WIDTH - RIGHT, TOP + HEIGHT);
        let across = Axis::new(&map.across, &map.across_from, (LEFT, right));
        let upwards = Axis::new(&map.upwards, &map.upwards_from, (bottom, TOP));
        Some(Map { explanation, map, across, upwards })
    }

    /// `images and tokens`; where others move along, that they do.
    pub fn symbols(&self) -> String {
        let both = format!("{} and {}", self.map.across, self.map.upwards);
        match self.map.along.as_slice() {
            [] => both,
            others => format!("{both}, {} as large", others.join(", ")),
        }
    }

    /// The cells of a piece, those beside each other together, row by row.
    fn runs(&self, piece: usize) -> Vec<Run> {
        let mut runs = vec![];
        for (row, heights) in self.map.pieces.iter().zip(self.upwards.edges.windows(2)) {
            let mut open: Option<Run> = None;
            for (cell, widths) in row.iter().zip(self.across.edges.windows(2)) {
                match &mut open {
                    Some(run) if *cell == Some(piece) => run.right = widths[1],
                    _ => {
                        runs.extend(open.take());
                        open = (*cell == Some(piece)).then_some(Run {
                            left: widths[0],
                            right: widths[1],
                            top: heights[1],
                            bottom: heights[0],
                        });
                    }
                }
            }
            runs.extend(open);
        }
        runs
    }
}

impl fmt::Display for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<svg class=\"chart map\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Which piece runs over {}\">",
            TOP + HEIGHT + BELOW,
            Text(self.symbols())
        )?;
        for (position, piece) in self.explanation.pieces.iter().enumerate() {
            self.piece(f, position, piece)?;
        }
        self.labels(f)?;
        writeln!(
            f,
            "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text><text class=\"axis\" x=\"16\" \
             y=\"{3:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {3:.1})\">{4}</text></svg>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            TOP + HEIGHT + BELOW - 8.0,
            Text(self.across.symbol),
            TOP + HEIGHT / 2.0,
            Text(self.upwards.symbol)
        )
    }
}

impl Map<'_> {
    fn piece(&self, f: &mut fmt::Formatter<'_>, position: usize, piece: &Piece) -> fmt::Result {
        let runs = self.runs(position);
        let number = position + 1;
        write!(
            f,
            "<a href=\"#piece-{number}\"><path class=\"area c{}\" d=\"",
            piece.program % COLOURS
        )?;
        for Run { left, right, top, bottom } in &runs {
            write!(f, "M{left:.1} {top:.1}H{right:.1}V{bottom:.1}H{left:.1}z")?;
        }
        write!(
            f,
            "\"><title>piece {number}, program {}: {}; predicted {}</title></path>",
            piece.program + 1,
            Text(self.explanation.sizes_of(piece)),
            round_duration(piece.predicted_us)
        )?;
        let height: f64 = runs.iter().map(|run| run.bottom - run.top).sum();
        if let Some(run) = runs.get(runs.len() / 2)
            && run.right - run.left >= NUMBER_WIDTH
            && height >= NUMBER_HEIGHT
        {
            write!(
                f,
                "<text class=\"area-label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{number}</text>",
                (run.left + run.right) / 2.0,
                (run.top + run.bottom) / 2.0 + 4.0
            )?;
        }
        writeln!(f, "</a>")
    }

    /// The labels of both axes; of those that lie too near each other, the first.
    fn labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut free = f64::MIN;
        for value in self.across.labels(self.explanation) {
            let at = self.across.place(value as f64);
            if at >= free {
                let below = TOP + HEIGHT + 17.0;
                writeln!(
                    f,
                    "<text class=\"tick\" x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{value}</text>"
                )?;
                free = at + LABEL_WIDTH;
            }
        }
        let mut free = f64::MAX;
        for value in self.upwards.labels(self.explanation) {
            let at = self.upwards.place(value as f64);
            if at <= free {
                writeln!(
                    f,
                    "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                    LEFT - 8.0,
                    at + 4.0
                )?;
                free = at - LABEL_HEIGHT;
            }
        }
        Ok(())
    }
}
