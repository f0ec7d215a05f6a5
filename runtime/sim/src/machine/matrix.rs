//! Matrices in the registers of a warp: where each lane holds what, and their products.
//!
//! A lane is one of eight rows of four: its *group* is `lane / 4`, its *place* `lane % 4`. Of an 8×8 matrix of 16 bits it holds
//! row `group`, columns `2 × place` and `2 × place + 1`, as a word. The fragments of `mma.sync` are made of such, or of their
//! like for other widths.

use super::address::addresses;
use super::warp::Warp;
use super::{Machine, Who};
use crate::clocks::{Use, WHOLE_WARP};
use crate::code::{Matrices, Multiply};
use crate::counters::MatrixShape;
use crate::finding::Problem;
use crate::registers::{LANES, Lanes, Mask, Slot};
use crate::vector::{Half, multiply_add, widen};

impl Machine<'_> {
    /// Whether all lanes of a warp are there, which instructions on matrices need.
    fn is_whole(&self, warp: &Warp, mask: Mask, place: usize) -> bool {
        if mask == Mask::MAX {
            return true;
        }
        let who = Who { warp: warp.index, lane: mask.trailing_zeros() as usize, place };
        self.find(Problem::DivergentWarp, who, format!("only lanes {mask:#x} execute it"), None);
        false
    }

    pub(crate) fn matrices(
        &mut self,
        warp: &mut Warp,
        matrices: &Matrices,
        mask: Mask,
        place: usize,
    ) {
        if !self.is_whole(warp, mask, place) {
            return;
        }
        let mut at = addresses(&warp.registers, &matrices.address);
        let count = matrices.registers.len();
        let used = Mask::MAX >> (LANES - 8 * count);
        for (area, mask) in self.by_area(matrices.address.area, &mut at, used) {
            if area != crate::code::Area::Shared {
                let who = Who { warp: warp.index, lane: mask.trailing_zeros() as usize, place };
                self.find(
                    Problem::OutOfBounds,
                    who,
                    "the address lies outside of shared memory".to_string(),
                    None,
                );
                return;
            }
        }
        self.count_banks(&at, used, 16, place);
        for (matrix, register) in matrices.registers.iter().enumerate() {
            let rows = std::array::from_fn(|row| at[8 * matrix + row]);
            match matrices.is_store {
                true => {
                    let words = *warp.registers.word(*register);
                    self.store_matrix(warp, rows, 8 * matrix, words, matrices.is_transposed, place);
                }
                false => {
                    let words =
                        self.load_matrix(warp, rows, 8 * matrix, matrices.is_transposed, place);
                    *warp.registers.word_mut(*register) = words;
                }
            }
        }
    }

    /// An 8×8 matrix whose rows lie at these addresses; `first` is the lane that gave the first of them.
    fn load_matrix(
        &mut self,
        warp: &Warp,
        at: [u64; 8],
        first: usize,
        is_transposed: bool,
        place: usize,
    ) -> Lanes<u32> {
        let mut rows = [[u32::MAX; 4]; 8];
        for (row, address) in at.iter().enumerate() {
            let who = Who { warp: warp.index, lane: first + row, place };
            let Some(offset) = self.shared_place(*address, 16, who) else { continue };
            self.note_shared(offset, 16, Use::Read, who, WHOLE_WARP);
            rows[row] = self.shared_words(offset, 16);
        }
        let words = std::array::from_fn(|lane| rows[lane / 4][lane % 4]);
        if is_transposed { transposed(&words) } else { words }
    }

    fn store_matrix(
        &mut self,
        warp: &Warp,
        at: [u64; 8],
        first: usize,
        words: Lanes<u32>,
        is_transposed: bool,
        place: usize,
    ) {
        let words = if is_transposed { transposed(&words) } else { words };
        for (row, address) in at.iter().enumerate() {
            let who = Who { warp: warp.index, lane: first + row, place };
            let Some(offset) = self.shared_place(*address, 16, who) else { continue };
            self.note_shared(offset, 16, Use::Write, who, WHOLE_WARP);
            self.set_shared_words(
                offset,
                16,
                std::array::from_fn(|column| words[4 * row + column]),
            );
        }
    }

    pub(crate) fn transpose_matrix(
        &mut self,
        warp: &mut Warp,
        into: Slot,
        from: Slot,
        mask: Mask,
        place: usize,
    ) {
        if self.is_whole(warp, mask, place) {
            *warp.registers.word_mut(into) = transposed(warp.registers.word(from));
        }
    }

    pub(crate) fn multiply(
        &mut self,
        warp: &mut Warp,
        multiply: &Multiply,
        mask: Mask,
        place: usize,
    ) {
        if !self.is_whole(warp, mask, place) {
            return;
        }
        *self.counters.multiplications.entry(multiply.shape).or_default() += 1;
        match multiply.shape {
            MatrixShape::Bf16K8 | MatrixShape::Bf16K16 => halves(warp, multiply, Half::Bf16),
            MatrixShape::F16K8
            | MatrixShape::F16K16
            | MatrixShape::F16ToF16K8
            | MatrixShape::F16ToF16K16 => {
                halves(warp, multiply, Half::F16);
            }
            MatrixShape::Tf32K4 | MatrixShape::Tf32K8 => tf32(warp, multiply),
            MatrixShape::F64K4 => doubles(warp, multiply),
            MatrixShape::Int8K16 | MatrixShape::Int8K32 => bytes(warp, multiply),
        }
    }
}

