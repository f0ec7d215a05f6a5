//! JPEG, with the levels that libjpeg gives.
//!
//! The standard leaves the inverse transform and the way chroma is enlarged to the decoder: others are up to four levels
//! away from libjpeg, which Pillow uses, and so is what a model saw in training.

mod header;
mod libjpeg;

use super::{DecodeError, Decoded, new_levels};
use header::Header;
use libjpeg::{Colors, Decompressor, MAX_ROWS_AT_ONCE};

/// The image in a JPEG file.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let Header { components, metadata } = Header::read(bytes)?;
    let mut decompressor = Decompressor::new(bytes)?;
    let (width, height) = decompressor.dimensions();
    let mut levels = new_levels(width, height)?;
    if components == 4 {
        read_cmyk(&mut decompressor, &mut levels, width as usize)?;
    } else {
        decompressor.start(Colors::Rgb)?;
        let mut rest: &mut [u8] = &mut levels;
        while !rest.is_empty() {
            let rows = decompressor.read_rows(rest)?;
            rest = &mut rest[rows * width as usize * Colors::Rgb.channels()..];
        }
    }
    decompressor.finish()?;
    Ok(Decoded { levels, metadata })
}

/// Decodes an image for print. Its inks are taken to be inverted, as Adobe's programs write them.
fn read_cmyk(
    decompressor: &mut Decompressor,
    levels: &mut [u8],
    width: usize,
) -> Result<(), DecodeError> {
    decompressor.start(Colors::Cmyk)?;
    let mut buffer = vec![0; MAX_ROWS_AT_ONCE * width * Colors::Cmyk.channels()];
    let mut rest = levels.chunks_exact_mut(Colors::Rgb.channels());
    while rest.len() > 0 {
        let rows = decompressor.read_rows(&mut buffer)?;
        let pixels = buffer.chunks_exact(Colors::Cmyk.channels()).take(rows * width);
        for (inks, rgb) in pixels.zip(&mut rest) {
            for (ink, level) in inks.iter().zip(rgb) {
                *level = print(*ink, inks[3]);
            }
        }
    }
    Ok(())
}

/// What is left of white paper after an ink and black, both inverted, in Pillow's arithmetic.
fn print(inverted_ink: u8, inverted_black: u8) -> u8 {
    let (ink, paper) = (255 - i32::from(inverted_ink), i32::from(inverted_black));
    let product = ink * paper + 128;
    let covered = ((product >> 8) + product) >> 8;
    (paper - covered).clamp(0, 255) as u8
}
