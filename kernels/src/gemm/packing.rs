//! Weights as the micro-kernel reads them: panels of columns of the result, done once at compile time.

use super::{MicroKernel, PanelFormat};
use ocellus_dialects::ElementType;

/// How a weight `[rows, columns]` is packed: for each panel of `kernel.columns` weight rows, for each step along k, one
/// number (or pair, see [`PanelFormat::Bf16Pairs`]) of each row. What is past the end is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightPacking {
    /// n
    pub rows: i64,
    /// k
    pub columns: i64,
    /// The storage, packed or not.
    pub element: ElementType,
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
        let width = self.kernel.columns as usize;
        let group = match self.kernel.format {
            PanelFormat::Bf16Pairs => 2,
            PanelFormat::F32 | PanelFormat::Widened(_) => 1,
        };
        let panel_bytes = self.kernel.column_panel_bytes(self.kernel.chunks(self.columns)) as usize;
        let mut packed = vec![0; self.bytes()];
        for (row, elements) in weight.chunks_exact(columns * size).enumerate() {
            let start = row / width * panel_bytes + row % width * group * size;
            let words = elements.chunks(group * size).enumerate();
            for (step, word) in words {
                let at = start + step * width * group * size;
                packed[at..at + word.len()].copy_from_slice(word);
            }
        }
        Ok(packed)
    }
}
