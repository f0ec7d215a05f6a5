//! What stands before the first scan of a JPEG: how many components it has, and its metadata.
//!
//! libjpeg reads the same segments again. It does not join EXIF blocks, and takes images that Pillow refuses.

use super::super::{
    DecodeError,
    bytes::Reader,
    orientation::{EXIF_PREFIX as EXIF, Metadata},
};

const START_OF_SCAN: u8 = 0xDA;
const APPLICATION_1: u8 = 0xE1;
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What stands before the first scan.
pub(super) struct Header {
    /// Gray 1, color 3, print 4.
    pub(super) components: u8,
    pub(super) metadata: Metadata,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut components = None;
        let mut metadata = Metadata::default();
        loop {
            let marker = next_marker(&mut reader)?;
            if !has_segment(marker) {
                continue;
            }
            let length = reader.u16_be()?.checked_sub(2);
            let segment = reader.take(length.map_or(0, usize::from))?;
            match marker {
                START_OF_SCAN => break,
                APPLICATION_1 => read_metadata(segment, &mut metadata),
                _ if is_frame(marker) => components = Some(frame_components(segment)?),
                _ => {}
            }
        }
        let components =
            components.ok_or_else(|| DecodeError::malformed("a scan comes before its frame"))?;
        Ok(Header { components, metadata })
    }
}

/// The next marker. What stands before it and is none is passed over.
fn next_marker(reader: &mut Reader) -> Result<u8, DecodeError> {
    loop {
        while reader.u8()? != 0xFF {}
        let mut marker = reader.u8()?;
        while marker == 0xFF {
            marker = reader.u8()?;
        }
        match marker {
            0 => {}
            0x01..=0xBF | 0xFF => {
                let problem =
                    format!("its header has a marker {marker:#04x}, which JPEG does not know");
                return Err(DecodeError::malformed(problem));
            }
            _ => return Ok(marker),
        }
    }
}

/// Whether a marker is followed by a length. Those of restarts, of the ends of the image, and of extensions are not.
fn has_segment(marker: u8) -> bool {
    !matches!(marker, 0xC8 | 0xD0..=0xD9 | 0xF0..=0xFD)
}

/// Whether a marker begins a frame, of any coding. libjpeg says which codings it can read.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF | 0xDE) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// The number of components of a frame whose size and precision can be read.
fn frame_components(frame: &[u8]) -> Result<u8, DecodeError> {
    let [precision, _, _, _, _, components] = frame
        .first_chunk()
        .ok_or_else(|| DecodeError::malformed("its frame header is too short"))?;
    if *precision != 8 {
        let problem = format!("it has {precision} bits a level; only 8 are read");
        return Err(DecodeError::malformed(problem));
    }
    if !matches!(components, 1 | 3 | 4) {
        let problem = format!("it has {components} components; only 1, 3 and 4 are read");
        return Err(DecodeError::malformed(problem));
    }
    Ok(*components)
}

/// EXIF in several segments is one block, of which only the first keeps its prefix.
fn read_metadata(segment: &[u8], metadata: &mut Metadata) {
    if let Some(continued) = segment.strip_prefix(EXIF) {
        match &mut metadata.exif {
            Some(block) => block.extend_from_slice(continued),
            None => metadata.exif = Some(segment.to_vec()),
        }
    } else if let Some(packet) = segment.strip_prefix(XMP) {
        metadata.xmp = Some(packet.to_vec());
    }
}
