//! Which piece runs where, over two symbols, as SVG: a box for each piece in the colour of its program, with every
//! breakpoint of both symbols at the edges.

use super::chart::{COLOURS, round_duration};
use super::escape::Text;
use crate::explain::explanation::{Explanation, Piece, Range};
use crate::explain::text::ranges;
use std::collections::BTreeSet;
use std::fmt;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const HEIGHT: f64 = 300.0;
const BELOW: f64 = 48.0;

/// Labels of breakpoints lie at least so far from each other.
const LABEL_WIDTH: f64 = 46.0;
const LABEL_HEIGHT: f64 = 15.0;

/// An edge that the range goes on far behind is drawn so much farther than the last breakpoint, as a factor.
const BEHIND_BREAKPOINT: f64 = 32.0;

/// The pieces over the two symbols that cut the range.
pub(super) struct Map<'a> {
    pieces: &'a [Piece],
    /// Across and upwards.
    axes: [Axis<'a>; 2],
}

/// A symbol, and where its values lie on the page.
struct Axis<'a> {
    symbol: &'a str,
    /// Where pieces begin, the first of them where the range does.
    begins: BTreeSet<i64>,
    last: f64,
    from: f64,
    to: f64,
}

impl<'a> Axis<'a> {
    fn new(explanation: &'a Explanation, symbol: &'a str, from: f64, to: f64) -> Self {
        let begins: BTreeSet<i64> = explanation
            .pieces
            .iter()
            .filter_map(|piece| Some(piece.range.get(symbol)?.min.max(1)))
            .collect();
        let whole = explanation.range.get(symbol).map_or(1.0, |range| range.max as f64);
        let last = begins.last().map_or(1.0, |begin| *begin as f64) * BEHIND_BREAKPOINT;
        Axis { symbol, begins, last: whole.min(last), from, to }
    }

    /// The place of a value, by its ratio.
    fn place(&self, value: f64) -> f64 {
        let first = self.begins.first().map_or(1.0, |first| *first as f64);
        let span = (self.last / first).ln().max(1e-9);
        let share = (value.clamp(first, self.last.max(first)) / first).ln() / span;
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    /// Where the sizes of a range begin, and where those behind them do.
    fn stretch(&self, range: Option<&Range>) -> (f64, f64) {
        let Some(range) = range else { return (self.from, self.to) };
        (self.place(range.min as f64), self.place((range.max as f64) + range.step as f64))
    }
}

impl<'a> Map<'a> {
    /// The map of an explanation; `None` where not two symbols cut its range.
    pub fn of(explanation: &'a Explanation) -> Option<Self> {
        let is_cut = |(symbol, whole): &(&'a String, &Range)| {
            explanation.pieces.iter().any(|piece| piece.range.get(*symbol) != Some(*whole))
        };
        let mut cut = explanation.range.iter().filter(is_cut).map(|(symbol, _)| symbol.as_str());
        let (across, upwards) = (cut.next()?, cut.next()?);
        let axes = [
            Axis::new(explanation, across, LEFT, WIDTH - RIGHT),
            Axis::new(explanation, upwards, TOP + HEIGHT, TOP),
        ];
        Some(Map { pieces: &explanation.pieces, axes })
    }

    /// `images and tokens`.
    pub fn symbols(&self) -> String {
        format!("{} and {}", self.axes[0].symbol, self.axes[1].symbol)
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
        for (position, piece) in self.pieces.iter().enumerate() {
            self.piece(f, position, piece)?;
        }
        self.labels(f)?;
        let [across, upwards] = &self.axes;
        writeln!(
            f,
            "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text><text class=\"axis\" x=\"16\" \
             y=\"{3:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {3:.1})\">{4}</text></svg>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            TOP + HEIGHT + BELOW - 8.0,
            Text(across.symbol),
            TOP + HEIGHT / 2.0,
            Text(upwards.symbol)
        )
    }
}

impl Map<'_> {
    fn piece(&self, f: &mut fmt::Formatter<'_>, position: usize, piece: &Piece) -> fmt::Result {
        let (left, right) = self.axes[0].stretch(piece.range.get(self.axes[0].symbol));
        let (bottom, top) = self.axes[1].stretch(piece.range.get(self.axes[1].symbol));
        let (width, height) = (right - left, bottom - top);
        let number = position + 1;
        write!(
            f,
            "<a href=\"#piece-{number}\"><rect class=\"box c{}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>piece {number}, program {}: {}; predicted {}</title></rect>",
            piece.program % COLOURS,
            piece.program + 1,
            Text(ranges(&piece.range)),
            round_duration(piece.predicted_us)
        )?;
        if width >= 20.0 && height >= 14.0 {
            write!(
                f,
                "<text class=\"box-label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{number}</text>",
                left + width / 2.0,
                top + height / 2.0 + 4.0
            )?;
        }
        writeln!(f, "</a>")
    }

    /// The breakpoints of both symbols; of those that lie too near each other, the first.
    fn labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [across, upwards] = &self.axes;
        let mut free = f64::MIN;
        for begin in &across.begins {
            let at = across.place(*begin as f64);
            if at >= free {
                let below = TOP + HEIGHT + 17.0;
                writeln!(
                    f,
                    "<text class=\"tick\" x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{begin}</text>"
                )?;
                free = at + LABEL_WIDTH;
            }
        }
        let mut free = f64::MAX;
        for begin in &upwards.begins {
            let at = upwards.place(*begin as f64);
            if at <= free {
                writeln!(
                    f,
                    "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{begin}</text>",
                    LEFT - 8.0,
                    at + 4.0
                )?;
                free = at - LABEL_HEIGHT;
            }
        }
        Ok(())
    }
}
