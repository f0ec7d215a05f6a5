//! A safe way to call libjpeg.
//!
//! It reads bytes in memory. Where they end, libjpeg is told to wait for more, as Pillow does: what it could not decode
//! until then is missing. The usual way, to pretend that the image ended there, makes up the missing part.
//!
//! libjpeg reports an error by a function that must not return. Ours unwinds, through C code that is compiled to let it
//! pass, up to [`guarded`].

use super::super::{DecodeError, MAX_PIXELS};
use mozjpeg_sys::{
    J_COLOR_SPACE, boolean, jpeg_common_struct, jpeg_create_decompress, jpeg_decompress_struct,
    jpeg_destroy_decompress, jpeg_error_mgr, jpeg_finish_decompress, jpeg_progress_mgr,
    jpeg_read_header, jpeg_read_scanlines, jpeg_resync_to_restart, jpeg_source_mgr,
    jpeg_start_decompress, jpeg_std_error,
};
use std::marker::PhantomData;
use std::mem::{MaybeUninit, transmute};
use std::os::raw::{c_int, c_long};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

/// The most rows that are asked for at once. libjpeg gives at most as many as lie in a row of its blocks.
pub(super) const MAX_ROWS_AT_ONCE: usize = 16;

/// The most memory that libjpeg may use for an image, in bytes. The coefficients of a progressive image take two bytes
/// for each sample of at most four components.
const MAX_MEMORY: c_long = 16 * MAX_PIXELS as c_long;

/// The most pixels that all scans of one image may go over. A scan of a few bytes can make libjpeg pass over the whole
/// image, so that a small file could keep it busy for hours. Real images have some ten scans.
const MAX_SCANNED_PIXELS: u64 = 64 * MAX_PIXELS;

/// The bytes that libjpeg's messages may take, `JMSG_LENGTH_MAX`.
const MAX_MESSAGE_BYTES: usize = 200;

/// What a decoded row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colors {
    /// Three bytes a pixel.
    Rgb,
    /// Four bytes a pixel.
    Cmyk,
}

impl Colors {
    /// Bytes a pixel.
    pub(super) fn channels(self) -> usize {
        match self {
            Colors::Rgb => 3,
            Colors::Cmyk => 4,
        }
    }
}

/// An image of which libjpeg has read the header.
pub(super) struct Decompressor<'bytes> {
    state: *mut State,
    bytes: PhantomData<&'bytes [u8]>,
}

/// libjpeg's structures. They point to each other, so they are reached by a pointer only and never move.
struct State {
    image: jpeg_decompress_struct,
    errors: jpeg_error_mgr,
    source: jpeg_source_mgr,
    progress: jpeg_progress_mgr,
}

impl<'bytes> Decompressor<'bytes> {
    /// Reads up to the first scan.
    pub(super) fn new(bytes: &'bytes [u8]) -> Result<Self, DecodeError> {
        // SAFETY: for C structures zero bytes are a value: null pointers, no functions, the first of each enumeration.
        let state = Box::new(unsafe { MaybeUninit::<State>::zeroed().assume_init() });
        let mut decompressor = Decompressor { state: Box::into_raw(state), bytes: PhantomData };
        decompressor.connect(bytes)?;
        decompressor.read_header()?;
        Ok(decompressor)
    }

    /// Makes the structures point to each other and to the bytes.
    fn connect(&mut self, bytes: &'bytes [u8]) -> Result<(), DecodeError> {
        // SAFETY: the pointer is to a structure that only this value knows, and nothing else borrows.
        let State { image, errors, source, progress } = unsafe { &mut *self.state };
        // SAFETY: this fills in a zeroed structure.
        unsafe { jpeg_std_error(errors) };
        errors.error_exit = Some(unwind);
        errors.emit_message = Some(ignore_warning);
        *source = jpeg_source_mgr {
            next_input_byte: bytes.as_ptr(),
            bytes_in_buffer: bytes.len(),
            init_source: Some(nothing_to_do),
            fill_input_buffer: Some(wait_for_more),
            skip_input_data: Some(skip),
            resync_to_restart: Some(jpeg_resync_to_restart),
            term_source: Some(nothing_to_do),
        };
        progress.progress_monitor = Some(bound_scans);

        // SAFETY: as above. These pointers live as long as the structures do.
        image.common.err = unsafe { &raw mut (*self.state).errors };
        // SAFETY: the structure is zeroed but for its error functions, as this function asks.
        guarded(|| unsafe { jpeg_create_decompress(image) })?;
        // SAFETY: as above.
        (image.src, image.common.progress) =
            unsafe { (&raw mut (*self.state).source, &raw mut (*self.state).progress) };
        // SAFETY: libjpeg has made its memory manager.
        unsafe { (*image.common.mem).max_memory_to_use = MAX_MEMORY };
        Ok(())
    }

    fn image(&mut self) -> &mut jpeg_decompress_struct {
        // SAFETY: the pointer is to a structure that only this value knows, and this borrows the value.
        unsafe { &mut (*self.state).image }
    }

    fn read_header(&mut self) -> Result<(), DecodeError> {
        const SUSPENDED: c_int = 0;
        const HEADER_OK: c_int = 1;
        loop {
            // SAFETY: the structure was created, and has a source.
            match guarded(|| unsafe { jpeg_read_header(self.image(), 0) })? {
                HEADER_OK => return Ok(()),
                SUSPENDED => return Err(DecodeError::Truncated),
                // Tables without an image. One may follow.
                _ => {}
            }
        }
    }

    /// Width and height in pixels.
    pub(super) fn dimensions(&mut self) -> (u32, u32) {
        let image = self.image();
        (image.image_width, image.image_height)
    }

