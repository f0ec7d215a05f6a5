//! Weights as the micro-kernel reads them: panels of columns of the result, done once at compile time.

use super::{MicroKernel, PanelFormat};
use ocellus_dialects::ElementType;

/// How a weight `[rows, columns]` is packed: for each panel of `kernel.columns` weight rows, for each step along k, one
/// number (or pair, see [`PanelFormat::Bf16Pairs`]) of each row. What is past the end is zero.
///
/// ```text
/// rows            g0 g1 g2 u0 u1 u2
/// panels of 4     g0 g1 g2 u0 | u1 u2 0  0
/// by halves       g0 g1 u0 u1 | g2 0  u2 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightPacking {
    /// n
    pub rows: i64,
    /// k
    pub columns: i64,
    /// The storage, packed or not.
    pub element: ElementType,
    /// Whether a panel holds as many rows of the lower half as of the upper, those that a gate multiplies half a panel
    /// apart: then both are sums of the same call.
    pub halves: bool,
    /// What reads it.
    pub kernel: MicroKernel,
}

/// Rows or columns of a weight that any machine holds.
const MAX_SIDE: i64 = 1 << 40;

/// A weight that cannot be packed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PackError {
    /// A weight of another size than its packing.
    #[error("the weight has {found} bytes; [{rows}, {columns}] x {element} has {wanted}")]
    Size {
        /// n
        rows: i64,
        /// k
        columns: i64,
        /// How it is stored.
        element: ElementType,
        /// Bytes of such a weight.
        wanted: usize,
        /// Bytes that came.
        found: usize,
    },
    /// No memory for the packed weight.
    #[error("a packed weight of {0} bytes does not fit in memory")]
    OutOfMemory(usize),
}

/// A weight on its way into panels: its rows come in parts, so that it need not be in memory beside them.
#[derive(Debug)]
pub struct WeightPacker<'a> {
    packing: &'a WeightPacking,
    packed: Vec<u8>,
    /// Bytes that have come.
    found: usize,
}

/// `panels of 32`, `panels of 32 by halves`, `panels of 32 pairs`: all that tells two packings of one weight apart, on whatever
/// targets. An artifact for several stores a weight once where they are called the same.
impl std::fmt::Display for WeightPacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "panels of {}", self.kernel.columns)?;
        match self.kernel.format {
            PanelFormat::F32 | PanelFormat::Widened(_) => {}
            PanelFormat::Bf16Pairs => f.write_str(" pairs")?,
            PanelFormat::Bf16Tiles => f.write_str(" pairs in tiles")?,
        }
        if self.halves { f.write_str(" by halves") } else { Ok(()) }
    }
}

impl WeightPacking {
    /// Bytes of the packed weight; more than there are where that is no size.
    pub fn bytes(&self) -> usize {
        if self.rows.max(self.columns) > MAX_SIDE {
            return usize::MAX;
        }
        let panels = (self.rows + self.kernel.columns - 1) / self.kernel.columns;
        panels.checked_mul(self.panel_bytes()).map_or(usize::MAX, |bytes| bytes as usize)
    }

    /// Bytes of a panel: all of k.
    pub(super) fn panel_bytes(&self) -> i64 {
        self.kernel.column_panel_bytes(self.kernel.chunks(self.columns))
    }

    /// Elements of the packed weight.
    pub(crate) fn elements(&self) -> i64 {
        self.bytes() as i64 / self.element.bytes()
    }

    /// Bytes of a row before it is packed.
    pub fn row_bytes(&self) -> usize {
        (self.columns * self.element.bytes()) as usize
    }

    /// Packs a weight that is `[rows, columns]`, contiguous, little endian.
    pub fn pack(&self, weight: &[u8]) -> Result<Vec<u8>, PackError> {
        let mut rows = self.begin()?;
        rows.push(weight);
        rows.finish()
    }

