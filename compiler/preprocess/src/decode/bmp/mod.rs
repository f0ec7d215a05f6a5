//! BMP, as far as Pillow reads it.

mod colors;
mod header;
mod run_length;

use super::{DecodeError, Decoded, new_levels, orientation::Metadata};
use colors::PixelFormat;
use header::Header;

/// The image in a BMP file.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let header = Header::read(bytes)?;
    let mut levels = new_levels(header.width, header.height)?;
    let format = PixelFormat::new(&header)?;
    let data = bytes.get(header.pixels_at..).unwrap_or_default();
    let width = header.width as usize;
    if let Some(code) = header.run_length_code() {
        let indices =
            run_length::decode(data, header.pixels_at, code, width, header.height as usize)?;
        write_rows(&mut levels, &header, &format.of_indices()?, indices.chunks_exact(width))?;
    } else {
        // Rows are padded to four bytes, but the last may end with its pixels.
        let row_bytes = (width * format.bits()).div_ceil(8);
        let stride = (width * usize::from(header.bits)).div_ceil(32) * 4;
        if stride < row_bytes {
            let problem = format!("its palette is not one of {} bits", header.bits);
            return Err(DecodeError::malformed(problem));
        }
        let rows = data.chunks(stride).map_while(|row| row.get(..row_bytes));
        write_rows(&mut levels, &header, &format, rows)?;
    }
    Ok(Decoded { levels, metadata: Metadata::default() })
}

/// Writes the rows of an image, which are stored from the bottom up where the header does not say otherwise.
fn write_rows<'row>(
    levels: &mut image::RgbImage,
    header: &Header,
    format: &PixelFormat,
    mut rows: impl Iterator<Item = &'row [u8]>,
) -> Result<(), DecodeError> {
    let pixels = levels.as_chunks_mut::<3>().0;
    for y in 0..header.height as usize {
        let row = rows.next().ok_or(DecodeError::Truncated)?;
        let y = if header.top_down { y } else { header.height as usize - 1 - y };
        let width = header.width as usize;
        format.expand(row, pixels[y * width..].iter_mut().take(width));
    }
    Ok(())
}
