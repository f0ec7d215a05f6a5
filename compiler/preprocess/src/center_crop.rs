//! The center crop step.

use super::resample::{CHANNELS, Levels, OutputPart};
use std::ops::Range;

/// Takes the middle of an image, with black around it where the image is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CenterCrop {
    pub height: u32,
    pub width: u32,
    /// Where an odd number of black lines is added, the odd one goes below and right, as the torchvision backend does;
    /// else above and left, as the Pillow backend does.
    pub odd_line_last: bool,
}

impl CenterCrop {
    /// The part of an image of that size that the crop shows.
    pub fn part(&self, width: u32, height: u32) -> OutputPart {
        let (columns, rows) = (shown(width, self.width), shown(height, self.height));
        OutputPart { width, height, columns, rows }
    }

    /// The crop of an image from the part that it shows.
    pub fn pad(&self, part: Levels) -> Levels {
        let (width, height) = (self.width as usize, self.height as usize);
        if (part.width, part.height) == (width, height) {
            return part;
        }
        let top = self.lines_before(height - part.height);
        let left = self.lines_before(width - part.width) * CHANNELS;
        let mut cropped = Levels::new(width, height);
        for (row, levels) in cropped.rows_mut().skip(top).take(part.height).enumerate() {
            let source = part.view().row(row);
            levels[left..left + source.len()].copy_from_slice(source);
        }
        cropped
    }

    /// How many of the black lines come first.
    fn lines_before(&self, black: usize) -> usize {
        match self.odd_line_last {
            true => black / 2,
            false => black.div_ceil(2),
        }
    }
}

/// The lines of an image that a crop shows.
fn shown(image: u32, crop: u32) -> Range<u32> {
    let first = image.saturating_sub(crop) / 2;
    first..first + image.min(crop)
}
