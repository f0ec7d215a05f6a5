//! [`Layout`]: memory that is given out one piece behind the other, before there is any.

use super::RunError;
use super::weights::Extent;
use crate::devices::Memory;

/// How much is given out.
#[derive(Default)]
pub struct Layout {
    end: usize,
}

impl Layout {
    /// The next piece, aligned as memory is. `what` it is for is asked where there is no room.
    pub fn place(&mut self, bytes: usize, what: impl Fn() -> String) -> Result<Extent, RunError> {
        let start = self.end;
        self.end = bytes
            .checked_next_multiple_of(Memory::ALIGNMENT)
            .and_then(|bytes| start.checked_add(bytes))
            .filter(|end| *end <= isize::MAX as usize)
            .ok_or_else(|| RunError::Size { what: what(), value: start as i128 + bytes as i128 })?;
        Ok(Extent { start: start as i64, bytes })
    }

    /// How much memory all pieces take; the last ends where it does.
    pub fn bytes(&self) -> usize {
        self.end
    }
}