/// The same matrix with rows as columns, in the lanes that hold it.
fn transposed(words: &Lanes<u32>) -> Lanes<u32> {
    let element =
        |row: usize, column: usize| words[4 * row + column / 2] >> (16 * (column % 2)) & 0xffff;
    std::array::from_fn(|lane| {
        let (row, column) = (lane / 4, 2 * (lane % 4));
        element(column, row) | element(column + 1, row) << 16
    })
}

/// The sums of a product of 16 rows and 8 columns.
type Sums = [[f32; 8]; 16];

/// Each lane by its group and its place, with its number.
fn places() -> impl Iterator<Item = (usize, usize, usize)> {
    (0..8).flat_map(|group| (0..4).map(move |place| (group, place, 4 * group + place)))
}

fn sums_of(warp: &Warp, slots: &[Slot]) -> Sums {
    let mut sums = [[0.0; 8]; 16];
    for (index, slot) in slots.iter().enumerate() {
        let words = warp.registers.word(*slot);
        let rows = &mut sums[8 * (index / 2)..][..8];
        for (row, words) in rows.iter_mut().zip(words.as_chunks::<4>().0) {
            for (place, bits) in words.iter().enumerate() {
                row[2 * place + index % 2] = f32::from_bits(*bits);
            }
        }
    }
    sums
}

fn set_sums(warp: &mut Warp, slots: &[Slot], sums: &Sums) {
    for (index, slot) in slots.iter().enumerate() {
        let words = warp.registers.word_mut(*slot);
        let rows = &sums[8 * (index / 2)..][..8];
        for (row, words) in rows.iter().zip(words.as_chunks_mut::<4>().0) {
            for (place, bits) in words.iter_mut().enumerate() {
                *bits = row[2 * place + index % 2].to_bits();
            }
        }
    }
}

/// Products of bf16 and f16.
fn halves(warp: &mut Warp, multiply: &Multiply, half: Half) {
    let is_narrow = multiply.d.len() == 2;
    let mut sums = match is_narrow {
        true => packed_sums(warp, &multiply.c),
        false => sums_of(warp, &multiply.c),
    };
    // A's registers: rows 0 to 7 and 8 to 15 of columns 0 to 7, then of columns 8 to 15.
    let mut a = [[0.0; 16]; 16];
    for (index, slot) in multiply.a.iter().enumerate() {
        let [low, high] = widen(warp.registers.word(*slot), half);
        let rows = &mut a[8 * (index % 2)..][..8];
        let lanes = low.as_chunks::<4>().0.iter().zip(high.as_chunks::<4>().0);
        for (row, (low, high)) in rows.iter_mut().zip(lanes) {
            let columns = &mut row[8 * (index / 2)..][..8];
            for (pair, values) in
                columns.as_chunks_mut::<2>().0.iter_mut().zip(low.iter().zip(high))
            {
                *pair = [*values.0, *values.1];
            }
        }
    }
    let mut b = [[0.0; 8]; 16];
    for (index, slot) in multiply.b.iter().enumerate() {
        let [low, high] = widen(warp.registers.word(*slot), half);
        let rows: &mut [[f32; 8]] = &mut b[8 * index..][..8];
        for (group, place, lane) in places() {
            rows[2 * place][group] = low[lane];
            rows[2 * place + 1][group] = high[lane];
        }
    }
    multiply_add(&a, &b[..8 * multiply.b.len()], &mut sums);
    match is_narrow {
        true => set_packed_sums(warp, &multiply.d, &sums),
        false => set_sums(warp, &multiply.d, &sums),
    }
}

