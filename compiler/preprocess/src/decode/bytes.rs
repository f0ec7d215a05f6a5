//! Reading a file's structures from its bytes.

use super::DecodeError;

/// A place in a file's bytes. To read beyond their end is [`DecodeError::Truncated`].
#[derive(Clone, Debug)]
pub(super) struct Reader<'bytes> {
    bytes: &'bytes [u8],
    position: usize,
}

impl<'bytes> Reader<'bytes> {
    pub(super) fn new(bytes: &'bytes [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes that were not read.
    pub(super) fn rest(&self) -> &'bytes [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next bytes, all of them.
    pub(super) fn take(&mut self, count: usize) -> Result<&'bytes [u8], DecodeError> {
        let taken = self.rest().get(..count).ok_or(DecodeError::Truncated)?;
        self.position += count;
        Ok(taken)
    }

    /// The next bytes, or those that there are.
    pub(super) fn take_up_to(&mut self, count: usize) -> &'bytes [u8] {
        let rest = self.rest();
        let taken = &rest[..count.min(rest.len())];
        self.position += taken.len();
        taken
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let array = *self.rest().first_chunk().ok_or(DecodeError::Truncated)?;
        self.position += N;
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16_be(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u16_le(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32_be(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }
}
