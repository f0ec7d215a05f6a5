//! The tag `Orientation` of an EXIF block, which is the first directory of a TIFF file.

use super::super::{DecodeError, bytes::Reader};

const ORIENTATION: u16 = 0x0112;
/// What precedes the block in a segment of a JPEG.
pub(in super::super) const PREFIX: &[u8] = b"Exif\0\0";

/// The ways in which a TIFF file begins, and whether its numbers are big-endian.
const BEGINNINGS: [(&[u8; 4], bool); 5] = [
    (b"MM\0\x2a", true),
    (b"II\x2a\0", false),
    (b"MM\x2a\0", true),
    (b"II\0\x2a", false),
    (b"MM\0\x2b", true),
];

/// Reads numbers in the order of bytes that the file begins with.
struct Numbers<'block> {
    reader: Reader<'block>,
    big_endian: bool,
}

/// One entry of a directory: its tag, the type and number of its values, and the four bytes that hold them or say where
/// they lie.
struct Entry<'block> {
    tag: u16,
    kind: u16,
    count: u32,
    field: &'block [u8],
}

/// The value of the tag. `None` where the block has none, or cannot be read as far as that.
pub(super) fn orientation(block: &[u8]) -> Option<f64> {
    let block = without_prefix(block);
    let (_, big_endian) =
        BEGINNINGS.into_iter().find(|(beginning, _)| block.starts_with(*beginning))?;
    let directory = number(block.get(4..8)?, big_endian)?;
    let directory = block.get(usize::try_from(directory).ok()?..)?;
    let mut numbers = Numbers { reader: Reader::new(directory), big_endian };
    // Values outside of the directory are not followed where together they would be longer than the block.
    let mut bytes_outside = 0u64;
    for _ in 0..numbers.u16().ok()? {
        let entry = numbers.entry().ok()?;
        let Some(unit) = unit_bytes(entry.kind) else { continue };
        let length = u64::from(entry.count) * unit;
        let values = if length > 4 {
            bytes_outside = bytes_outside.saturating_add(length);
            if bytes_outside > block.len() as u64 {
                continue;
            }
            let offset = usize::try_from(number(entry.field, big_endian)?).ok()?;
            // Nothing behind an entry whose values lie beyond the end is read.
            block.get(offset..)?.get(..usize::try_from(length).ok()?)?
        } else {
            entry.field.get(..length as usize)?
        };
        if entry.tag == ORIENTATION && !values.is_empty() {
            // Bytes and texts are no numbers: to Pillow such a tag is there, and names no way to turn.
            return Some(first_value(entry.kind, values, big_endian).unwrap_or(f64::NAN));
        }
    }
    None
}

/// The block behind the heading of a text chunk. ImageMagick writes an empty line, the block's name, its length, and then
/// lines of hexadecimal digits.
pub(super) fn from_text(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .split(|byte| *byte == b'\n')
        .skip(3)
        .flatten()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(16 * value(*high)? + value(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// A prefix that belongs to a JPEG's segment is found before the blocks of other formats too, and twice in some.
fn without_prefix(block: &[u8]) -> &[u8] {
    let once = block.strip_prefix(PREFIX).unwrap_or(block);
    once.strip_prefix(PREFIX).unwrap_or(once)
}

/// The bytes of one value of a type; `None` for a type that is not known.
fn unit_bytes(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 => 8,
        _ => return None,
    })
}

/// The first of an entry's values; `None` for one that is no number.
fn first_value(kind: u16, values: &[u8], big_endian: bool) -> Option<f64> {
    let at = |range: std::ops::Range<usize>| number(values.get(range)?, big_endian);
    Some(match kind {
        3 => at(0..2)? as f64,
        4 | 13 => at(0..4)? as f64,
        5 => at(0..4)? as f64 / at(4..8)? as f64,
        6 => f64::from(at(0..1)? as u8 as i8),
        8 => f64::from(at(0..2)? as u16 as i16),
        9 => f64::from(at(0..4)? as u32 as i32),
        10 => f64::from(at(0..4)? as u32 as i32) / f64::from(at(4..8)? as u32 as i32),
        11 => f64::from(f32::from_bits(at(0..4)? as u32)),
        12 => f64::from_bits(at(0..8)?),
        16 => at(0..8)? as f64,
        _ => return None,
    })
}

/// The number that at most eight bytes write.
fn number(bytes: &[u8], big_endian: bool) -> Option<u64> {
    let mut all = [0; 8];
    let place = all.get_mut(..bytes.len())?;
    place.copy_from_slice(bytes);
    if big_endian {
        place.reverse();
    }
    Some(u64::from_le_bytes(all))
}

impl<'block> Numbers<'block> {
    fn u16(&mut self) -> Result<u16, DecodeError> {
        if self.big_endian { self.reader.u16_be() } else { self.reader.u16_le() }
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        if self.big_endian { self.reader.u32_be() } else { self.reader.u32_le() }
    }

    fn entry(&mut self) -> Result<Entry<'block>, DecodeError> {
        let (tag, kind, count) = (self.u16()?, self.u16()?, self.u32()?);
        Ok(Entry { tag, kind, count, field: self.reader.take(4)? })
    }
}