fn packed_sums(warp: &Warp, slots: &[Slot]) -> Sums {
    let mut sums = [[0.0; 8]; 16];
    for (index, slot) in slots.iter().enumerate() {
        let [low, high] = widen(warp.registers.word(*slot), Half::F16);
        for lane in 0..LANES {
            let row = &mut sums[lane / 4 + 8 * index];
            (row[2 * (lane % 4)], row[2 * (lane % 4) + 1]) = (low[lane], high[lane]);
        }
    }
    sums
}

fn set_packed_sums(warp: &mut Warp, slots: &[Slot], sums: &Sums) {
    use half::f16;
    for (index, slot) in slots.iter().enumerate() {
        *warp.registers.word_mut(*slot) = std::array::from_fn(|lane| {
            let row = &sums[lane / 4 + 8 * index];
            let bits = |column: usize| u32::from(f16::from_f32(row[column]).to_bits());
            bits(2 * (lane % 4)) | bits(2 * (lane % 4) + 1) << 16
        });
    }
}

/// Products of tf32: of an f32's bits, the last 13 do not count.
fn tf32(warp: &mut Warp, multiply: &Multiply) {
    let mut sums = sums_of(warp, &multiply.c);
    let value = |bits: u32| f32::from_bits(bits & !0x1fff);
    let mut a = [[0.0; 16]; 16];
    for (index, slot) in multiply.a.iter().enumerate() {
        for (lane, bits) in warp.registers.word(*slot).iter().enumerate() {
            a[lane / 4 + 8 * (index % 2)][lane % 4 + 4 * (index / 2)] = value(*bits);
        }
    }
    let mut b = [[0.0; 8]; 8];
    for (index, slot) in multiply.b.iter().enumerate() {
        for (lane, bits) in warp.registers.word(*slot).iter().enumerate() {
            b[lane % 4 + 4 * index][lane / 4] = value(*bits);
        }
    }
    multiply_add(&a, &b[..4 * multiply.b.len()], &mut sums);
    set_sums(warp, &multiply.d, &sums);
}

fn doubles(warp: &mut Warp, multiply: &Multiply) {
    let registers = &warp.registers;
    let value = |slot: Slot, lane: usize| f64::from_bits(registers.longs[slot.0 as usize][lane]);
    let (a, b) = (multiply.a[0], multiply.b[0]);
    let answer: Vec<Lanes<u64>> = (0..2)
        .map(|index| {
            std::array::from_fn(|lane| {
                let (row, column) = (lane / 4, 2 * (lane % 4) + index);
                let start = value(multiply.c[index], lane);
                let sum = (0..4).fold(start, |sum, k| {
                    value(a, 4 * row + k).mul_add(value(b, 4 * column + k), sum)
                });
                sum.to_bits()
            })
        })
        .collect();
    for (slot, lanes) in multiply.d.iter().zip(answer) {
        *warp.registers.long_mut(*slot) = lanes;
    }
}

/// Products of bytes: a register holds four columns of A, or four rows of B.
fn bytes(warp: &mut Warp, multiply: &Multiply) {
    let value = |word: u32, at: usize, is_signed: bool| -> i64 {
        let byte = (word >> (8 * at)) as u8;
        if is_signed { i64::from(byte as i8) } else { i64::from(byte) }
    };
    let [a_signed, b_signed] = multiply.is_signed;
    let (mut a, mut b) = ([[0i64; 32]; 16], [[0i64; 32]; 8]);
    for (index, slot) in multiply.a.iter().enumerate() {
        for (lane, word) in warp.registers.word(*slot).iter().enumerate() {
            for at in 0..4 {
                a[lane / 4 + 8 * (index % 2)][4 * (lane % 4) + at + 16 * (index / 2)] =
                    value(*word, at, a_signed);
            }
        }
    }
    for (index, slot) in multiply.b.iter().enumerate() {
        for (lane, word) in warp.registers.word(*slot).iter().enumerate() {
            for at in 0..4 {
                b[lane / 4][4 * (lane % 4) + at + 16 * index] = value(*word, at, b_signed);
            }
        }
    }
    let answer: Vec<Lanes<u32>> = (0..4)
        .map(|index| {
            let start = warp.registers.word(multiply.c[index]);
            std::array::from_fn(|lane| {
                let (row, column) = (lane / 4 + 8 * (index / 2), 2 * (lane % 4) + index % 2);
                let product: i64 = a[row].iter().zip(&b[column]).map(|(a, b)| a * b).sum();
                let sum = i64::from(start[lane] as i32) + product;
                match multiply.saturates {
                    true => sum.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as u32,
                    false => sum as u32,
                }
            })
        })
        .collect();
    for (slot, values) in multiply.d.iter().zip(answer) {
        *warp.registers.word_mut(*slot) = values;
    }
}
