//! The metadata in a PNG's chunks of text, and beside them.

use super::super::{
    DecodeError,
    orientation::{EXIF_PREFIX, Metadata},
};
use super::chunks::Name;
use flate2::{Decompress, FlushDecompress};

/// The most bytes that one compressed text may expand to.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The most bytes that all texts together may have.
const MAX_BYTES_OF_ALL_TEXTS: usize = 64 * MAX_TEXT_BYTES;

/// What the chunks of text said so far.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) metadata: Metadata,
    bytes: usize,
}

impl Texts {
    /// Takes over what a chunk says; a later one replaces an earlier one.
    pub(super) fn apply(&mut self, name: Name, data: &[u8]) -> Result<(), DecodeError> {
        match &name {
            b"eXIf" => self.metadata.exif = Some([EXIF_PREFIX, data].concat()),
            b"iCCP" => check_profile(data)?,
            b"tEXt" => {
                let (key, text) = split(data).unwrap_or((data, &[]));
                if key == b"exif" {
                    self.metadata.exif = Some(text.to_vec());
                }
                self.keep(key, text)?;
            }
            b"zTXt" => {
                let (key, text) = split(data).unwrap_or((data, &[]));
                let (method, compressed) = text.split_first().unwrap_or((&0, &[]));
                if *method != 0 {
                    let problem = format!("a text is compressed by the unknown method {method}");
                    return Err(DecodeError::malformed(problem));
                }
                self.keep(key, &inflate(compressed)?.unwrap_or_default())?;
            }
            b"iTXt" => self.apply_international(data)?,
            _ => {}
        }
        Ok(())
    }

    /// A text in UTF-8, in some language. What breaks the rules here is passed over.
    fn apply_international(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        let Some((key, [compressed, method, rest @ ..])) = split(data) else { return Ok(()) };
        let Some((language, rest)) = split(rest) else { return Ok(()) };
        let Some((translated_key, text)) = split(rest) else { return Ok(()) };
        let text = match (compressed, method) {
            (0, _) => text.to_vec(),
            (_, 0) => match inflate(text)? {
                Some(text) => text,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        if key == b"XML:com.adobe.xmp" {
            self.metadata.xmp = Some(text.clone());
        }
        if [language, translated_key, &text].into_iter().all(|text| str::from_utf8(text).is_ok()) {
            self.keep(key, &text)?;
        }
        Ok(())
    }

    /// Keeps the texts that matter, and counts all.
    fn keep(&mut self, key: &[u8], text: &[u8]) -> Result<(), DecodeError> {
        if key.is_empty() {
            return Ok(());
        }
        match key {
            b"Raw profile type exif" => self.metadata.exif_in_text = Some(text.to_vec()),
            b"XML:com.adobe.xmp" => self.metadata.xmp_in_text = Some(text.to_vec()),
            _ => {}
        }
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_BYTES_OF_ALL_TEXTS {
            let problem = format!("its texts have more than {MAX_BYTES_OF_ALL_TEXTS} bytes");
            return Err(DecodeError::malformed(problem));
        }
        Ok(())
    }
}

/// What stands before the first zero byte, and what stands behind it.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

/// A color profile is not used, but one that cannot be read makes Pillow refuse the image.
fn check_profile(data: &[u8]) -> Result<(), DecodeError> {
    match split(data) {
        Some((_, [0, compressed @ ..])) => inflate(compressed).map(drop),
        _ => Err(DecodeError::malformed("its color profile is compressed by an unknown method")),
    }
}

/// What compressed data say, as far as they go; `None` where they are damaged.
fn inflate(compressed: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut text = Vec::with_capacity(compressed.len().saturating_mul(4).clamp(64, MAX_TEXT_BYTES));
    let mut inflater = Decompress::new(true);
    loop {
        let rest = &compressed[inflater.total_in() as usize..];
        let before = (inflater.total_in(), inflater.total_out());
        let Ok(status) = inflater.decompress_vec(rest, &mut text, FlushDecompress::None) else {
            return Ok(None);
        };
        let progressed = before != (inflater.total_in(), inflater.total_out());
        let is_full = text.len() == text.capacity();
        if status == flate2::Status::StreamEnd || !progressed && !is_full {
            return Ok(Some(text));
        }
        if text.len() >= MAX_TEXT_BYTES {
            if (inflater.total_in() as usize) < compressed.len() {
                let problem = format!("a text has more than {MAX_TEXT_BYTES} bytes");
                return Err(DecodeError::malformed(problem));
            }
            return Ok(Some(text));
        }
        if is_full {
            text.reserve(text.len().min(MAX_TEXT_BYTES - text.len()));
        }
    }
}
