//! GIF: the first frame on its canvas.
//!
//! A frame that reaches beyond the canvas enlarges it, and what it leaves free has the color of the transparent index, or
//! of index 0: so Pillow does, and no program that shows animations.

use super::{
    DecodeError, Decoded, bytes::Reader, new_levels, orientation::Metadata, palette::Palette,
};
use weezl::{BitOrder, LzwStatus, decode::Decoder};

const IMAGE: u8 = b',';
const EXTENSION: u8 = b'!';
const TRAILER: u8 = b';';
const GRAPHIC_CONTROL: u8 = 0xF9;
const COMMENT: u8 = 0xFE;

/// In the flags of the canvas and of a frame: whether a palette follows, the low bits being the logarithm of its length.
const HAS_PALETTE: u8 = 0x80;
/// In a frame's flags.
const IS_INTERLACED: u8 = 0x40;

/// The longest code that a pixel may begin with.
const MAX_CODE_BITS: u8 = 11;

/// A frame's place on the canvas, and how its pixels are stored.
struct Frame {
    x: u16,
    y: u16,
    width: u16,
    height: u16,
    interlaced: bool,
    palette: Option<Palette>,
    code_bits: u8,
}

/// The first image in a GIF file.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    const SIGNATURE_BYTES: usize = 6;
    let mut reader = Reader::new(bytes);
    reader.take(SIGNATURE_BYTES)?;
    let (width, height) = (reader.u16_le()?, reader.u16_le()?);
    let flags = reader.u8()?;
    let _background_and_aspect = reader.take(2)?;
    let global_palette = palette(&mut reader, flags)?;

    let (frame, transparent) = first_frame(&mut reader)?;
    let width = u32::from(width).max(u32::from(frame.x) + u32::from(frame.width));
    let height = u32::from(height).max(u32::from(frame.y) + u32::from(frame.height));
    let mut levels = new_levels(width, height)?;
    let indices = frame.indices(&mut reader)?;

    let palette = frame.palette.as_ref().or(global_palette.as_ref()).cloned();
    let palette = palette.unwrap_or_else(|| Palette::grays(|index| index));
    let free = palette.color(transparent.unwrap_or(0));
    let (stride, frame_width) = (width as usize, usize::from(frame.width));
    let pixels = levels.as_chunks_mut::<3>().0;
    pixels.fill(free);
    for (row, y) in indices.chunks_exact(frame_width).zip(frame.row_order()) {
        let start = (usize::from(frame.y) + y) * stride + usize::from(frame.x);
        for (pixel, index) in pixels[start..].iter_mut().zip(row) {
            *pixel = palette.color(*index);
        }
    }
    Ok(Decoded { levels, metadata: Metadata::default() })
}

/// The palette that the flags announce. One of grays in their natural order counts as none, so that a frame with such a
/// palette has the colors of the canvas.
fn palette(reader: &mut Reader, flags: u8) -> Result<Option<Palette>, DecodeError> {
    if flags & HAS_PALETTE == 0 {
        return Ok(None);
    }
    let colors = 2usize << (flags & 7);
    let entries = reader.take(3 * colors)?;
    let is_gray =
        |(index, color): (usize, &[u8; 3])| color.iter().all(|level| usize::from(*level) == index);
    if entries.as_chunks().0.iter().enumerate().all(is_gray) {
        return Ok(None);
    }
    Palette::new(entries, |color| color).map(Some)
}

/// Reads up to the pixels of the first frame. With it comes the index that is transparent, if one is.
fn first_frame(reader: &mut Reader) -> Result<(Frame, Option<u8>), DecodeError> {
    let mut transparent = None;
    loop {
        match reader.u8()? {
            TRAILER => return Err(DecodeError::malformed("it has no frame")),
            IMAGE => return Ok((frame(reader)?, transparent)),
            EXTENSION => {
                let label = reader.u8()?;
                let mut block = sub_block(reader)?;
                if label == GRAPHIC_CONTROL && !block.is_empty() {
                    transparent = transparent_index(block)?.or(transparent);
                }
                // An extension whose first block is empty has not ended, but a comment has.
                if label != COMMENT || !block.is_empty() {
                    block = sub_block(reader)?;
                    while !block.is_empty() {
                        block = sub_block(reader)?;
                    }
                }
            }
            _ => {}
        }
    }
}

/// A block of at most 255 bytes, of which pixels and extensions are made. An empty one ends them.
fn sub_block<'bytes>(reader: &mut Reader<'bytes>) -> Result<&'bytes [u8], DecodeError> {
    let length = reader.u8()?;
    reader.take(usize::from(length))
}

/// What a graphic control extension says of transparency.
fn transparent_index(block: &[u8]) -> Result<Option<u8>, DecodeError> {
    match *block {
        [flags, _, _, index, ..] if flags & 1 == 1 => Ok(Some(index)),
        [flags, _, _, ..] if flags & 1 == 0 => Ok(None),
        _ => Err(DecodeError::malformed("a graphic control extension is too short")),
    }
}

fn frame(reader: &mut Reader) -> Result<Frame, DecodeError> {
    let [x, y, width, height] =
        [reader.u16_le()?, reader.u16_le()?, reader.u16_le()?, reader.u16_le()?];
    let flags = reader.u8()?;
    let palette = palette(reader, flags)?;
    let code_bits = reader.u8()?;
    if width == 0 || height == 0 {
        return Err(DecodeError::malformed("its first frame has no pixels"));
    }
    if code_bits > MAX_CODE_BITS {
        let problem = format!("its pixels have {code_bits} bits; at most {MAX_CODE_BITS} are read");
        return Err(DecodeError::malformed(problem));
    }
    let interlaced = flags & IS_INTERLACED != 0;
    Ok(Frame { x, y, width, height, interlaced, palette, code_bits })
}

impl Frame {
    /// The indices of all pixels, in the order in which they are stored.
    fn indices(&self, reader: &mut Reader) -> Result<Vec<u8>, DecodeError> {
        let mut indices = vec![0; usize::from(self.width) * usize::from(self.height)];
        let mut decoder = Decoder::new(BitOrder::Lsb, self.code_bits);
        let mut filled = 0;
        while filled < indices.len() {
            // Blocks are read on behind the one of length zero that ends them, as long as pixels are missing.
            let mut block = sub_block(reader)?;
            // The decoder may have read a block and still owe pixels.
            loop {
                let decoded = decoder.decode_bytes(block, &mut indices[filled..]);
                block = &block[decoded.consumed_in..];
                filled += decoded.consumed_out;
                match decoded.status {
                    _ if filled == indices.len() => break,
                    Ok(LzwStatus::Ok) => {}
                    Ok(LzwStatus::NoProgress) => break,
                    Ok(LzwStatus::Done) => return Err(DecodeError::Truncated),
                    Err(_) => {
                        return Err(DecodeError::malformed("its compressed pixels are damaged"));
                    }
                }
            }
        }
        Ok(indices)
    }

    /// The rows in the order in which they are stored.
    fn row_order(&self) -> impl Iterator<Item = usize> {
        let passes: &[(usize, usize)] =
            if self.interlaced { &[(0, 8), (4, 8), (2, 4), (1, 2)] } else { &[(0, 1)] };
        let height = usize::from(self.height);
        passes.iter().flat_map(move |(first, step)| (*first..height).step_by(*step))
    }
}
