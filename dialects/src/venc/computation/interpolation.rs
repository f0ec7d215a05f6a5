//! `interpolate_positions`: a grid of vectors resampled to another grid, as
//! `torch.nn.functional.interpolate(align_corners=False)` does it.
//!
//! Each output row or column is a weighted sum of some input rows or columns ([`Axis::taps`]); the two axes are
//! independent. The weights follow `UpSampleKernel.cpp` of PyTorch.

use crate::HostTensor;
use crate::venc::InterpolationFilter;

/// One axis of the grid.
#[derive(Clone, Copy)]
pub struct Axis {
    /// Its length in the table.
    pub native: usize,
    /// The length wanted.
    pub wanted: usize,
    /// The weights.
    pub filter: InterpolationFilter,
    /// Whether the filter is widened where the axis shrinks.
    pub antialias: bool,
}

/// An input index and its weight.
type Tap = (usize, f64);

impl Axis {
    /// What the output at `index` is made of.
    fn taps(self, index: usize) -> Vec<Tap> {
        let scale = self.native as f64 / self.wanted as f64;
        match self.antialias {
            true => self.antialiased_taps((index as f64 + 0.5) * scale, scale),
            false => self.plain_taps((index as f64 + 0.5) * scale - 0.5),
        }
    }

    /// Two or four taps around `source`, an index of the input; outside, the border repeats.
    fn plain_taps(self, source: f64) -> Vec<Tap> {
        let reach = self.reach() as i64;
        // The border repeats, so that clamping the bilinear source at 0, as PyTorch does, changes nothing.
        let floor = source.floor();
        (1 - reach..=reach)
            .map(|step| {
                let index = (floor as i64 + step).clamp(0, self.native as i64 - 1);
                (index as usize, self.weight(floor + step as f64 - source, -0.75))
            })
            .collect()
    }

    /// All taps under the filter around `center`, an edge-based coordinate of the input, the filter widened by
    /// `scale` where that is above 1; the weights inside the input are made to sum to 1.
    fn antialiased_taps(self, center: f64, scale: f64) -> Vec<Tap> {
        let widening = scale.max(1.0);
        let support = self.reach() as f64 * widening;
        // As the truncating casts of PyTorch, which negative numbers reach only where the maximum is 0 anyway.
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(self.native);
        let weight = |i: usize| self.weight((i as f64 - center + 0.5) / widening, -0.5);
        let sum: f64 = (first..end).map(weight).sum();
        (first..end).map(|i| (i, weight(i) / sum)).collect()
    }

    /// How far the filter reaches to each side.
    fn reach(self) -> usize {
        match self.filter {
            InterpolationFilter::Bilinear => 1,
            InterpolationFilter::Bicubic => 2,
        }
    }

    /// The filter at `distance`; `a` is the parameter of Keys' cubic convolution (doi:10.1109/TASSP.1981.1163711).
    fn weight(self, distance: f64, a: f64) -> f64 {
        let x = distance.abs();
        match self.filter {
            InterpolationFilter::Bilinear => (1.0 - x).max(0.0),
            InterpolationFilter::Bicubic if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            InterpolationFilter::Bicubic if x < 2.0 => {
                ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
            }
            InterpolationFilter::Bicubic => 0.0,
        }
    }
}

