//! `cvt`: between integers, fractions, and packed halves.

use super::Translator;
use super::float::is_float;
use crate::registers::{Bank, Compute, Element, Lanes, Registers, Slot, binary, unary};
use crate::rounding::{BF16, F16, F32, Format, Near, Rounding, TF32, round};
use half::{bf16, f16};
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;

/// A number on its way from one type to another.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Fraction(f64),
}

/// What is done on the way.
#[derive(Clone, Copy)]
struct Way {
    to: Type,
    rounding: Rounding,
    /// Whether a fraction becomes a whole number that stays a fraction (`.rni` and its kin).
    is_whole: bool,
    is_flushed: bool,
    is_saturated: bool,
    is_cut: bool,
}

impl Translator<'_> {
    pub(super) fn convert(&mut self, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let types: Vec<Type> = form.types().collect();
        let [to, from] = types[..] else { return Err("two types are needed".to_string()) };
        let suffix = form.one_of(&["rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi"]);
        let way = Way {
            to,
            rounding: suffix.map_or(Rounding::NearestEven, Rounding::of),
            is_whole: suffix.is_some_and(|suffix| suffix.ends_with('i')),
            is_flushed: form.has("ftz"),
            is_saturated: form.has("sat"),
            is_cut: form.has("relu"),
        };
        if to == Type::F64 && !is_float(from) && way.rounding != Rounding::NearestEven {
            return Err("an integer becomes the nearest f64 only".to_string());
        }
        if matches!(to, Type::F16x2 | Type::Bf16x2) {
            return self.pack_halves(way, operands);
        }
        // A register may be wider than the type: a byte comes from one of 16 or 32 bits, and goes to one.
        let (into_bank, d) = match self.target(&operands[0])? {
            Some(found) => found,
            None => return Ok(Box::new(|_, _| {})),
        };
        let (from_bank, a) = self.any_source(&operands[1], from)?;
        let fits = |bank: Bank, ty: Type| match bank {
            Bank::Word => ty.bits() <= 32,
            Bank::Long => true,
            Bank::Predicate => false,
        };
        if !fits(into_bank, to) || !fits(from_bank, from) {
            return Err("an operand has too few bits".to_string());
        }
        if let Some(fast) = frequent(way, from, (into_bank, d), (from_bank, a)) {
            return Ok(fast);
        }
        let read = reader(from, from_bank, a);
        Ok(Box::new(move |registers, mask| {
            let values = read(registers);
            let bits: Lanes<u64> = std::array::from_fn(|lane| converted(values[lane], way));
            match into_bank {
                Bank::Long => u64::write(registers, d, &bits, mask),
                _ => u32::write(registers, d, &bits.map(|bits| bits as u32), mask),
            }
        }))
    }

    /// The first operand becomes the upper half.
    fn pack_halves(&mut self, way: Way, operands: &[Operand]) -> Result<Compute, String> {
        let d = self.written(&operands[0], way.to)?;
        let ab = self.sources(&operands[1..3], Type::F32)?;
        let half = Way { to: if way.to == Type::F16x2 { Type::F16 } else { Type::Bf16 }, ..way };
        if way.to == Type::Bf16x2 && way.rounding == Rounding::NearestEven && !way.is_cut {
            return Ok(binary::<u32, u32, u32>(d, ab, |a, b| {
                nearest_bf16(a) << 16 | nearest_bf16(b)
            }));
        }
        Ok(binary::<f32, f32, u32>(d, ab, move |a, b| {
            let bits = |x: f32| converted(Number::Fraction(f64::from(x)), half) as u32;
            bits(a) << 16 | bits(b)
        }))
    }
}

/// The bits of the nearest bf16 of an f32, without a branch.
fn nearest_bf16(bits: u32) -> u32 {
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if bits & 0x7fff_ffff > 0x7f80_0000 { 0x7fff } else { rounded }
}

/// Conversions that kernels do all the time.
fn frequent(
    way: Way,
    from: Type,
    (into_bank, d): (Bank, Slot),
    (from_bank, a): (Bank, Slot),
) -> Option<Compute> {
    use Bank::{Long, Word};
    if way.is_saturated || way.is_cut || way.is_flushed {
        return None;
    }
    Some(match (way.to, from, into_bank, from_bank) {
        (Type::U64 | Type::S64, Type::U32, Long, Word) => unary::<u32, u64>(d, a, u64::from),
        (Type::S64 | Type::U64, Type::S32, Long, Word) => unary::<i32, i64>(d, a, i64::from),
        (Type::U32 | Type::S32, Type::U64 | Type::S64, Word, Long) => {
            unary::<u64, u32>(d, a, |x| x as u32)
        }
        (Type::U32 | Type::S32, Type::U16, Word, Word) => unary::<u16, u32>(d, a, u32::from),
        (Type::U16 | Type::S16, Type::U32 | Type::S32, Word, Word) => {
            unary::<u32, u16>(d, a, |x| x as u16)
        }
        (Type::F32, Type::Bf16, Word, Word) => unary::<u16, u32>(d, a, |x| u32::from(x) << 16),
        (Type::F32, Type::F16, Word, Word) => unary::<f16, f32>(d, a, f16::to_f32),
        (Type::F32, Type::S32, Word, Word) if way.rounding == Rounding::NearestEven => {
            unary::<i32, f32>(d, a, |x| x as f32)
        }
        (Type::F32, Type::U32, Word, Word) if way.rounding == Rounding::NearestEven => {
            unary::<u32, f32>(d, a, |x| x as f32)
        }
        (Type::Bf16, Type::F32, Word, Word) if way.rounding == Rounding::NearestEven => {
            unary::<u32, u16>(d, a, |x| nearest_bf16(x) as u16)
        }
        _ => return None,
    })
}

