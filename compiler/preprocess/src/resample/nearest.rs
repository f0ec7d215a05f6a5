//! Resampling by the nearest pixel.

use super::OutputPart;
use super::levels::{CHANNELS, Levels, View};
use std::ops::Range;

/// The wanted part of the source in another size.
pub fn resample(source: View<'_>, output: &OutputPart) -> Levels {
    let columns = positions(source.width, output.width, &output.columns);
    let rows = positions(source.height, output.height, &output.rows);
    let mut resampled = Levels::new(columns.len(), rows.len());
    for (levels, row) in resampled.rows_mut().zip(&rows) {
        let Some(row) = row else { continue };
        let row = source.row(*row);
        for (pixel, column) in levels.chunks_exact_mut(CHANNELS).zip(&columns) {
            let Some(column) = column else { continue };
            pixel.copy_from_slice(&row[CHANNELS * column..][..CHANNELS]);
        }
    }
    resampled
}

/// By line of the output that is wanted, the source's line; none where it is left black.
fn positions(source: usize, output: u32, window: &Range<u32>) -> Vec<Option<usize>> {
    // Pillow passes the side as an f32 and adds the step up from line to line. Where a sum lands on the edge between two
    // lines, its rounding decides; what it rounds beyond the last line stays black.
    let step = f64::from(source as f32) / f64::from(output);
    let centers = std::iter::successors(Some(step * 0.5), |center| Some(center + step));
    let lines = centers.skip(window.start as usize).take(window.len());
    lines.map(|center| Some(center as usize).filter(|line| *line < source)).collect()
}