    /// Begins to pack a weight that comes in parts.
    pub fn begin(&self) -> Result<WeightPacker<'_>, PackError> {
        let mut packed = vec![];
        let bytes = self.bytes();
        packed.try_reserve_exact(bytes).map_err(|_| PackError::OutOfMemory(bytes))?;
        packed.resize(bytes, 0);
        Ok(WeightPacker { packing: self, packed, found: 0 })
    }

    /// The panel of a row, and its place there.
    fn place(&self, row: usize) -> (usize, usize) {
        let width = self.kernel.columns as usize;
        if !self.halves {
            return (row / width, row % width);
        }
        let (half, rows) = (width / 2, self.rows as usize / 2);
        let (row, side) = if row < rows { (row, 0) } else { (row - rows, half) };
        (row / half, side + row % half)
    }
}

impl WeightPacker<'_> {
    /// The next rows, whole ones, little endian.
    pub fn push(&mut self, rows: &[u8]) {
        let first = self.found / self.packing.row_bytes().max(1);
        self.found += rows.len();
        // Elements that lie together: code for each size copies them as one word.
        match (self.packing.kernel.format.pairs_columns(), self.packing.element.bytes()) {
            (true, _) | (_, 4) => self.pack_words::<4>(first, rows),
            _ => self.pack_words::<2>(first, rows),
        }
    }

    /// The packed weight, once all of its rows have come.
    pub fn finish(self) -> Result<Vec<u8>, PackError> {
        let WeightPacking { rows, columns, element, .. } = *self.packing;
        let wanted = rows as usize * self.packing.row_bytes();
        match self.found == wanted {
            true => Ok(self.packed),
            false => Err(PackError::Size { rows, columns, element, wanted, found: self.found }),
        }
    }

    /// Copies words of that many bytes to their places; a row's last may be a part of one.
    fn pack_words<const BYTES: usize>(&mut self, first: usize, weight: &[u8]) {
        let packing = self.packing;
        let panel_bytes = packing.panel_bytes() as usize;
        for (row, elements) in weight.chunks_exact(packing.row_bytes()).enumerate() {
            let (panel, column) = packing.place(first + row);
            let Some(to) = self.packed.get_mut(panel * panel_bytes..) else { return };
            let (words, rest) = elements.as_chunks::<BYTES>();
            let place = |word| packing.kernel.column_word_place(word, column) * BYTES;
            for (word, element) in words.iter().enumerate() {
                if let Some(to) = to.get_mut(place(word)..).and_then(<[u8]>::first_chunk_mut) {
                    *to = *element;
                }
            }
            if let Some(to) =
                to.get_mut(place(words.len())..).and_then(|to| to.get_mut(..rest.len()))
            {
                to.copy_from_slice(rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CpuTarget;
    use proptest::prelude::*;

    fn packing(rows: i64, columns: i64, format: PanelFormat) -> WeightPacking {
        let element = match format {
            PanelFormat::F32 => ElementType::F32,
            PanelFormat::Widened(element) => element,
            PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => ElementType::BF16,
        };
        let kernel = MicroKernel::new(format, &CpuTarget::SAPPHIRERAPIDS);
        WeightPacking { rows, columns, element, halves: false, kernel }
    }

    #[test]
    fn rows_that_a_gate_multiplies_lie_half_a_panel_apart() {
        for rows in [2, 14, 32, 34, 62, 64, 130] {
            let packing = WeightPacking { halves: true, ..packing(rows, 1, PanelFormat::F32) };
            let half = packing.kernel.columns as usize / 2;
            let weight: Vec<u8> = (1..=rows).flat_map(|row| (row as f32).to_le_bytes()).collect();
            let packed = packing.pack(&weight).unwrap();
            let panel = packed.len() / (rows as usize).div_ceil(2 * half);
            let number = |panel_at: usize, place: usize| {
                let at = panel_at * panel + 4 * place;
                f32::from_le_bytes(packed[at..at + 4].try_into().unwrap())
            };
            for row in 0..rows as usize / 2 {
                assert_eq!(number(row / half, row % half), row as f32 + 1.0);
                let other = (row as i64 + rows / 2) as f32 + 1.0;
                assert_eq!(number(row / half, half + row % half), other);
            }
        }
    }

    #[test]
    fn packings_that_are_called_the_same_lay_a_weight_out_alike_on_every_target() {
        let (rows, columns) = (70, 37);
        for element in [ElementType::F32, ElementType::BF16, ElementType::F16] {
            let numbers = 0..rows * columns * element.bytes();
            let weight: Vec<u8> = numbers.map(|number| (number % 251) as u8).collect();
            let mut known = std::collections::BTreeMap::new();
            for target in CpuTarget::ALL {
                // What the rows on the other side are stored as.
                for stored in [ElementType::F32, element] {
                    for halves in [false, true] {
                        let format = PanelFormat::of(stored, element, &target);
                        let kernel = MicroKernel::new(format, &target);
                        let packing = WeightPacking { rows, columns, element, halves, kernel };
                        let packed = packing.pack(&weight).unwrap();
                        let first =
                            known.entry(packing.to_string()).or_insert_with(|| packed.clone());
                        assert_eq!(*first, packed, "{packing} of {element}, {}", target.name);
                    }
                }
            }
            assert!(known.len() >= 4);
        }
    }

    #[test]
    fn pairs_lie_together_and_the_rest_is_zero() {
        let packing = packing(2, 3, PanelFormat::Bf16Pairs);
        let weight: Vec<u8> = [1u16, 2, 3, 4, 5, 6].iter().flat_map(|w| w.to_le_bytes()).collect();
        let packed = packing.pack(&weight).unwrap();
        let words: Vec<u16> =
            packed.chunks(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).collect();
        assert_eq!(words[..4], [1, 2, 4, 5]);
        assert_eq!(words[64..68], [3, 0, 6, 0]);
        assert_eq!(words.iter().map(|word| u32::from(*word)).sum::<u32>(), 21);
    }

    #[test]
    fn a_weight_of_another_size_is_refused() {
        let error = packing(2, 3, PanelFormat::F32).pack(&[0; 23]).unwrap_err();
        assert_eq!(error.to_string(), "the weight has 23 bytes; [2, 3] x f32 has 24");
    }

    proptest! {
        #[test]
        fn each_element_lies_where_the_micro_kernel_reads_it(
            rows in 1i64..80,
            columns in 1i64..40,
            format in prop_oneof![
                Just(PanelFormat::F32),
                Just(PanelFormat::Widened(ElementType::F16)),
                Just(PanelFormat::Bf16Pairs),
                Just(PanelFormat::Bf16Tiles),
            ],
        ) {
            let packing = packing(rows, columns, format);
            let size = packing.element.bytes();
            let weight: Vec<u8> = (0..rows * columns)
                .flat_map(|i| (i as u32 + 1).to_le_bytes().into_iter().take(size as usize))
                .collect();
            let packed = packing.pack(&weight).unwrap();
            prop_assert_eq!(packed.len(), packing.bytes());
            let mut in_parts = packing.begin().unwrap();
            weight.chunks(3 * packing.row_bytes()).for_each(|rows| in_parts.push(rows));
            prop_assert_eq!(&in_parts.finish().unwrap(), &packed);
            let kernel = packing.kernel;
            let pair = if format.pairs_columns() { 2 } else { 1 };
            let panel = kernel.column_panel_bytes(kernel.chunks(columns)) / size;
            for row in 0..rows {
                for column in 0..columns {
                    let (word, lane) = (column / pair, row % kernel.columns);
                    let at = row / kernel.columns * panel
                        + kernel.column_word_place(word as usize, lane as usize) as i64 * pair
                        + column % pair;
                    let range = |at: i64| (at * size) as usize..((at + 1) * size) as usize;
                    prop_assert_eq!(&packed[range(at)], &weight[range(row * columns + column)]);
                }
            }
        }
    }
}
