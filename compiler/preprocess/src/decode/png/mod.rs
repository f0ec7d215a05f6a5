//! PNG.
//!
//! A file is taken or refused as by Pillow. What comes before the pixels must be whole, with the right checksums. The
//! pixels must be complete; what they are compressed with has a checksum of its own, which must be right where it is
//! there. What follows them must be whole where it has begun, but no chunk has to follow, not even the one that ends the
//! file.

mod chunks;
mod colors;
mod header;
mod scanlines;
mod text;

use super::{DecodeError, Decoded, new_levels};
use chunks::{Chunks, END, FRAME_CONTROL, FRAME_DATA, IMAGE_DATA};
use colors::PixelFormat;
use header::Header;
use scanlines::Scanlines;

/// The image in a PNG file. Of an animation it is the first frame, on black.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut chunks = Chunks::new(bytes)?;
    let mut header = Header::default();
    let first = header.read(&mut chunks)?;
    let mut levels = new_levels(header.width, header.height)?;
    let format = PixelFormat::new(&header)?;
    let frame = header.frame()?;
    let data = image_data(first, &mut chunks, &mut header)?;
    Scanlines::new(&data, frame, header.interlaced).decode(&format, &mut levels)?;
    read_to_the_end(&mut chunks, &mut header)?;
    Ok(Decoded { levels, metadata: header.texts.metadata })
}

/// The chunks of compressed pixels that follow each other.
#[derive(Debug)]
struct ImageData<'bytes> {
    chunks: Vec<&'bytes [u8]>,
    /// Whether the file ends in the last of them.
    last_is_cut: bool,
}

/// Reads the chunks of pixels up to another chunk, or to the end of the file. `first` is the length of the first.
fn image_data<'bytes>(
    first: usize,
    chunks: &mut Chunks<'bytes>,
    header: &mut Header<'bytes>,
) -> Result<ImageData<'bytes>, DecodeError> {
    let mut length = first;
    let mut data = ImageData { chunks: Vec::new(), last_is_cut: false };
    loop {
        let chunk = chunks.reader.take_up_to(length);
        data.chunks.push(chunk);
        data.last_is_cut = chunk.len() < length;
        let behind = chunks.clone();
        chunks.reader.take_up_to(4);
        match chunks.next_header() {
            Ok((IMAGE_DATA, next)) => length = next,
            Ok((FRAME_DATA, next)) => length = header.begin_frame_data(next, chunks)?,
            _ => {
                *chunks = behind;
                return Ok(data);
            }
        }
    }
}

/// Reads the metadata that follow the pixels.
fn read_to_the_end<'bytes>(
    chunks: &mut Chunks<'bytes>,
    header: &mut Header<'bytes>,
) -> Result<(), DecodeError> {
    loop {
        chunks.reader.take_up_to(4);
        let Ok((name, length)) = chunks.next_header() else { return Ok(()) };
        match name {
            END => return Ok(()),
            FRAME_CONTROL if header.has_more_frames() => return Ok(()),
            IMAGE_DATA => drop(chunks.reader.take(length)?),
            FRAME_DATA => {
                let length = header.begin_frame_data(length, chunks)?;
                chunks.reader.take(length)?;
            }
            _ => header.apply(name, chunks.reader.take(length)?)?,
        }
    }
}
