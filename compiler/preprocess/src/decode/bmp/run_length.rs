//! The run-length code of BMP.

use super::super::{DecodeError, bytes::Reader};
use super::header::RunLengthCode;

/// All indices, a byte each, in the order of the file. Fewer than an image needs are [`DecodeError::Truncated`].
///
/// `start` is where the data begin in the file: they are aligned to its even bytes.
pub(super) fn decode(
    data: &[u8],
    start: usize,
    code: RunLengthCode,
    width: usize,
    height: usize,
) -> Result<Vec<u8>, DecodeError> {
    let needed = width * height;
    let mut reader = Reader::new(data);
    let mut indices = Vec::with_capacity(needed);
    let mut x = 0;
    while indices.len() < needed {
        let (Ok(count), Ok(value)) = (reader.u8(), reader.u8()) else { break };
        match (count, value) {
            (0, 0) => {
                indices.resize(indices.len().next_multiple_of(width), 0);
                x = 0;
            }
            (0, 1) => break,
            (0, 2) => {
                let (Ok(right), Ok(up)) = (reader.u8(), reader.u8()) else { break };
                let skipped = usize::from(right) + usize::from(up) * width;
                indices.resize(needed.min(indices.len() + skipped), 0);
                x = indices.len() % width;
            }
            (0, count) => {
                let wanted = usize::from(count).min(needed - indices.len());
                let bytes = match code {
                    RunLengthCode::Bits4 => wanted.div_ceil(2),
                    RunLengthCode::Bits8 => wanted,
                };
                let taken = reader.take_up_to(bytes);
                match code {
                    RunLengthCode::Bits4 => {
                        let halves = taken.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                        indices.extend(halves.take(wanted));
                    }
                    RunLengthCode::Bits8 => indices.extend_from_slice(taken),
                }
                if taken.len() < bytes {
                    break;
                }
                x += usize::from(count);
                if (start + reader.position()) % 2 == 1 {
                    reader.take_up_to(1);
                }
            }
            (count, value) => {
                let count = usize::from(count).min(width.saturating_sub(x));
                let values = match code {
                    RunLengthCode::Bits4 => [value >> 4, value & 15],
                    RunLengthCode::Bits8 => [value, value],
                };
                indices.extend(values.into_iter().cycle().take(count));
                x += count;
            }
        }
    }
    indices.truncate(needed);
    if indices.len() < needed { Err(DecodeError::Truncated) } else { Ok(indices) }
}
