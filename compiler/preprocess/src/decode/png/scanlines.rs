//! From the compressed data of a PNG to its pixels.

use super::super::DecodeError;
use super::ImageData;
use super::colors::PixelFormat;
use super::header::Frame;
use flate2::{Decompress, FlushDecompress, Status};
use image::RgbImage;

/// One pass over an image: at which column and row it begins, and how many it leaves out.
#[derive(Clone, Copy, Debug)]
struct Pass {
    column: u32,
    row: u32,
    column_step: u32,
    row_step: u32,
}

const fn pass(column: u32, row: u32, column_step: u32, row_step: u32) -> Pass {
    Pass { column, row, column_step, row_step }
}

const WHOLE: [Pass; 1] = [pass(0, 0, 1, 1)];

/// Adam M. Costello's order of pixels.
const INTERLACED: [Pass; 7] = [
    pass(0, 0, 8, 8),
    pass(4, 0, 8, 8),
    pass(0, 4, 4, 8),
    pass(2, 0, 4, 4),
    pass(0, 2, 2, 4),
    pass(1, 0, 2, 2),
    pass(0, 1, 1, 2),
];

/// The scanlines of an image, still compressed.
pub(super) struct Scanlines<'data> {
    data: &'data ImageData<'data>,
    /// Which chunk is being read.
    chunk: usize,
    /// How much of it was read.
    position: usize,
    inflater: Decompress,
    frame: Frame,
    interlaced: bool,
}

/// What came of reading a scanline.
#[derive(PartialEq, Eq)]
enum Read {
    Scanline,
    /// The compressed data end with this scanline, and say so.
    LastScanline,
}

impl<'data> Scanlines<'data> {
    pub(super) fn new(data: &'data ImageData<'data>, frame: Frame, interlaced: bool) -> Self {
        Scanlines {
            data,
            chunk: 0,
            position: 0,
            inflater: Decompress::new(true),
            frame,
            interlaced,
        }
    }

    /// Writes all pixels.
    ///
    /// Compressed data that end too early with the right checksum at the end of a scanline are taken, as Pillow does;
    /// the rest stays black.
    pub(super) fn decode(
        mut self,
        format: &PixelFormat,
        levels: &mut RgbImage,
    ) -> Result<(), DecodeError> {
        // Pillow puts interlaced frames in the upper left corner.
        let (frame, passes) = if self.interlaced {
            (Frame { x: 0, y: 0, ..self.frame }, &INTERLACED[..])
        } else {
            (self.frame, &WHOLE[..])
        };
        let stride = levels.width() as usize;
        let pixels = levels.as_chunks_mut::<3>().0;
        let bytes_back = format.bits().div_ceil(8);
        for pass in passes {
            let columns =
                frame.width.saturating_sub(pass.column).div_ceil(pass.column_step) as usize;
            if columns == 0 {
                continue;
            }
            let bytes = (columns * format.bits()).div_ceil(8);
            // A scanline begins with the number of its filter.
            let (mut scanline, mut above) = (vec![0; bytes + 1], vec![0; bytes + 1]);
            for y in (pass.row..frame.height).step_by(pass.row_step as usize) {
                let read = self.read(&mut scanline)?;
                undo_filter(&mut scanline, &above, bytes_back)?;
                let start = (frame.y + y) as usize * stride + frame.x as usize;
                let row = pixels.get_mut(start..).unwrap_or_default().iter_mut();
                let row = row.take(frame.width as usize).skip(pass.column as usize);
                format.expand(&scanline[1..], row.step_by(pass.column_step as usize).take(columns));
                if read == Read::LastScanline {
                    return Ok(());
                }
                std::mem::swap(&mut scanline, &mut above);
            }
        }
        self.end()
    }

    /// Fills a scanline.
    fn read(&mut self, scanline: &mut [u8]) -> Result<Read, DecodeError> {
        let mut filled = 0;
        loop {
            let input = self.input();
            if input.is_empty() {
                self.chunk += 1;
                self.position = 0;
                if self.chunk >= self.data.chunks.len() {
                    return Err(DecodeError::Truncated);
                }
                continue;
            }
            let (status, written) = self.inflate(input, &mut scanline[filled..])?;
            filled += written;
            match (filled == scanline.len(), status) {
                (true, Status::StreamEnd) => return Ok(Read::LastScanline),
                (true, _) => return Ok(Read::Scanline),
                (false, Status::StreamEnd) => return Err(DecodeError::Truncated),
                (false, _) => {}
            }
        }
    }

    /// What is left of the chunk.
    fn input(&self) -> &'data [u8] {
        let chunk = self.data.chunks.get(self.chunk).copied().unwrap_or_default();
        chunk.get(self.position..).unwrap_or_default()
    }

    /// Inflates some of that, and says how many bytes came of it.
    fn inflate(&mut self, input: &[u8], into: &mut [u8]) -> Result<(Status, usize), DecodeError> {
        let damaged = || DecodeError::malformed("its compressed pixels are damaged");
        let before = (self.inflater.total_in(), self.inflater.total_out());
        let status =
            self.inflater.decompress(input, into, FlushDecompress::None).map_err(|_| damaged())?;
        let read = (self.inflater.total_in() - before.0) as usize;
        let written = (self.inflater.total_out() - before.1) as usize;
        if read == 0 && written == 0 && status != Status::StreamEnd {
            return Err(damaged());
        }
        self.position += read;
        Ok((status, written))
    }

    /// Checks what is left when all pixels are there.
    fn end(self) -> Result<(), DecodeError> {
        // Pixels that are not needed are read like any other chunk, which has to be whole.
        let last_was_needed = self.chunk + 1 == self.data.chunks.len();
        if self.data.last_is_cut && !last_was_needed { Err(DecodeError::Truncated) } else { Ok(()) }
    }
}

/// Restores a scanline from its differences to bytes before it and above it. Both begin with the number of their filter.
fn undo_filter(scanline: &mut [u8], above: &[u8], bytes_back: usize) -> Result<(), DecodeError> {
    let (Some((filter, line)), Some((_, above))) =
        (scanline.split_first_mut(), above.split_first())
    else {
        return Ok(());
    };
    let left = |line: &[u8], at: usize| at.checked_sub(bytes_back).map_or(0, |at| line[at]);
    match *filter {
        0 => {}
        1 => {
            for at in bytes_back..line.len() {
                line[at] = line[at].wrapping_add(line[at - bytes_back]);
            }
        }
        2 => line.iter_mut().zip(above).for_each(|(byte, up)| *byte = byte.wrapping_add(*up)),
        3 => {
            for at in 0..line.len() {
                let mean = (u16::from(left(line, at)) + u16::from(above[at])) / 2;
                line[at] = line[at].wrapping_add(mean as u8);
            }
        }
        4 => {
            for at in 0..line.len() {
                let nearest = paeth(left(line, at), above[at], left(above, at));
                line[at] = line[at].wrapping_add(nearest);
            }
        }
        unknown => {
            return Err(DecodeError::malformed(format!(
                "its pixels have an unknown filter {unknown}"
            )));
        }
    }
    Ok(())
}

/// Alan W. Paeth's choice of the neighbor that is nearest to what the three promise.
fn paeth(left: u8, up: u8, up_left: u8) -> u8 {
    let [a, b, c] = [left, up, up_left].map(i16::from);
    let (to_left, to_up, to_up_left) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_left <= to_up && to_left <= to_up_left {
        left
    } else if to_up <= to_up_left {
        up
    } else {
        up_left
    }
}
