//! [`Arithmetic`]: how tensor cores multiply what is stored, and how far from the products that is.
//!
//! Sums are f32 in all of them, and add to what is said here `2^-24` or so of the sum of the products' magnitudes for each
//! product along k, as any sum in f32 does.

use super::chunks::CHUNK_BYTES;
use super::tensor_core::{Sums, multiply};
use crate::NvidiaTarget;
use crate::mlir::{Builder, Scalar, Type, Value};
use ocellus_dialects::ElementType;

/// How tensor cores multiply what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// bf16 by bf16. Products are exact.
    Bf16,
    /// f16 by f16. Products are exact.
    F16,
    /// f32 by f32, each as the sum of two bf16: `x = upper + lower + rest`, where `|lower| <= 2^-8 |x|` and
    /// `|rest| <= 2^-16 |x|`, for bf16 is rounded to 8 bits. Three of the four products are made, all but that of the lower
    /// parts:
    ///
    /// ```text
    /// x w  =  lower upper' + upper lower' + upper upper'  +  lower lower' + x rest' + rest w
    ///         made, the least first                          left out: at most 3.02 * 2^-16 |x w|
    /// ```
    /// So a product is within [`Arithmetic::error`] of the true one, and in a random sum much closer. Numbers that round to
    /// infinity in bf16, from 3.39e38 on, and infinities give NaN: an infinity less its upper part is none.
    ThreeBf16,
    /// f32 by f32, each rounded to the 11 bits of tf32, to the nearest: `|x - tf32(x)| <= 2^-11 |x|`. One product in place of
    /// three, and as far from the true one as f16 would be, with the range of f32.
    Tf32,
}

/// Bytes of a row of which `ldmatrix` reads fragments at once: two chunks.
pub(crate) const READ_BYTES: i64 = 2 * CHUNK_BYTES;

/// Registers that it reads at once, of 16 rows.
const READ_REGISTERS: usize = 4;

/// The fragments of the first or the second eight rows of two, as these were read, read by read: of each eight rows the first
/// chunk and the second.
pub(crate) fn half_of_pair(pair: &[Value], half: usize) -> Vec<Value> {
    pair.chunks(READ_REGISTERS / 2).skip(half).step_by(2).flatten().copied().collect()
}

/// A fragment as tensor cores multiply it: the parts that its numbers are the sum of, the greatest first.
pub(crate) type Parts = Vec<Vec<Value>>;

impl Arithmetic {
    /// The one of a target for operands that are stored so; `None` where tensor cores have none.
    pub fn of(element: ElementType, target: &NvidiaTarget) -> Option<Self> {
        match element {
            ElementType::BF16 => Some(Arithmetic::Bf16),
            ElementType::F16 => Some(Arithmetic::F16),
            ElementType::F32 if target.tf32 => Some(Arithmetic::Tf32),
            ElementType::F32 => Some(Arithmetic::ThreeBf16),
            ElementType::I32 => None,
        }
    }

    /// How operands are stored in shared memory.
    pub fn element(self) -> ElementType {
        match self {
            Arithmetic::Bf16 => ElementType::BF16,
            Arithmetic::F16 => ElementType::F16,
            Arithmetic::ThreeBf16 | Arithmetic::Tf32 => ElementType::F32,
        }
    }

    /// How far a product may be from that of the operands, in parts of it.
    pub fn error(self) -> f64 {
        match self {
            Arithmetic::Bf16 | Arithmetic::F16 => 0.0,
            // 2 * 2^-16 + 2^-32, and the product of the lower parts, which are rounded: (2^-8 (1 + 2^-8))^2.
            Arithmetic::ThreeBf16 => 3.02 / f64::from(1 << 16),
            // 2 * 2^-11 + 2^-22.
            Arithmetic::Tf32 => 2.001 / f64::from(1 << 11),
        }
    }

    /// Elements along k of a product of fragments.
    pub(crate) fn depth(self) -> i64 {
        match self {
            Arithmetic::Bf16 | Arithmetic::F16 | Arithmetic::ThreeBf16 => 16,
            Arithmetic::Tf32 => 8,
        }
    }

    /// Elements of a chunk.
    pub(crate) fn chunk(self) -> i64 {
        CHUNK_BYTES / self.element().bytes()
    }

    /// Reads of a fragment, one behind the other along k.
    pub(crate) fn reads(self) -> i64 {
        self.depth() * self.element().bytes() / READ_BYTES
    }

