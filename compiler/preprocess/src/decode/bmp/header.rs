//! What stands before the pixels of a BMP.

use super::super::{DecodeError, bytes::Reader};

const FILE_HEADER_BYTES: usize = 14;

/// The header of OS/2, which has short numbers and a palette without padding.
const CORE_HEADER_BYTES: u32 = 12;

/// The lengths of the headers that have a width and a height of four bytes.
const INFO_HEADER_BYTES: [u32; 6] = [40, 52, 56, 64, 108, 124];

const UNCOMPRESSED: u32 = 0;
const RUN_LENGTH_8: u32 = 1;
const RUN_LENGTH_4: u32 = 2;
const MASKED: u32 = 3;

/// How many bits the indices of a run-length code have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunLengthCode {
    Bits4,
    Bits8,
}

/// What stands before the pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) top_down: bool,
    /// Bits a pixel.
    pub(super) bits: u16,
    compression: u32,
    /// The bits of red, green, blue and alpha, where the header names them.
    pub(super) masks: Option<[u32; 4]>,
    /// How many colors the palette is said to have.
    pub(super) color_count: u32,
    /// Bytes a color of the palette.
    pub(super) color_bytes: usize,
    /// The palette, as far as the file has it.
    pub(super) palette: Vec<u8>,
    /// Where the pixels begin.
    pub(super) pixels_at: usize,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.take(FILE_HEADER_BYTES - 4)?;
        let pixels_at = reader.u32_le()?;
        let header_bytes = reader.u32_le()?;
        let mut header = match header_bytes {
            CORE_HEADER_BYTES => Header::read_core(&mut reader)?,
            bytes if INFO_HEADER_BYTES.contains(&bytes) => Header::read_info(&mut reader, bytes)?,
            other => {
                let problem = format!("its header has {other} bytes, which is none that BMP knows");
                return Err(DecodeError::malformed(problem));
            }
        };
        if header.color_count == 0 {
            header.color_count = 1u32.checked_shl(u32::from(header.bits)).unwrap_or(u32::MAX);
        }
        header.check_compression()?;
        header.read_palette(&mut reader)?;
        header.pixels_at = header.pixels_start(pixels_at, header_bytes, reader.position());
        Ok(header)
    }

    fn read_core(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (width, height) = (reader.u16_le()?, reader.u16_le()?);
        let _planes = reader.u16_le()?;
        let bits = reader.u16_le()?;
        let (width, height) = (u32::from(width), u32::from(height));
        Ok(Header { width, height, bits, color_bytes: 3, ..Header::default() })
    }

    fn read_info(reader: &mut Reader, header_bytes: u32) -> Result<Self, DecodeError> {
        let mut info = Reader::new(reader.take(header_bytes as usize - 4)?);
        let (width, height) = (info.u32_le()?, info.u32_le()?);
        let _planes = info.u16_le()?;
        let bits = info.u16_le()?;
        let compression = info.u32_le()?;
        let _size_and_resolution = info.take(12)?;
        let color_count = info.u32_le()?;
        let _important_colors = info.u32_le()?;
        let masks = if compression == MASKED {
            // The shortest header leaves no room for masks, which then follow it.
            let masks = if header_bytes < 52 { reader } else { &mut info };
            let [red, green, blue] = [masks.u32_le()?, masks.u32_le()?, masks.u32_le()?];
            let alpha = if header_bytes < 56 { 0 } else { masks.u32_le()? };
            Some([red, green, blue, alpha])
        } else {
            None
        };
        // A negative height says that the first row is the upper one.
        let top_down = height >> 24 == 0xFF;
        let height = if top_down { height.wrapping_neg() } else { height };
        let color_bytes = 4;
        Ok(Header {
            width,
            height,
            top_down,
            bits,
            compression,
            masks,
            color_count,
            color_bytes,
            ..Header::default()
        })
    }

    fn check_compression(&self) -> Result<(), DecodeError> {
        if !matches!(self.bits, 1 | 4 | 8 | 16 | 24 | 32) {
            let problem =
                format!("it has {} bits a pixel; 1, 4, 8, 16, 24 and 32 are read", self.bits);
            return Err(DecodeError::malformed(problem));
        }
        if !matches!(self.compression, UNCOMPRESSED | RUN_LENGTH_8 | RUN_LENGTH_4 | MASKED) {
            let problem = format!("its compression {} is not read", self.compression);
            return Err(DecodeError::malformed(problem));
        }
        Ok(())
    }

    /// Whether pixels are indices.
    pub(super) fn has_palette(&self) -> bool {
        self.bits <= 8
    }

    fn read_palette(&mut self, reader: &mut Reader) -> Result<(), DecodeError> {
        if !self.has_palette() {
            return Ok(());
        }
        if self.color_count > 65_536 {
            let problem = format!("its palette has {} colors, more than 65536", self.color_count);
            return Err(DecodeError::malformed(problem));
        }
        self.palette = reader.take_up_to(self.color_bytes * self.color_count as usize).to_vec();
        Ok(())
    }

    /// Where the pixels begin. A header that leaves out its palette is corrected; one that says nothing means that they
    /// follow.
    fn pixels_start(&self, said: u32, header_bytes: u32, position: usize) -> usize {
        if said == 0 {
            return position;
        }
        let said = said as usize;
        if said == FILE_HEADER_BYTES + header_bytes as usize && self.has_palette() {
            return said + self.color_bytes * self.color_count as usize;
        }
        said
    }

    /// How the indices are compressed, where they are.
    pub(super) fn run_length_code(&self) -> Option<RunLengthCode> {
        match self.compression {
            RUN_LENGTH_4 => Some(RunLengthCode::Bits4),
            RUN_LENGTH_8 => Some(RunLengthCode::Bits8),
            _ => None,
        }
    }
}
