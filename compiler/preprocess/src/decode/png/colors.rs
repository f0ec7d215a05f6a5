//! How the samples of a PNG become RGB.

use super::super::{DecodeError, palette::Palette};
use super::header::{GRAY, GRAY_ALPHA, Header, INDEXED, RGB, RGBA};

/// What one pixel of a scanline holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelFormat {
    /// Fewer bits than a byte, or a byte, that choose a color.
    Indexed {
        /// 1, 2, 4 or 8.
        bits: u8,
        /// The colors. Gray is a palette too.
        palette: Box<Palette>,
    },
    /// Gray with two bytes.
    Gray16,
    /// As many samples, of as many bytes each. One or two samples are gray, with alpha; three or four are RGB, with
    /// alpha.
    Samples {
        /// From 1 to 4.
        count: u8,
        /// 1 or 2.
        bytes: u8,
    },
}

impl PixelFormat {
    /// The format that a header names.
    pub(super) fn new(header: &Header) -> Result<Self, DecodeError> {
        let samples = |count, bytes| Ok(PixelFormat::Samples { count, bytes });
        match (header.color_type, header.bit_depth) {
            (GRAY, bits @ (1 | 2 | 4 | 8)) => {
                let max = u8::MAX >> (8 - bits);
                let palette = Box::new(Palette::grays(|level| level.min(max) * (255 / max)));
                Ok(PixelFormat::Indexed { bits, palette })
            }
            (GRAY, 16) => Ok(PixelFormat::Gray16),
            (RGB, 8) => samples(3, 1),
            (RGB, 16) => samples(3, 2),
            (INDEXED, bits @ (1 | 2 | 4 | 8)) => {
                let palette = Box::new(Palette::new(header.palette, |color| color)?);
                Ok(PixelFormat::Indexed { bits, palette })
            }
            (GRAY_ALPHA, 8) => samples(2, 1),
            (GRAY_ALPHA, 16) => samples(2, 2),
            (RGBA, 8) => samples(4, 1),
            (RGBA, 16) => samples(4, 2),
            (color_type, depth) => {
                let problem = format!(
                    "its color type {color_type} with {depth} bits a level is none that PNG knows"
                );
                Err(DecodeError::malformed(problem))
            }
        }
    }

    /// Bits a pixel.
    pub(super) fn bits(&self) -> usize {
        match self {
            PixelFormat::Indexed { bits, .. } => usize::from(*bits),
            PixelFormat::Gray16 => 16,
            PixelFormat::Samples { count, bytes } => 8 * usize::from(*count) * usize::from(*bytes),
        }
    }

    /// Writes the colors of a scanline.
    pub(super) fn expand<'pixels>(
        &self,
        scanline: &[u8],
        pixels: impl Iterator<Item = &'pixels mut [u8; 3]>,
    ) {
        match self {
            PixelFormat::Indexed { bits: 8, palette } => {
                pixels.zip(scanline).for_each(|(pixel, index)| *pixel = palette.color(*index));
            }
            PixelFormat::Indexed { bits, palette } => {
                let (bits, a_byte) = (usize::from(*bits), 8 / usize::from(*bits));
                for (x, pixel) in pixels.enumerate() {
                    let Some(byte) = scanline.get(x / a_byte) else { return };
                    let index = (byte << (x % a_byte * bits)) >> (8 - bits);
                    *pixel = palette.color(index);
                }
            }
            // Pillow keeps this gray as it is, and its way to RGB cuts off at 255, whether a level is transparent or
            // not. Of all other samples of two bytes it takes the first. The model saw that in training.
            PixelFormat::Gray16 => {
                for (pixel, [high, low]) in pixels.zip(scanline.as_chunks().0) {
                    *pixel = [if *high == 0 { *low } else { 255 }; 3];
                }
            }
            PixelFormat::Samples { count: 3, bytes: 1 } => {
                pixels.zip(scanline.as_chunks().0).for_each(|(pixel, color)| *pixel = *color);
            }
            PixelFormat::Samples { count, bytes } => {
                let (count, bytes) = (usize::from(*count), usize::from(*bytes));
                let green_and_blue = if count < 3 { [0, 0] } else { [bytes, 2 * bytes] };
                for (pixel, samples) in pixels.zip(scanline.chunks_exact(count * bytes)) {
                    *pixel = [samples[0], samples[green_and_blue[0]], samples[green_and_blue[1]]];
                }
            }
        }
    }
}
