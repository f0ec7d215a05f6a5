//! An image file as upright RGB levels, as transformers' `load_image` gives it: Pillow's levels, turned as the metadata
//! say, then `convert("RGB")`, which drops alpha.
//!
//! What Pillow takes is taken, with the same levels; what Pillow refuses is refused. Above all that is a file whose last
//! pixels are missing: the other decoders of this world make them up.
//!
//! ```text
//! a file, a pipe ── source ──► bytes ── jpeg, png, .. ──► levels, metadata ── orientation ──► upright levels
//! ```

mod bmp;
mod bytes;
mod error;
mod gif;
mod jpeg;
mod orientation;
mod palette;
mod png;
mod source;
mod webp;

#[cfg(test)]
mod goldens;

pub use error::DecodeError;

use super::{MAX_PIXELS, PreprocessError};
use image::RgbImage;
use orientation::Metadata;
use std::path::Path;

/// The longest image file that is read, in bytes. The widest pixels of any format take eight bytes, so that no image that
/// is small enough to decode needs more, whatever its metadata.
pub(super) const MAX_FILE_BYTES: u64 = 8 * MAX_PIXELS;

/// What a decoder makes of a file's bytes.
type Decoder = fn(&[u8]) -> Result<Decoded, DecodeError>;

/// The levels as they are stored, and what is said about them.
struct Decoded {
    levels: RgbImage,
    metadata: Metadata,
}

/// The image in a file. The bytes decide on the format, not the name.
pub(super) fn decode(file: &Path) -> Result<RgbImage, PreprocessError> {
    let (bytes, decoder) = source::read(file, MAX_FILE_BYTES)?;
    upright_levels(&bytes, decoder).map_err(|error| PreprocessError::of_decoder(error, file))
}

/// The image in the bytes of a file, turned as its metadata say.
fn upright_levels(bytes: &[u8], decoder: Decoder) -> Result<RgbImage, DecodeError> {
    let Decoded { levels, metadata } = decoder(bytes)?;
    Ok(metadata.upright(levels))
}

/// The decoder for a file that begins so; `None` where the file is no image of a known format.
fn decoder_for(beginning: &[u8]) -> Option<Decoder> {
    match beginning {
        [0xFF, 0xD8, 0xFF, ..] => Some(jpeg::decode),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(png::decode),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(gif::decode),
        [b'B', b'M', ..] => Some(bmp::decode),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp::decode),
        _ => None,
    }
}

/// An image of that size, all black.
fn new_levels(width: u32, height: u32) -> Result<RgbImage, DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::ZeroSide { width, height });
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(DecodeError::TooManyPixels { width, height });
    }
    // Memory that is zeroed comes without cost from the system, but only by a call that ends the process where there is
    // none. So the same memory is asked for before, and given back.
    let bytes = 3 * pixels as usize;
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| DecodeError::OutOfMemory { bytes })?;
    Ok(RgbImage::new(width, height))
}