    /// Which parts of x are multiplied by which of the weight, the least products first.
    pub(crate) fn products(self) -> &'static [(usize, usize)] {
        match self {
            Arithmetic::Bf16 | Arithmetic::F16 | Arithmetic::Tf32 => &[(0, 0)],
            Arithmetic::ThreeBf16 => &[(1, 0), (0, 1), (0, 0)],
        }
    }

    /// A fragment as it was read, as tensor cores multiply it. Where two numbers share a register then, they are those of
    /// columns four apart: the order along k is another, and the same for x and the weight.
    pub(crate) fn parts(self, b: &mut Builder, fragment: &[Value]) -> Parts {
        match self {
            Arithmetic::Bf16 | Arithmetic::F16 => vec![fragment.to_vec()],
            Arithmetic::Tf32 => {
                let rounded = fragment.iter().map(|bits| {
                    let number = b.bitcast(*bits, Type::F32);
                    b.intrinsic("llvm.nvvm.f2tf32.rna", &[number], Type::I32)
                });
                vec![rounded.collect()]
            }
            Arithmetic::ThreeBf16 => {
                // Of x in each half of the depth: rows 0 to 7 and 8 to 15 of four columns, then of the next four; of the
                // weight its one run of rows.
                let half = fragment.len() / 2;
                let rows = half / 2;
                let (mut upper, mut lower) = (vec![], vec![]);
                for register in 0..half {
                    let first = register / rows * half + register % rows;
                    let pair = [fragment[first], fragment[first + rows]];
                    let parts = split(b, pair);
                    upper.push(parts[0]);
                    lower.push(parts[1]);
                }
                vec![upper, lower]
            }
        }
    }

    /// `sums + x weight^T`, of a part of each.
    pub(crate) fn multiply(
        self,
        b: &mut Builder,
        (x, weight): (&[Value], &[Value]),
        sums: Sums,
    ) -> Sums {
        match self {
            Arithmetic::Bf16 | Arithmetic::ThreeBf16 => {
                multiply(b, ElementType::BF16, (x, weight), sums)
            }
            Arithmetic::F16 => multiply(b, ElementType::F16, (x, weight), sums),
            Arithmetic::Tf32 => multiply(b, ElementType::F32, (x, weight), sums),
        }
    }
}

/// The bits of an f32 that are those of the bf16 in it.
const UPPER_HALF: i64 = -1 << 16;

/// The bits of two f32 as the sum of two pairs of bf16, the upper and the lower.
fn split(b: &mut Builder, bits: [Value; 2]) -> [Value; 2] {
    let numbers = bits.map(|bits| b.bitcast(bits, Type::F32));
    let upper = pair_of_bf16(b, numbers);
    let first = b.shift_left(upper, 16);
    let mask = b.integer(UPPER_HALF, Type::I32);
    let second = b.and(upper, mask);
    let [first, second] = [(numbers[0], first), (numbers[1], second)].map(|(number, upper)| {
        let upper = b.bitcast(upper, Type::F32);
        b.sub(number, upper)
    });
    [upper, pair_of_bf16(b, [first, second])]
}

/// Two f32 rounded to bf16, the first in the lower bits.
fn pair_of_bf16(b: &mut Builder, numbers: [Value; 2]) -> Value {
    let pair = b.vector(&numbers);
    let rounded = b.truncate_float(pair, Scalar::BF16);
    b.join_bits(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded_to_bf16(x: f32) -> f32 {
        let bits = x.to_bits();
        let odd = bits >> 16 & 1;
        f32::from_bits((bits + 0x7fff + odd) & 0xffff_0000)
    }

    fn rounded_to_tf32(x: f32) -> f32 {
        f32::from_bits((x.to_bits() + 0x1000) & !0x1fff)
    }

    /// The product of two numbers as each arithmetic makes it, but for the rounding of sums.
    fn product(arithmetic: Arithmetic, [x, w]: [f32; 2]) -> f64 {
        let parts = |x: f32| {
            let parts = match arithmetic {
                Arithmetic::Bf16 | Arithmetic::F16 => vec![x],
                Arithmetic::Tf32 => vec![rounded_to_tf32(x)],
                Arithmetic::ThreeBf16 => {
                    let upper = rounded_to_bf16(x);
                    vec![upper, rounded_to_bf16(x - upper)]
                }
            };
            parts.into_iter().map(f64::from).collect::<Vec<f64>>()
        };
        let (x, w) = (parts(x), parts(w));
        arithmetic.products().iter().map(|(of_x, of_w)| x[*of_x] * w[*of_w]).sum()
    }

    /// The greatest errors are those of numbers half way between two that a part can be.
    #[test]
    fn products_are_within_their_bound_which_numbers_come_near() {
        let mut worst = [0.0f64; 2];
        let halves = [0, 0x0fff, 0x1000, 0x7f3f, 0x7f40, 0x7fbf, 0x7fc0, 0x8000, 0x8040];
        let random = (1..100u32).map(|number| number.wrapping_mul(0x9e37_79b9) >> 9);
        let numbers: Vec<f32> =
            halves.into_iter().chain(random).map(|low| f32::from_bits(0x3f80_0000 | low)).collect();
        for (arithmetic, worst) in [Arithmetic::ThreeBf16, Arithmetic::Tf32].iter().zip(&mut worst)
        {
            for (x, w) in numbers.iter().flat_map(|x| numbers.iter().map(move |w| (*x, *w))) {
                let exact = f64::from(x) * f64::from(w);
                let error = (product(*arithmetic, [x, w]) / exact - 1.0).abs();
                *worst = worst.max(error / arithmetic.error());
            }
        }
        assert!(worst.iter().all(|worst| *worst <= 1.0), "{worst:?}");
        assert!(worst.iter().all(|worst| *worst > 0.5), "{worst:?}");
    }
}
