//! WebP.

use super::{DecodeError, Decoded, bytes::Reader, new_levels, orientation::Metadata};
use image_webp::WebPDecoder;
use std::io::Cursor;

const RIFF: &[u8] = b"RIFF";
const WEBP: &[u8] = b"WEBP";
/// The name of the first chunk of a file that has metadata, or an animation.
const EXTENDED: &[u8] = b"VP8X";

/// The image in a WebP file. Of an animation it is the first frame.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let bytes = whole_chunks(bytes)?;
    let malformed = |error: image_webp::DecodingError| DecodeError::malformed(error.to_string());
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(malformed)?;
    let (width, height) = decoder.dimensions();
    let mut levels = new_levels(width, height)?;
    let mut data = vec![0; decoder.output_buffer_size().unwrap_or(0)];
    decoder.read_image(&mut data).map_err(malformed)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    for (pixel, samples) in
        levels.as_chunks_mut::<3>().0.iter_mut().zip(data.chunks_exact(channels))
    {
        *pixel = [samples[0], samples[1], samples[2]];
    }
    let metadata = Metadata {
        exif: decoder.exif_metadata().map_err(malformed)?,
        xmp: decoder.xmp_metadata().map_err(malformed)?,
        ..Metadata::default()
    };
    Ok(Decoded { levels, metadata })
}

/// The bytes of a file as far as it says that it goes, with all of its chunks whole. The decoder would take bytes that are
/// missing for zeros.
fn whole_chunks(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.take(RIFF.len())?;
    let length = reader.u32_le()?;
    let content = reader.take(length as usize)?;
    let mut chunks = Reader::new(content);
    chunks.take(WEBP.len())?;
    let is_extended = chunks.rest().starts_with(EXTENDED);
    loop {
        chunks.take(EXTENDED.len())?;
        let length = chunks.u32_le()? as usize;
        chunks.take(length.saturating_add(length % 2))?;
        // Only an extended file has more than one chunk.
        if !is_extended || chunks.rest().is_empty() {
            return Ok(&bytes[..reader.position()]);
        }
    }
}
