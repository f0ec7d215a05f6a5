//! RGB levels in memory: [`Levels`] owns them, [`View`] borrows a rectangle of them.

use super::OutputPart;
use std::ops::Range;

/// The channels of a pixel, which lie next to each other.
pub const CHANNELS: usize = 3;

/// An image's levels, row by row.
pub struct Levels {
    pub bytes: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

impl Levels {
    /// Black of that size.
    pub fn new(width: usize, height: usize) -> Self {
        Levels { bytes: vec![0; width * height * CHANNELS], width, height }
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }

    /// All of them.
    pub fn view(&self) -> View<'_> {
        View::new(&self.bytes, self.width, self.height)
    }

    /// The rows, each `CHANNELS * width` bytes.
    pub fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, u8> {
        self.bytes.chunks_exact_mut((self.width * CHANNELS).max(1))
    }
}

/// A rectangle of an image.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// From the rectangle's first pixel to the end of the image.
    bytes: &'a [u8],
    /// From one row to the next.
    stride: usize,
    pub width: usize,
    pub height: usize,
}

impl<'a> View<'a> {
    /// All of an image.
    pub fn new(bytes: &'a [u8], width: usize, height: usize) -> Self {
        View { bytes, stride: width * CHANNELS, width, height }
    }

    /// The wanted part of an output that is as large as the rectangle.
    pub fn part(self, output: &OutputPart) -> Self {
        let lines = |range: &Range<u32>| range.start as usize..range.end as usize;
        self.crop(lines(&output.columns), lines(&output.rows))
    }

    /// A part of the rectangle.
    pub fn crop(self, columns: Range<usize>, rows: Range<usize>) -> Self {
        let offset = rows.start * self.stride + columns.start * CHANNELS;
        View { bytes: &self.bytes[offset..], width: columns.len(), height: rows.len(), ..self }
    }

    /// A row.
    pub fn row(self, row: usize) -> &'a [u8] {
        &self.rows_from(row)[..self.width * CHANNELS]
    }

    /// A row, and what lies behind it in memory up to the end of the image.
    pub fn rows_from(self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.stride..]
    }

    /// A copy of the rectangle.
    pub fn to_levels(self) -> Levels {
        let mut copy = Levels::new(self.width, self.height);
        copy.rows_mut().enumerate().for_each(|(row, bytes)| bytes.copy_from_slice(self.row(row)));
        copy
    }
}
