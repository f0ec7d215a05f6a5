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
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// A weight of another size than its packing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the weight has {found} bytes; [{rows}, {columns}] x {element} has {wanted}")]
pub struct PackError {
    rows: i64,
    columns: i64,
    element: ElementType,
    wanted: usize,
    found: usize,
}

impl WeightPacking {
    /// Bytes of the packed weight.
    pub fn bytes(&self) -> usize {
        let panels = (self.rows + self.kernel.columns - 1) / self.kernel.columns;
        (panels * self.kernel.column_panel_bytes(self.kernel.chunks(self.columns))) as usize
    }

    /// Packs a weight that is `[rows, columns]`, contiguous, little endian.
    pub fn pack(&self, weight: &[u8]) -> Result<Vec<u8>, PackError> {
        let size = self.element.bytes() as usize;
        let (rows, columns) = (self.rows as usize, self.columns as usize);
        let wanted = rows * columns * size;
        if weight.len() != wanted {
            let (rows, columns, element) = (self.rows, self.columns, self.element);
            return Err(PackError { rows, columns, element, wanted, found: weight.len() });
        }
        let mut packed = vec![0; self.bytes()];
        // Elements that lie together: code for each size copies them as one word.
        match (self.kernel.format, size) {
            (PanelFormat::Bf16Pairs, _) | (_, 4) => self.pack_words::<4>(weight, &mut packed),
            _ => self.pack_words::<2>(weight, &mut packed),
        }
        Ok(packed)
    }

    /// Copies words of that many bytes to their places; a row's last may be a part of one.
    fn pack_words<const BYTES: usize>(&self, weight: &[u8], packed: &mut [u8]) {
        let panel_bytes = self.kernel.column_panel_bytes(self.kernel.chunks(self.columns)) as usize;
        let step = self.kernel.columns as usize * BYTES;
        let row_bytes = self.columns as usize * self.element.bytes() as usize;
        for (row, elements) in weight.chunks_exact(row_bytes).enumerate() {
            let (panel, place) = self.place(row);
            let Some(to) = packed.get_mut(panel * panel_bytes + place * BYTES..) else { return };
            let (words, rest) = elements.as_chunks::<BYTES>();
            let mut places = to.chunks_mut(step);
            for (word, to) in words.iter().zip(&mut places) {
                if let Some(to) = to.first_chunk_mut::<BYTES>() {
                    *to = *word;
                }
            }
            if let Some(to) = places.next().and_then(|to| to.get_mut(..rest.len())) {
                to.copy_from_slice(rest);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CpuTarget;
    use proptest::prelude::*;

    fn packing(rows: i64, columns: i64, format: PanelFormat) -> WeightPacking {
        let element = match format {
            PanelFormat::F32 => ElementType::F32,
            PanelFormat::Widened(element) => element,
            PanelFormat::Bf16Pairs => ElementType::BF16,
        };
        let kernel = MicroKernel::new(format, &CpuTarget::X86_64_V4_BF16);
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
            ],
        ) {
            let packing = packing(rows, columns, format);
            let size = packing.element.bytes();
            let weight: Vec<u8> = (0..rows * columns)
                .flat_map(|i| (i as u32 + 1).to_le_bytes().into_iter().take(size as usize))
                .collect();
            let packed = packing.pack(&weight).unwrap();
            prop_assert_eq!(packed.len(), packing.bytes());
            let kernel = packing.kernel;
            let pair = if format == PanelFormat::Bf16Pairs { 2 } else { 1 };
            let panel = kernel.column_panel_bytes(kernel.chunks(columns)) / size;
            for row in 0..rows {
                for column in 0..columns {
                    let at = row / kernel.columns * panel
                        + column / pair * kernel.columns * pair
                        + row % kernel.columns * pair
                        + column % pair;
                    let range = |at: i64| (at * size) as usize..((at + 1) * size) as usize;
                    prop_assert_eq!(&packed[range(at)], &weight[range(row * columns + column)]);
                }
            }
        }
    }
}
