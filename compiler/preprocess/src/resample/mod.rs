//! Resampling as Pillow does it, to the bit.
//!
//! Pillow sums levels in integers, with weights of 22 bits behind the point, along one side and then along the other,
//! and rounds to levels after each. Integer sums come out the same in whatever order and however many at a time they
//! are made, so the passes here are free to be fast.

pub mod filter;
mod horizontal;
#[cfg(target_arch = "x86_64")]
mod horizontal_avx2;
mod levels;
mod nearest;
mod sum;
#[cfg(test)]
mod tests;
mod vertical;
mod weights;

pub use levels::{CHANNELS, Levels, View};

use filter::Filter;
use std::ops::Range;
use weights::Weights;

/// A resized image, and the part of it that is wanted. The rest is not computed, so its size may be any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPart {
    /// The width of the whole, in pixels.
    pub width: u32,
    /// The height of the whole, in pixels.
    pub height: u32,
    /// The wanted columns.
    pub columns: Range<u32>,
    /// The wanted rows.
    pub rows: Range<u32>,
}

impl OutputPart {
    /// All of an image of that size.
    pub fn whole(width: u32, height: u32) -> Self {
        OutputPart { width, height, columns: 0..width, rows: 0..height }
    }

    /// Whether all of it is wanted.
    pub fn is_whole(&self) -> bool {
        *self == OutputPart::whole(self.width, self.height)
    }

    /// Width and height of the wanted part.
    pub fn size(&self) -> (u32, u32) {
        (self.columns.end - self.columns.start, self.rows.end - self.rows.start)
    }
}

/// The wanted part of the source in the output's size, by a filter or, without one, by the nearest pixel.
///
/// `None` where the filter needs more weights than Pillow takes.
pub fn resample(source: View<'_>, output: &OutputPart, filter: Option<&Filter>) -> Option<Levels> {
    let Some(filter) = filter else { return Some(nearest::resample(source, output)) };
    let columns = Axis::new(filter, source.width, output.width, &output.columns)?;
    let rows = Axis::new(filter, source.height, output.height, &output.rows)?;
    let is_height_first = is_height_first(source, output);

    let source = source.crop(columns.source.clone(), rows.source.clone());
    Some(match (columns.weights, rows.weights) {
        (None, None) => source.to_levels(),
        (Some(columns), None) => horizontal::resample(source, &columns),
        (None, Some(rows)) => vertical::resample(source, &rows),
        (Some(columns), Some(rows)) if is_height_first => {
            horizontal::resample(vertical::resample(source, &rows).view(), &columns)
        }
        (Some(columns), Some(rows)) => {
            vertical::resample(horizontal::resample(source, &columns).view(), &rows)
        }
    })
}

/// Which side comes first shows in the levels, because of the rounding in between. Pillow 13 takes the height first where
/// it loses more than twice as many lines as the width; before, never.
fn is_height_first(source: View<'_>, output: &OutputPart) -> bool {
    let lost_rows = source.height as i64 - i64::from(output.height);
    let lost_columns = source.width as i64 - i64::from(output.width);
    lost_rows > 0 && lost_rows > 2 * lost_columns
}

/// What happens along one side.
struct Axis {
    /// The source's pixels that count.
    source: Range<usize>,
    /// What those count; none where the side stays as long as it is.
    weights: Option<Weights>,
}

impl Axis {
    fn new(filter: &Filter, source: usize, output: u32, wanted: &Range<u32>) -> Option<Self> {
        if source == output as usize {
            let source = wanted.start as usize..wanted.end as usize;
            return Some(Axis { source, weights: None });
        }
        let weights = Weights::new(filter, source, output, wanted.clone())?;
        let source = weights.source();
        Some(Axis { weights: Some(weights.starting_at(source.start)), source })
    }
}
