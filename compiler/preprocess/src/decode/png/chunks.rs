//! The chunks that a PNG file is made of.

use super::super::{DecodeError, bytes::Reader};
use flate2::Crc;

/// The name of a chunk.
pub(super) type Name = [u8; 4];

pub(super) const IMAGE_DATA: Name = *b"IDAT";
pub(super) const END: Name = *b"IEND";
/// Pixels of a frame of an animation.
pub(super) const FRAME_DATA: Name = *b"fdAT";
/// The size and place of a frame of an animation.
pub(super) const FRAME_CONTROL: Name = *b"fcTL";

const SIGNATURE_BYTES: usize = 8;

/// A place in a PNG file, at the beginning of a chunk or inside one.
#[derive(Clone, Debug)]
pub(super) struct Chunks<'bytes> {
    pub(super) reader: Reader<'bytes>,
}

impl<'bytes> Chunks<'bytes> {
    /// Stands at the first chunk.
    pub(super) fn new(bytes: &'bytes [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.take(SIGNATURE_BYTES)?;
        Ok(Chunks { reader })
    }

    /// The name of the next chunk and the length of its data, which are read next.
    pub(super) fn next_header(&mut self) -> Result<(Name, usize), DecodeError> {
        let length = self.reader.u32_be()?;
        let name = *self.reader.take(4)?.first_chunk().ok_or(DecodeError::Truncated)?;
        if !name.iter().all(|byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_') {
            let problem = format!("a chunk is named `{}`", name.escape_ascii());
            return Err(DecodeError::malformed(problem));
        }
        Ok((name, length as usize))
    }

    /// The data of a chunk, whose checksum must be right.
    pub(super) fn checked(
        &mut self,
        name: Name,
        length: usize,
    ) -> Result<&'bytes [u8], DecodeError> {
        let data = self.reader.take(length)?;
        let mut checksum = Crc::new();
        checksum.update(&name);
        checksum.update(data);
        if self.reader.u32_be()? != checksum.sum() {
            let problem = format!("the checksum of its chunk `{}` is wrong", name.escape_ascii());
            return Err(DecodeError::malformed(problem));
        }
        Ok(data)
    }
}
