//! What the chunks beside the pixels say.

use super::super::DecodeError;
use super::chunks::{Chunks, END, FRAME_DATA, IMAGE_DATA, Name};
use super::text::Texts;

/// The chunks that must have at least some bytes.
const MIN_BYTES: [(Name, usize); 7] = [
    (*b"IHDR", 13),
    (*b"gAMA", 4),
    (*b"cHRM", 32),
    (*b"sRGB", 1),
    (*b"pHYs", 9),
    (*b"acTL", 8),
    (*b"fcTL", 26),
];

/// The numbers of colors as the standard has them.
pub(super) const GRAY: u8 = 0;
pub(super) const RGB: u8 = 2;
pub(super) const INDEXED: u8 = 3;
pub(super) const GRAY_ALPHA: u8 = 4;
pub(super) const RGBA: u8 = 6;

/// What the chunks beside the pixels say.
#[derive(Debug, Default)]
pub(super) struct Header<'bytes> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bit_depth: u8,
    pub(super) color_type: u8,
    pub(super) interlaced: bool,
    pub(super) palette: &'bytes [u8],
    pub(super) texts: Texts,
    animation: Animation,
}

/// Which part of the image a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What is known of an animation.
#[derive(Debug, Default)]
struct Animation {
    /// How many frames there are beside a default image; `None` for a still image.
    frames: Option<u32>,
    /// The number of the last chunk that belongs to the animation.
    sequence: Option<u32>,
    /// The part of the image that the frame being read is.
    frame: Option<Frame>,
}

impl<'bytes> Header<'bytes> {
    /// Reads up to the first chunk of pixels, and gives its length.
    pub(super) fn read(&mut self, chunks: &mut Chunks<'bytes>) -> Result<usize, DecodeError> {
        loop {
            let (name, length) = chunks.next_header()?;
            match name {
                IMAGE_DATA => return Ok(length),
                FRAME_DATA => return self.begin_frame_data(length, chunks),
                END => return Err(DecodeError::malformed("it has no chunk of pixels")),
                _ => {
                    let data = chunks.checked(name, length)?;
                    self.apply(name, data)?;
                }
            }
        }
    }

    /// Takes over what a chunk that holds no pixels says.
    pub(super) fn apply(&mut self, name: Name, data: &'bytes [u8]) -> Result<(), DecodeError> {
        let is_short = MIN_BYTES.iter().any(|(short, min)| *short == name && data.len() < *min);
        if is_short || name == *b"tRNS" && data.len() < self.transparency_bytes() {
            let problem = format!("its chunk `{}` is too short", name.escape_ascii());
            return Err(DecodeError::malformed(problem));
        }
        match &name {
            b"IHDR" => self.apply_image_header(data)?,
            b"PLTE" => self.palette = data,
            b"acTL" => self.animation.begin(data),
            b"fcTL" => {
                self.animation.next_in_sequence(number(data, 0))?;
                self.animation.frame = Some(self.frame_in(data)?);
            }
            _ => self.texts.apply(name, data)?,
        }
        Ok(())
    }

    fn apply_image_header(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        (self.width, self.height) = (number(data, 0), number(data, 4));
        if let [_, _, _, _, _, _, _, _, depth, color_type, _, filter, interlacing, ..] = *data {
            if filter != 0 {
                return Err(DecodeError::malformed(format!(
                    "its filter method {filter} is unknown"
                )));
            }
            (self.bit_depth, self.color_type) = (depth, color_type);
            self.interlaced = interlacing != 0;
        }
        Ok(())
    }

    /// How many bytes a transparent color takes.
    fn transparency_bytes(&self) -> usize {
        match self.color_type {
            GRAY => 2,
            RGB => 6,
            _ => 0,
        }
    }

    /// The part of the image that a frame control names.
    fn frame_in(&self, data: &[u8]) -> Result<Frame, DecodeError> {
        let [width, height, x, y] = [4, 8, 12, 16].map(|at| number(data, at));
        let fits = |start: u32, length: u32, all: u32| {
            start.checked_add(length).is_some_and(|end| end <= all)
        };
        if !fits(x, width, self.width) || !fits(y, height, self.height) {
            return Err(DecodeError::malformed(
                "a frame of its animation is larger than the image",
            ));
        }
        Ok(Frame { x, y, width, height })
    }

    /// The part of the image that its pixels are for.
    pub(super) fn frame(&self) -> Result<Frame, DecodeError> {
        let whole = Frame { x: 0, y: 0, width: self.width, height: self.height };
        let frame = self.animation.frame.unwrap_or(whole);
        if frame.width == 0 || frame.height == 0 {
            return Err(DecodeError::malformed("the first frame of its animation has no pixels"));
        }
        Ok(frame)
    }

    /// Whether frames follow the first. The default image of an animation counts as one.
    pub(super) fn has_more_frames(&self) -> bool {
        let Animation { frames, frame, .. } = self.animation;
        frames.is_some_and(|frames| frames > 1 || frame.is_none())
    }

    /// Reads the number that begins a frame's pixels, and gives the length of what is left.
    pub(super) fn begin_frame_data(
        &mut self,
        length: usize,
        chunks: &mut Chunks<'bytes>,
    ) -> Result<usize, DecodeError> {
        let left = length
            .checked_sub(4)
            .ok_or_else(|| DecodeError::malformed("a frame's pixels are too short"))?;
        let sequence = chunks.reader.u32_be()?;
        if self.animation.sequence.is_none() {
            return Err(DecodeError::malformed("a frame's pixels come before its size"));
        }
        self.animation.next_in_sequence(sequence)?;
        Ok(left)
    }
}

impl Animation {
    fn begin(&mut self, data: &[u8]) {
        // A second one, or an absurd number, makes it a still image.
        let frames = number(data, 0);
        self.frames = (self.frames.is_none() && (1..=1 << 31).contains(&frames)).then_some(frames);
    }

    fn next_in_sequence(&mut self, sequence: u32) -> Result<(), DecodeError> {
        let expected = self.sequence.map_or(Some(0), |last| last.checked_add(1));
        if expected != Some(sequence) {
            return Err(DecodeError::malformed("the frames of its animation are out of order"));
        }
        self.sequence = Some(sequence);
        Ok(())
    }
}

/// The big-endian number at that place; zero beyond the end.
fn number(data: &[u8], at: usize) -> u32 {
    data.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