    /// Starts to decode. All scans of an image that has many are read here.
    pub(super) fn start(&mut self, colors: Colors) -> Result<(), DecodeError> {
        let image = self.image();
        image.out_color_space = match colors {
            Colors::Rgb => J_COLOR_SPACE::JCS_RGB,
            Colors::Cmyk => J_COLOR_SPACE::JCS_CMYK,
        };
        // SAFETY: the header was read.
        if guarded(|| unsafe { jpeg_start_decompress(image) })? == 0 {
            return Err(DecodeError::Truncated);
        }
        Ok(())
    }

    /// Decodes as many of the next rows as libjpeg gives at once and `into` can hold, and says how many that were.
    pub(super) fn read_rows(&mut self, into: &mut [u8]) -> Result<usize, DecodeError> {
        let image = self.image();
        let row_bytes = image.output_width as usize * image.output_components as usize;
        let mut rows = [ptr::null_mut(); MAX_ROWS_AT_ONCE];
        let mut count = 0;
        for (row, bytes) in rows.iter_mut().zip(into.chunks_exact_mut(row_bytes.max(1))) {
            *row = bytes.as_mut_ptr();
            count += 1;
        }
        // SAFETY: that many pointers are to rows of their own, each as long as libjpeg writes. It checks itself that
        // decompression has started.
        let read = guarded(|| unsafe { jpeg_read_scanlines(image, rows.as_mut_ptr(), count) })?;
        if read == 0 { Err(DecodeError::Truncated) } else { Ok(read as usize) }
    }

    /// Reads what follows the last row. It may be missing, but must not be wrong.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        // SAFETY: decompression has started, and all rows were read; otherwise libjpeg reports an error.
        guarded(|| unsafe { jpeg_finish_decompress(self.image()) })?;
        Ok(())
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        // SAFETY: libjpeg knows a structure that it did not come to create by its null pointers.
        unsafe { jpeg_destroy_decompress(self.image()) };
        // SAFETY: it came from a box, and libjpeg has forgotten it.
        drop(unsafe { Box::from_raw(self.state) });
    }
}

/// Calls libjpeg and catches the errors that it reports.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|thrown| match thrown.downcast::<DecodeError>() {
        Ok(error) => *error,
        Err(other) => resume_unwind(other),
    })
}

extern "C-unwind" fn unwind(image: &mut jpeg_common_struct) {
    // The binding's type for this function has too short a buffer, and one that is not to be written to.
    type Declared = unsafe extern "C-unwind" fn(&mut jpeg_common_struct, &[u8; 80]);
    type FormatMessage = unsafe extern "C-unwind" fn(*mut jpeg_common_struct, *mut u8);
    let mut text = [0; MAX_MESSAGE_BYTES];
    // SAFETY: libjpeg calls this with the structure that it was given, whose error functions are set.
    if let Some(format) = unsafe { (*image.err).format_message } {
        // SAFETY: this is the function's type in `jpeglib.h`, and it writes no more than the buffer holds.
        unsafe { transmute::<Declared, FormatMessage>(format)(image, text.as_mut_ptr()) };
    }
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let text = String::from_utf8_lossy(&text[..end]);
    resume_unwind(Box::new(DecodeError::malformed(format!("libjpeg says: {text}"))));
}

/// Pillow does not look at warnings either. They are about entropy-coded data.
extern "C-unwind" fn ignore_warning(_: &mut jpeg_common_struct, _: c_int) {}

extern "C-unwind" fn nothing_to_do(_: &mut jpeg_decompress_struct) {}

extern "C-unwind" fn wait_for_more(_: &mut jpeg_decompress_struct) -> boolean {
    0
}

extern "C-unwind" fn skip(image: &mut jpeg_decompress_struct, count: c_long) {
    // SAFETY: the source is set, and lives as long as the structure.
    let source = unsafe { &mut *image.src };
    let count = usize::try_from(count).unwrap_or(0).min(source.bytes_in_buffer);
    // SAFETY: as many bytes lie ahead.
    source.next_input_byte = unsafe { source.next_input_byte.add(count) };
    source.bytes_in_buffer -= count;
}

extern "C-unwind" fn bound_scans(common: &mut jpeg_common_struct) {
    // SAFETY: this is called for a decompressor, whose structure begins with the common one.
    let image = unsafe { &*ptr::from_mut(common).cast::<jpeg_decompress_struct>() };
    let scans = image.input_scan_number;
    if has_too_many_scans(image.image_width, image.image_height, scans) {
        let problem = format!("it has {scans} scans or more, too many for an image of its size");
        resume_unwind(Box::new(DecodeError::Malformed(problem)));
    }
}

fn has_too_many_scans(width: u32, height: u32, scans: c_int) -> bool {
    let pixels = u64::from(width) * u64::from(height);
    pixels.saturating_mul(scans.unsigned_abs().into()) > MAX_SCANNED_PIXELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_bounded_by_the_pixels_that_they_go_over() {
        assert!(!has_too_many_scans(16_000, 11_000, 20));
        assert!(has_too_many_scans(16_000, 11_000, 100));
        assert!(!has_too_many_scans(640, 480, 10_000));
    }

    #[test]
    fn what_libjpeg_says_is_in_the_error() {
        let text = [&[0xFF, 0xD8, 0xFF, 0xDB, 0, 3][..], &[9; 70]].concat();
        let error = Decompressor::new(&text).err().unwrap();
        assert!(error.to_string().starts_with("libjpeg says: "), "{error}");
    }

    #[test]
    fn bytes_that_end_are_waited_for() {
        for bytes in [&[][..], &[0xFF, 0xD8], &[0xFF, 0xD8, 0xFF, 0xE0, 0, 90, 1, 2]] {
            assert_eq!(Decompressor::new(bytes).err(), Some(DecodeError::Truncated));
        }
    }
}
