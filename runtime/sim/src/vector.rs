//! The inner loops that run long enough for the width of the CPU's vectors to matter.
//!
//! Products of bf16, f16 and tf32 are exact in f32, so that it makes no difference whether they are fused with the sum: the
//! answers are the same on every machine.

use crate::registers::{Compute, Element, LANES, Lanes, Slot};

/// The types of 16 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Half {
    Bf16,
    F16,
}

/// The lower and the upper halves of words, as f32.
pub(crate) fn widen(words: &Lanes<u32>, half: Half) -> [Lanes<f32>; 2] {
    match half {
        Half::Bf16 => {
            [words.map(|w| f32::from_bits(w << 16)), words.map(|w| f32::from_bits(w & 0xffff_0000))]
        }
        Half::F16 => [words.map(|w| of_f16(w as u16)), words.map(|w| of_f16((w >> 16) as u16))],
    }
}

/// An f16 as f32, by the bits.
fn of_f16(bits: u16) -> f32 {
    let (sign, rest) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7fff));
    let magnitude = match rest >> 10 {
        // 2^-24 is the least of these.
        0 => (rest as f32 * f32::from_bits(0x3380_0000)).to_bits(),
        31 => 0x7f80_0000 | rest << 13,
        _ => (rest << 13) + (112 << 23),
    };
    f32::from_bits(sign | magnitude)
}

/// Adds to sums the product of a matrix of 16 rows and one of 8 columns, column by column of the first.
pub(crate) fn multiply_add(a: &[[f32; 16]; 16], b: &[[f32; 8]], sums: &mut [[f32; 8]; 16]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { multiply_add_avx2(a, b, sums) };
    }
    multiply_add_plain(a, b, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn multiply_add_avx2(a: &[[f32; 16]; 16], b: &[[f32; 8]], sums: &mut [[f32; 8]; 16]) {
    multiply_add_plain(a, b, sums);
}

#[inline(always)]
fn multiply_add_plain(a: &[[f32; 16]; 16], b: &[[f32; 8]], sums: &mut [[f32; 8]; 16]) {
    for (a, sums) in a.iter().zip(sums) {
        let mut sum = *sums;
        for (a, b) in a.iter().zip(b) {
            for (sum, b) in sum.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
        *sums = sum;
    }
}

/// `fma.rn.f32`
pub(crate) fn fused(d: Slot, [a, b, c]: [Slot; 3]) -> Compute {
    Box::new(move |registers, mask| {
        let [a, b, c] = [a, b, c].map(|slot| f32::read(registers, slot));
        let mut answer = c;
        fused_lanes(&a, &b, &mut answer);
        f32::write(registers, d, &answer, mask);
    })
}

fn fused_lanes(a: &Lanes<f32>, b: &Lanes<f32>, c: &mut Lanes<f32>) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("fma") && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2 and FMA.
        return unsafe { fused_lanes_fma(a, b, c) };
    }
    fused_lanes_plain(a, b, c);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fused_lanes_fma(a: &Lanes<f32>, b: &Lanes<f32>, c: &mut Lanes<f32>) {
    fused_lanes_plain(a, b, c);
}

#[inline(always)]
fn fused_lanes_plain(a: &Lanes<f32>, b: &Lanes<f32>, c: &mut Lanes<f32>) {
    for lane in 0..LANES {
        c[lane] = a[lane].mul_add(b[lane], c[lane]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_is_widened_as_it_is() {
        for bits in 0..=u16::MAX {
            let (own, other) = (of_f16(bits), half::f16::from_bits(bits).to_f32());
            assert!(own == other || own.is_nan() && other.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn a_product_is_added_row_by_row() {
        let mut a = [[0.0; 16]; 16];
        let mut b = [[0.0; 8]; 16];
        for (row, values) in a.iter_mut().enumerate() {
            values.iter_mut().enumerate().for_each(|(k, value)| *value = (row * 16 + k) as f32);
        }
        for (k, values) in b.iter_mut().enumerate() {
            values
                .iter_mut()
                .enumerate()
                .for_each(|(column, value)| *value = (k * 8 + column) as f32);
        }
        let mut sums = [[1.0; 8]; 16];
        multiply_add(&a, &b, &mut sums);
        let wanted = 1.0 + (0..16).map(|k| ((3 * 16 + k) * (k * 8 + 5)) as f32).sum::<f32>();
        assert_eq!(sums[3][5], wanted);
    }
}
