//! The registers of a warp, by slot and lane, and functions over all lanes at once.
//!
//! A slot holds the values of all 32 lanes, so that an instruction is one loop over an array. Numbers and the registers that the
//! machine fills lie in slots too (see [`Constant`](crate::code::Constant)): an operand is always a slot. Predicates are one
//! bit a lane.

use half::{bf16, f16};

/// The threads of a warp.
pub(crate) const LANES: usize = 32;

/// A bit for each lane.
pub(crate) type Mask = u32;

/// A value of each lane.
pub(crate) type Lanes<T> = [T; LANES];

/// The lanes of a mask.
pub(crate) fn lanes(mask: Mask) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let lane = rest.trailing_zeros() as usize;
        rest &= rest.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// Where a value lies in its bank.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Slot(pub u32);

impl Slot {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The banks: 8 to 32 bits, 64 bits, one bit.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Bank {
    Word,
    Long,
    Predicate,
}

/// All registers of a warp.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registers {
    pub words: Vec<Lanes<u32>>,
    pub longs: Vec<Lanes<u64>>,
    pub predicates: Vec<Mask>,
}

impl Registers {
    pub(crate) fn new(words: usize, longs: usize, predicates: usize) -> Self {
        Self {
            words: vec![[0; LANES]; words],
            longs: vec![[0; LANES]; longs],
            predicates: vec![0; predicates],
        }
    }

    pub(crate) fn word(&self, slot: Slot) -> &Lanes<u32> {
        &self.words[slot.index()]
    }

    pub(crate) fn word_mut(&mut self, slot: Slot) -> &mut Lanes<u32> {
        &mut self.words[slot.index()]
    }

    pub(crate) fn long_mut(&mut self, slot: Slot) -> &mut Lanes<u64> {
        &mut self.longs[slot.index()]
    }

    pub(crate) fn predicate(&self, slot: Slot) -> Mask {
        self.predicates[slot.index()]
    }

    pub(crate) fn set_predicate(&mut self, slot: Slot, values: Mask, mask: Mask) {
        let old = &mut self.predicates[slot.index()];
        *old = (*old & !mask) | (values & mask);
    }
}

/// A type that instructions compute with, as it lies in a register.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    fn read(registers: &Registers, slot: Slot) -> Lanes<Self>;

    /// Writes the lanes of a mask.
    fn write(registers: &mut Registers, slot: Slot, values: &Lanes<Self>, mask: Mask);
}

fn blend<T: Copy>(into: &mut Lanes<T>, values: &Lanes<T>, mask: Mask) {
    if mask == Mask::MAX {
        *into = *values;
        return;
    }
    for (lane, (old, new)) in into.iter_mut().zip(values).enumerate() {
        if mask >> lane & 1 == 1 {
            *old = *new;
        }
    }
}

macro_rules! element {
    ($ty:ty, $field:ident, $bits:ident => $read:expr, $value:ident => $write:expr) => {
        impl Element for $ty {
            fn read(registers: &Registers, slot: Slot) -> Lanes<Self> {
                registers.$field[slot.index()].map(|$bits| $read)
            }

            fn write(registers: &mut Registers, slot: Slot, values: &Lanes<Self>, mask: Mask) {
                let new = values.map(|$value| $write);
                blend(&mut registers.$field[slot.index()], &new, mask);
            }
        }
    };
}

element!(u32, words, bits => bits, value => value);
element!(i32, words, bits => bits as i32, value => value as u32);
element!(f32, words, bits => f32::from_bits(bits), value => value.to_bits());
element!(u16, words, bits => bits as u16, value => u32::from(value));
element!(i16, words, bits => bits as i16, value => u32::from(value as u16));
element!(u8, words, bits => bits as u8, value => u32::from(value));
element!(i8, words, bits => bits as i8, value => u32::from(value as u8));
element!(f16, words, bits => f16::from_bits(bits as u16), value => u32::from(value.to_bits()));
element!(bf16, words, bits => bf16::from_bits(bits as u16), value => u32::from(value.to_bits()));
element!([f16; 2], words, bits => [f16::from_bits(bits as u16), f16::from_bits((bits >> 16) as u16)],
    value => u32::from(value[0].to_bits()) | u32::from(value[1].to_bits()) << 16);
element!([bf16; 2], words, bits => [bf16::from_bits(bits as u16), bf16::from_bits((bits >> 16) as u16)],
    value => u32::from(value[0].to_bits()) | u32::from(value[1].to_bits()) << 16);
element!([u16; 2], words, bits => [bits as u16, (bits >> 16) as u16],
    value => u32::from(value[0]) | u32::from(value[1]) << 16);
element!([i16; 2], words, bits => [bits as i16, (bits >> 16) as i16],
    value => u32::from(value[0] as u16) | u32::from(value[1] as u16) << 16);
element!(u64, longs, bits => bits, value => value);
element!(i64, longs, bits => bits as i64, value => value as u64);
element!(f64, longs, bits => f64::from_bits(bits), value => value.to_bits());

/// What an instruction does to registers, in the lanes of a mask.
pub(crate) type Compute = Box<dyn Fn(&mut Registers, Mask) + Send + Sync>;

pub(crate) fn unary<A: Element, D: Element>(
    d: Slot,
    a: Slot,
    f: impl Fn(A) -> D + Send + Sync + 'static,
) -> Compute {
    Box::new(move |registers, mask| {
        let a = A::read(registers, a);
        D::write(registers, d, &std::array::from_fn(|lane| f(a[lane])), mask);
    })
}

pub(crate) fn binary<A: Element, B: Element, D: Element>(
    d: Slot,
    [a, b]: [Slot; 2],
    f: impl Fn(A, B) -> D + Send + Sync + 'static,
) -> Compute {
    Box::new(move |registers, mask| {
        let (a, b) = (A::read(registers, a), B::read(registers, b));
        D::write(registers, d, &std::array::from_fn(|lane| f(a[lane], b[lane])), mask);
    })
}

pub(crate) fn ternary<A: Element, B: Element, C: Element, D: Element>(
    d: Slot,
    [a, b, c]: [Slot; 3],
    f: impl Fn(A, B, C) -> D + Send + Sync + 'static,
) -> Compute {
    Box::new(move |registers, mask| {
        let (a, b, c) = (A::read(registers, a), B::read(registers, b), C::read(registers, c));
        D::write(registers, d, &std::array::from_fn(|lane| f(a[lane], b[lane], c[lane])), mask);
    })
}

/// The lanes for which a function of two values is true.
pub(crate) fn mask_of<A: Element>(
    registers: &Registers,
    [a, b]: [Slot; 2],
    f: impl Fn(A, A) -> bool,
) -> Mask {
    let (a, b) = (A::read(registers, a), A::read(registers, b));
    (0..LANES).fold(0, |mask, lane| mask | u32::from(f(a[lane], b[lane])) << lane)
}
