//! The colors that the indices of an image stand for.

use super::DecodeError;

/// The colors of 256 indices. Those that a file gives no color are black.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Palette([[u8; 3]; 256]);

impl Palette {
    /// Each index is a gray.
    pub(super) fn grays(level: impl Fn(u8) -> u8) -> Self {
        Palette(std::array::from_fn(|index| [level(index as u8); 3]))
    }

    /// The colors in `entries`, each of which takes `N` bytes and is read by `color`.
    pub(super) fn new<const N: usize>(
        entries: &[u8],
        color: impl Fn([u8; N]) -> [u8; 3],
    ) -> Result<Self, DecodeError> {
        let entries = entries.as_chunks::<N>().0;
        let mut palette = Palette([[0; 3]; 256]);
        let Some(place) = palette.0.get_mut(..entries.len()) else {
            let problem = format!("its palette has {} colors, more than 256", entries.len());
            return Err(DecodeError::malformed(problem));
        };
        for (place, entry) in place.iter_mut().zip(entries) {
            *place = color(*entry);
        }
        Ok(palette)
    }

    /// The color of an index.
    pub(super) fn color(&self, index: u8) -> [u8; 3] {
        self.0[usize::from(index)]
    }
}