/// Reads the lanes of a register.
type Reader = Box<dyn Fn(&Registers) -> Lanes<Number> + Send + Sync>;

fn reader(from: Type, bank: Bank, a: Slot) -> Reader {
    let raw = move |registers: &Registers| -> Lanes<u64> {
        match bank {
            Bank::Long => u64::read(registers, a),
            _ => registers.word(a).map(u64::from),
        }
    };
    let bits = from.bits();
    match from {
        Type::F16 => {
            Box::new(move |r| raw(r).map(|x| Number::Fraction(f16::from_bits(x as u16).to_f64())))
        }
        Type::Bf16 => {
            Box::new(move |r| raw(r).map(|x| Number::Fraction(bf16::from_bits(x as u16).to_f64())))
        }
        Type::F32 => {
            Box::new(move |r| raw(r).map(|x| Number::Fraction(f64::from(f32::from_bits(x as u32)))))
        }
        Type::F64 => Box::new(move |r| raw(r).map(|x| Number::Fraction(f64::from_bits(x)))),
        _ if from.is_signed() => Box::new(move |r| {
            raw(r).map(|x| Number::Integer(i128::from((x << (64 - bits)) as i64 >> (64 - bits))))
        }),
        _ => Box::new(move |r| {
            raw(r).map(|x| Number::Integer(i128::from(x & (u64::MAX >> (64 - bits)))))
        }),
    }
}

/// The bits of a number as another type.
fn converted(number: Number, way: Way) -> u64 {
    if is_float(way.to) { to_fraction(number, way) } else { to_integer(number, way) }
}

/// The whole number that a fraction is rounded to.
fn whole(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::NearestEven => value.round_ties_even(),
        Rounding::NearestAway => value.round(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}

fn to_integer(number: Number, way: Way) -> u64 {
    let bits = way.to.bits();
    let (least, most) = match way.to.is_signed() {
        true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        false => (0, (1i128 << bits) - 1),
    };
    let value = match number {
        // A fraction is always held within the range; what is no number gives 0.
        Number::Fraction(value) if value.is_nan() => 0,
        Number::Fraction(value) => (whole(value, way.rounding) as i128).clamp(least, most),
        Number::Integer(value) if way.is_saturated => value.clamp(least, most),
        Number::Integer(value) => value,
    };
    // A register that is wider gets the sign of the type, or zeros.
    let shift = 64 - bits;
    match way.to.is_signed() {
        true => ((value as u64) << shift) as i64 as u64 >> shift | sign_above(value, bits),
        false => value as u64 & (u64::MAX >> shift),
    }
}

/// The bits above so many of a signed value, as the sign of these says.
fn sign_above(value: i128, bits: u32) -> u64 {
    match value >> (bits - 1) & 1 == 1 && bits < 64 {
        true => u64::MAX << bits,
        false => 0,
    }
}

fn to_fraction(number: Number, way: Way) -> u64 {
    let near = match number {
        Number::Fraction(value) => {
            let is_tiny = way.is_flushed && value.abs() < f64::from(f32::MIN_POSITIVE);
            Near::exact(if is_tiny { 0f64.copysign(value) } else { value })
        }
        Number::Integer(value) => {
            let nearest = value as f64;
            Near { value: nearest, residual: (value - nearest as i128) as f64 }
        }
    };
    let near = if way.is_whole { Near::exact(whole(near.value, way.rounding)) } else { near };
    let format: Option<Format> = match way.to {
        Type::F16 => Some(F16),
        Type::Bf16 => Some(BF16),
        Type::F32 => Some(F32),
        Type::Tf32 => Some(TF32),
        _ => None,
    };
    let mut value = match format {
        Some(format) => round(near, format, way.rounding),
        None => near.value,
    };
    if way.is_flushed && way.to == Type::F32 && value.abs() < f64::from(f32::MIN_POSITIVE) {
        value = 0f64.copysign(value);
    }
    if way.is_saturated {
        value = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) + 0.0 };
    }
    if way.is_cut && value < 0.0 {
        value = 0.0;
    }
    match way.to {
        Type::F16 if value.is_nan() => 0x7fff,
        Type::F16 => u64::from(f16::from_f64(value).to_bits()),
        Type::Bf16 if value.is_nan() => 0x7fff,
        Type::Bf16 => u64::from(bf16::from_f64(value).to_bits()),
        Type::F32 | Type::Tf32 if value.is_nan() => 0x7fff_ffff,
        Type::F32 | Type::Tf32 => u64::from((value as f32).to_bits()),
        _ => value.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_bf16_is_what_rounding_says() {
        for bits in (0..u32::MAX).step_by(65_521).chain([
            0x7f80_0000,
            0xff80_0000,
            0x7f7f_ffff,
            1,
            0x8000_0001,
        ]) {
            let value = f64::from(f32::from_bits(bits));
            let way = Way {
                to: Type::Bf16,
                rounding: Rounding::NearestEven,
                is_whole: false,
                is_flushed: false,
                is_saturated: false,
                is_cut: false,
            };
            assert_eq!(
                u64::from(nearest_bf16(bits)),
                converted(Number::Fraction(value), way),
                "{bits:#x}"
            );
        }
    }
}
