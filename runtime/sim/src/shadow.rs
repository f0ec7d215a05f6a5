//! Who used memory last, sixteen bytes at a time, and finer where it is used in smaller pieces.

use crate::clocks::{Cell, Conflict, Use, Viewer};

/// The bytes of a chunk.
pub(crate) const CHUNK: usize = 16;

/// What is known of sixteen bytes.
#[derive(Clone, Debug)]
pub(crate) enum Chunk {
    /// All of them were used together.
    Whole(Cell),
    /// Pieces of equal size, of which there are a power of two.
    Split(Box<[Cell]>),
}

impl Default for Chunk {
    fn default() -> Self {
        Chunk::Whole(Cell::default())
    }
}

/// A use of some bytes of a chunk.
pub(crate) struct Access<'a> {
    pub viewer: Viewer<'a>,
    pub lane: usize,
    pub place: usize,
    pub usage: Use,
    /// The first byte in its chunk.
    pub at: usize,
    /// How many bytes: a power of two, and `at` is a multiple of it.
    pub size: usize,
}

impl Chunk {
    /// Notes a use, and says which earlier one it races with.
    pub(crate) fn note(&mut self, access: &Access) -> Option<Conflict> {
        let Access { viewer, lane, place, usage, at, size } = access;
        if *size < CHUNK {
            self.split(CHUNK >> size.trailing_zeros());
        }
        match self {
            Chunk::Whole(cell) => cell.note(viewer, *lane, *place, *usage),
            Chunk::Split(cells) => {
                let shift = CHUNK.trailing_zeros() - cells.len().trailing_zeros();
                let mut conflict = None;
                for cell in &mut cells[at >> shift..(at + size) >> shift] {
                    conflict = conflict.or(cell.note(viewer, *lane, *place, *usage));
                }
                if *size == CHUNK && *usage == Use::Write {
                    *self = Chunk::Whole(cells[0]);
                }
                conflict
            }
        }
    }

    /// The pieces.
    pub(crate) fn cells(&self) -> &[Cell] {
        match self {
            Chunk::Whole(cell) => std::slice::from_ref(cell),
            Chunk::Split(cells) => cells,
        }
    }

    /// Makes as many pieces, where there are fewer.
    fn split(&mut self, pieces: usize) {
        match self {
            Chunk::Whole(cell) => *self = Chunk::Split(vec![*cell; pieces].into()),
            Chunk::Split(cells) if cells.len() < pieces => {
                let copies = pieces / cells.len();
                let finer = cells.iter().flat_map(|cell| std::iter::repeat_n(*cell, copies));
                *self = Chunk::Split(finer.collect());
            }
            Chunk::Split(_) => {}
        }
    }
}
