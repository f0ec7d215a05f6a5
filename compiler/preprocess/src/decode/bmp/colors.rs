//! How the pixels of a BMP become RGB.

use super::super::{DecodeError, palette::Palette};
use super::header::Header;

/// Which bits of a pixel are red, green, blue and alpha, and the bytes of a pixel that hold the first three. Pillow knows
/// these, and no others.
const BYTE_MASKS: [([u32; 4], [usize; 3]); 8] = [
    ([0xFF_0000, 0xFF00, 0xFF, 0], [2, 1, 0]),
    ([0xFF00_0000, 0xFF_0000, 0xFF00, 0], [3, 2, 1]),
    ([0xFF00_0000, 0xFF00, 0xFF, 0], [3, 1, 0]),
    ([0xFF00_0000, 0xFF_0000, 0xFF00, 0xFF], [3, 2, 1]),
    ([0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000], [0, 1, 2]),
    ([0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000], [2, 1, 0]),
    ([0xFF00_0000, 0xFF00, 0xFF, 0xFF_0000], [3, 1, 0]),
    ([0, 0, 0, 0], [2, 1, 0]),
];

/// Blue, green, red.
const USUAL_BYTES: [usize; 3] = [2, 1, 0];

/// What one pixel holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelFormat {
    /// An index of 1, 4 or 8 bits.
    Indexed { bits: usize, palette: Box<Palette> },
    /// Two bytes with five bits of each color, but for green, which may have six.
    Packed { green_bits: u32 },
    /// As many bytes, of which these are red, green and blue.
    Bytes { count: usize, rgb: [usize; 3] },
}

impl PixelFormat {
    pub(super) fn new(header: &Header) -> Result<Self, DecodeError> {
        let count = usize::from(header.bits / 8);
        match (header.bits, header.masks) {
            (1 | 4 | 8, None) => indexed(header),
            (16, None | Some([0x7C00, 0x3E0, 0x1F, _])) => {
                Ok(PixelFormat::Packed { green_bits: 5 })
            }
            (16, Some([0xF800, 0x7E0, 0x1F, _])) => Ok(PixelFormat::Packed { green_bits: 6 }),
            (24, None | Some([0xFF_0000, 0xFF00, 0xFF, _])) | (32, None) => {
                Ok(PixelFormat::Bytes { count, rgb: USUAL_BYTES })
            }
            (_, masks) => {
                let known = BYTE_MASKS
                    .into_iter()
                    .find(|(known, _)| header.bits == 32 && masks == Some(*known));
                let (_, rgb) = known.ok_or_else(|| {
                    DecodeError::malformed("its colors lie in bits in which they are not read")
                })?;
                Ok(PixelFormat::Bytes { count, rgb })
            }
        }
    }

    /// Bits a pixel.
    pub(super) fn bits(&self) -> usize {
        match self {
            PixelFormat::Indexed { bits, .. } => *bits,
            PixelFormat::Packed { .. } => 16,
            PixelFormat::Bytes { count, .. } => 8 * count,
        }
    }

    /// The format of indices that take a byte each.
    pub(super) fn of_indices(&self) -> Result<Self, DecodeError> {
        match self {
            PixelFormat::Indexed { palette, .. } => {
                Ok(PixelFormat::Indexed { bits: 8, palette: palette.clone() })
            }
            _ => Err(DecodeError::malformed("it has colors where its compression needs indices")),
        }
    }

    /// Writes the colors of a row.
    pub(super) fn expand<'pixels>(
        &self,
        row: &[u8],
        pixels: impl Iterator<Item = &'pixels mut [u8; 3]>,
    ) {
        match self {
            PixelFormat::Indexed { bits, palette } => {
                let a_byte = 8 / bits;
                for (x, pixel) in pixels.enumerate() {
                    let Some(byte) = row.get(x / a_byte) else { return };
                    let index = (byte << (x % a_byte * bits)) >> (8 - bits);
                    *pixel = palette.color(index);
                }
            }
            PixelFormat::Packed { green_bits } => {
                for (pixel, bytes) in pixels.zip(row.as_chunks().0) {
                    let bits = u32::from(u16::from_le_bytes(*bytes));
                    let widened = |from: u32, bits_wide: u32| {
                        let max = (1 << bits_wide) - 1;
                        (((bits >> from) & max) * 255 / max) as u8
                    };
                    *pixel = [widened(5 + green_bits, 5), widened(5, *green_bits), widened(0, 5)];
                }
            }
            PixelFormat::Bytes { count, rgb } => {
                for (pixel, bytes) in pixels.zip(row.chunks_exact(*count)) {
                    *pixel = rgb.map(|at| bytes[at]);
                }
            }
        }
    }
}

/// Indices into the palette of a header. Of grays in their natural order Pillow makes a gray image, whose pixels it then
/// takes to have one bit, or eight.
fn indexed(header: &Header) -> Result<PixelFormat, DecodeError> {
    let colors = header.palette.chunks_exact(header.color_bytes);
    let gray = |index: usize| if header.color_count == 2 { 255 * index as u8 } else { index as u8 };
    let is_gray = colors.len() == header.color_count as usize
        && colors
            .clone()
            .enumerate()
            .all(|(index, color)| color.iter().take(3).all(|level| *level == gray(index)));
    if is_gray {
        let (bits, palette) = if header.color_count <= 2 {
            (1, Palette::grays(|index| if index == 0 { 0 } else { 255 }))
        } else {
            (8, Palette::grays(|index| index))
        };
        return Ok(PixelFormat::Indexed { bits, palette: Box::new(palette) });
    }
    let palette = match header.color_bytes {
        4 => Palette::new(&header.palette, |[blue, green, red, _]| [red, green, blue])?,
        _ => Palette::new(&header.palette, |[blue, green, red]| [red, green, blue])?,
    };
    Ok(PixelFormat::Indexed { bits: usize::from(header.bits), palette: Box::new(palette) })
}