/// `table[rows.native * cols.native, n] -> [rows.wanted * cols.wanted, n]`.
pub fn interpolate(table: &HostTensor, rows: Axis, cols: Axis, out: &mut HostTensor) {
    let [_, width] = out.shape[..] else { return };
    let row_taps: Vec<Vec<Tap>> = (0..rows.wanted).map(|row| rows.taps(row)).collect();
    let col_taps: Vec<Vec<Tap>> = (0..cols.wanted).map(|col| cols.taps(col)).collect();
    for (position, out) in out.data.chunks_exact_mut(width).enumerate() {
        let mut sums = vec![0.0f64; width];
        for (row, row_weight) in &row_taps[position / cols.wanted] {
            for (col, col_weight) in &col_taps[position % cols.wanted] {
                let entry = &table.data[(row * cols.native + col) * width..][..width];
                for (sum, x) in sums.iter_mut().zip(entry) {
                    *sum += row_weight * col_weight * f64::from(*x);
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Dim;
    use crate::venc::InterpolatePositions;
    use crate::venc::InterpolationFilter::{Bicubic, Bilinear};
    use crate::venc::examples;

    fn run(
        native: (usize, usize),
        wanted: (i64, i64),
        filter: InterpolationFilter,
        antialias: bool,
    ) -> Vec<f32> {
        let entries = native.0 * native.1;
        let data = (0..entries).map(|i| (i * 7 % 11) as f32 + i as f32 * 0.25).collect();
        let table = HostTensor::new(vec![entries, 1], data).unwrap();
        let op = InterpolatePositions {
            native_rows: native.0 as i64,
            native_cols: native.1 as i64,
            rows: Dim::from(wanted.0),
            cols: Dim::from(wanted.1),
            filter,
            antialias,
        };
        examples::run(op, &[&table]).data
    }

    /// Made with `torch.nn.functional.interpolate` in float64 on the table `i * 7 % 11 + i / 4`, 8 digits kept.
    #[test]
    fn resampling_agrees_with_torch() {
        #[rustfmt::skip]
        let goldens: [(bool, InterpolationFilter, [f64; 10], [f64; 6]); 4] = [
            (false, Bilinear,
             [3.625, 7.125, 4.225, 7.725, 5.125, 8.625, 6.025, 6.225, 6.625, 4.625],
             [4.8541667, 5.9375, 7.9375, 9.3125, 11.3125, 7.8125]),
            (true, Bilinear,
             [3.6071429, 7.1428571, 4.5214286, 7.4285714, 5.8928571, 7.8571429, 6.3214286, 6.4, 6.6071429, 5.4285714],
             [5.0714286, 6.8611111, 8.3571429, 8.3571429, 8.9722222, 9.0714286]),
            (false, Bicubic,
             [3.9315625, 6.5304375, 3.9761875, 8.1178125, 4.4453125, 9.3046875, 6.0281875, 6.4078125, 7.2195625, 3.7904375],
             [5.0913267, 5.6708984, 7.6031901, 9.3842231, 11.836914, 7.1448568]),
            (true, Bicubic,
             [3.1666537, 7.3569312, 4.1272666, 7.7482423, 5.7086777, 8.0413223, 6.4932774, 6.3286357, 6.8330345, 5.1571028],
             [4.7448385, 6.7814904, 8.3396541, 8.5502308, 9.0056311, 9.2539697]),
        ];
        for (antialias, filter, mixed, shrunk) in goldens {
            // 3 x 4 grows to 5 rows and shrinks to 2 columns; 5 x 5 shrinks to 2 x 3.
            for (given, expected) in [
                (run((3, 4), (5, 2), filter, antialias), mixed.to_vec()),
                (run((5, 5), (2, 3), filter, antialias), shrunk.to_vec()),
            ] {
                assert_eq!(given.len(), expected.len());
                for (given, expected) in given.iter().zip(&expected) {
                    // 8 digits of the golden and one rounding to f32.
                    let error = (f64::from(*given) - expected).abs();
                    assert!(
                        error <= 2.0e-7 * expected.abs(),
                        "{filter:?} {antialias}: {given} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_native_grid_stays_as_it_is() {
        let table: Vec<f32> = (0..12).map(|i| (i * 7 % 11) as f32 + i as f32 * 0.25).collect();
        for (filter, antialias) in
            [(Bilinear, false), (Bicubic, false), (Bilinear, true), (Bicubic, true)]
        {
            assert_eq!(run((3, 4), (3, 4), filter, antialias), table, "{filter:?} {antialias}");
        }
    }
}
