//! Fields of bits: extraction, insertion, permutation, funnel shifts, logic of three operands.

use super::Translator;
use crate::registers::{Compute, Slot, binary, ternary};
use ocellus_ptx::ast::{Immediate, Operand, Type};
use ocellus_ptx::isa::Form;

impl Translator<'_> {
    pub(super) fn fields(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let d = self.written(&operands[0], if name == "fns" { Type::B32 } else { ty })?;
        match name {
            "bfe" => self.extract(d, ty, operands),
            "bfi" => self.insert(d, ty, operands),
            "lop3" => self.lookup(d, operands),
            "prmt" => self.permute(d, form, operands),
            "shf" => self.funnel(d, form, operands),
            "fns" => {
                let abc = self.sources(&operands[1..], Type::B32)?;
                Ok(ternary::<u32, u32, i32, u32>(d, abc, nth_set))
            }
            "bmsk" => {
                let ab = self.sources(&operands[1..], Type::B32)?;
                let is_wrapped = form.has("wrap");
                Ok(binary::<u32, u32, u32>(d, ab, move |start, width| {
                    let [start, width] =
                        if is_wrapped { [start & 31, width & 31] } else { [start, width] };
                    let ones = 1u32.checked_shl(width).map_or(u32::MAX, |bit| bit.wrapping_sub(1));
                    ones.checked_shl(start).unwrap_or(0)
                }))
            }
            "szext" => {
                let ab = self.sources(&operands[1..], Type::B32)?;
                let (is_wrapped, is_signed) = (form.has("wrap"), ty.is_signed());
                Ok(binary::<u32, u32, u32>(d, ab, move |value, width| {
                    let width = if is_wrapped { width & 31 } else { width };
                    extract(u64::from(value), 0, width.min(255), 32, is_signed) as u32
                }))
            }
            "dp4a" | "dp2a" => self.dot(name, d, form, operands),
            "cvt.pack" => self.packed_conversion(d, form, operands),
            _ => Err("it is declared, and not translated".to_string()),
        }
    }

    fn extract(&mut self, d: Slot, ty: Type, operands: &[Operand]) -> Result<Compute, String> {
        let a = self.source(&operands[1], ty)?;
        let [b, c] = self.sources(&operands[2..], Type::U32)?;
        let is_signed = ty.is_signed();
        Ok(match ty.bits() {
            64 => ternary::<u64, u32, u32, u64>(d, [a, b, c], move |a, at, length| {
                extract(a, at & 255, length & 255, 64, is_signed)
            }),
            _ => ternary::<u32, u32, u32, u32>(d, [a, b, c], move |a, at, length| {
                extract(u64::from(a), at & 255, length & 255, 32, is_signed) as u32
            }),
        })
    }

    fn insert(&mut self, d: Slot, ty: Type, operands: &[Operand]) -> Result<Compute, String> {
        use crate::registers::Element;
        let [a, b] = self.sources(&operands[1..3], ty)?;
        let [at, length] = self.sources(&operands[3..], Type::U32)?;
        macro_rules! insert {
            ($t:ty) => {
                Ok(Box::new(move |registers, mask| {
                    let (a, b) = (<$t>::read(registers, a), <$t>::read(registers, b));
                    let (at, length) = (u32::read(registers, at), u32::read(registers, length));
                    let new = std::array::from_fn(|lane| {
                        let (at, length) = (at[lane] & 255, length[lane] & 255);
                        let ones = (1 as $t)
                            .checked_shl(length)
                            .map_or(<$t>::MAX, |bit| bit.wrapping_sub(1));
                        let field = ones.checked_shl(at).unwrap_or(0);
                        (b[lane] & !field) | (a[lane].checked_shl(at).unwrap_or(0) & field)
                    });
                    <$t>::write(registers, d, &new, mask);
                }))
            };
        }
        match ty.bits() {
            64 => insert!(u64),
            _ => insert!(u32),
        }
    }

    fn lookup(&mut self, d: Slot, operands: &[Operand]) -> Result<Compute, String> {
        let abc = self.sources(&operands[1..4], Type::B32)?;
        let Operand::Immediate(Immediate::Integer(table)) = operands[4] else {
            return Err("the table is a number".to_string());
        };
        Ok(ternary::<u32, u32, u32, u32>(d, abc, move |a, b, c| {
            (0..8).filter(|row| table >> row & 1 == 1).fold(0, |found, row| {
                let side = |bit: u32, x: u32| if row >> bit & 1 == 1 { x } else { !x };
                found | side(2, a) & side(1, b) & side(0, c)
            })
        }))
    }

    fn permute(&mut self, d: Slot, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let abc = self.sources(&operands[1..], Type::B32)?;
        let mode = form.one_of(&["f4e", "b4e", "rc8", "ecl", "ecr", "rc16"]);
        Ok(ternary::<u32, u32, u32, u32>(d, abc, move |a, b, c| {
            let bytes = u64::from(b) << 32 | u64::from(a);
            let byte = |at: u32| (bytes >> (8 * (at & 7))) as u8;
            let chosen = |place: u32| -> u8 {
                let by = c & 3;
                match mode {
                    None => {
                        let select = c >> (4 * place);
                        let value = byte(select);
                        if select & 8 == 0 { value } else { ((value as i8) >> 7) as u8 }
                    }
                    Some("f4e") => byte(by + place),
                    Some("b4e") => byte(by.wrapping_sub(place)),
                    Some("rc8") => byte(by),
                    Some("ecl") => byte(place.max(by)),
                    Some("ecr") => byte(place.min(by)),
                    Some(_) => byte((c & 1) * 2 + (place & 1)),
                }
            };
            u32::from_le_bytes([chosen(0), chosen(1), chosen(2), chosen(3)])
        }))
    }

    fn funnel(&mut self, d: Slot, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let abc = self.sources(&operands[1..], Type::B32)?;
        let (is_left, is_wrapped) = (form.has("l"), form.has("wrap"));
        Ok(ternary::<u32, u32, u32, u32>(d, abc, move |a, b, c| {
            let by = if is_wrapped { c & 31 } else { c.min(32) };
            let both = u64::from(b) << 32 | u64::from(a);
            match is_left {
                true => ((both << by) >> 32) as u32,
                false => (both >> by) as u32,
            }
        }))
    }

    fn dot(
        &mut self,
        name: &str,
        d: Slot,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let abc = self.sources(&operands[1..], Type::B32)?;
        let signs: Vec<bool> = form.types().map(Type::is_signed).collect();
        let [a_signed, b_signed] = signs[..] else {
            return Err("two types are needed".to_string());
        };
        let byte = |x: u32, at: u32, is_signed: bool| -> i32 {
            let value = (x >> (8 * at)) as u8;
            if is_signed { i32::from(value as i8) } else { i32::from(value) }
        };
        if name == "dp4a" {
            return Ok(ternary::<u32, u32, i32, i32>(d, abc, move |a, b, c| {
                (0..4).fold(c, |sum, at| {
                    sum.wrapping_add(byte(a, at, a_signed) * byte(b, at, b_signed))
                })
            }));
        }
        let first = if form.has("hi") { 2 } else { 0 };
        Ok(ternary::<u32, u32, i32, i32>(d, abc, move |a, b, c| {
            (0..2).fold(c, |sum, at| {
                let value = (a >> (16 * at)) as u16;
                let wide = if a_signed { i32::from(value as i16) } else { i32::from(value) };
                sum.wrapping_add(wide.wrapping_mul(byte(b, first + at, b_signed)))
            })
        }))
    }

    fn packed_conversion(
        &mut self,
        d: Slot,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let Some(to) = form.types().next() else { return Err("a type is missing".to_string()) };
        let bits = to.bits();
        let (least, most) = match to.is_signed() {
            true => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
            false => (0, (1i64 << bits) - 1),
        };
        let cut =
            move |x: i32| (i64::from(x).clamp(least, most) as u32) & (u32::MAX >> (32 - bits));
        let [a, b] = self.sources(&operands[1..3], Type::S32)?;
        Ok(match operands.get(3) {
            // The bytes that were packed before move up.
            Some(c) => {
                let c = self.source(c, Type::B32)?;
                ternary::<i32, i32, u32, u32>(d, [a, b, c], move |a, b, c| {
                    cut(b) | cut(a) << bits | c << (2 * bits)
                })
            }
            None => binary::<i32, i32, u32>(d, [a, b], move |a, b| cut(b) | cut(a) << bits),
        })
    }
}

/// `length` bits from `at` on of a value of so many bits; the sign is the last bit of the field, or of the value where the
/// field goes past its end.
fn extract(value: u64, at: u32, length: u32, bits: u32, is_signed: bool) -> u64 {
    let last = bits - 1;
    let sign = match (is_signed, length) {
        (false, _) | (_, 0) => 0,
        _ => value >> (at + length - 1).min(last) & 1,
    };
    let ones = 1u64.checked_shl(length.min(bits)).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
    let shifted = if at > last { 0 } else { value >> at };
    let there = bits.saturating_sub(at).min(length);
    let of_value =
        shifted & ones & 1u64.checked_shl(there).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
    let above = if sign == 1 { u64::MAX.checked_shl(there).unwrap_or(0) } else { 0 };
    (of_value | above) & (u64::MAX >> (64 - bits))
}

/// `fns`: the place of the bit that is the `offset`-th set one from a base on, up or down.
fn nth_set(mask: u32, base: u32, offset: i32) -> u32 {
    if base > 31 {
        return u32::MAX;
    }
    if offset == 0 {
        return if mask >> base & 1 == 1 { base } else { u32::MAX };
    }
    let mut left = offset.unsigned_abs();
    let mut place = i64::from(base);
    while (0..32).contains(&place) {
        if mask >> place & 1 == 1 {
            left -= 1;
            if left == 0 {
                return place as u32;
            }
        }
        place += i64::from(offset.signum());
    }
    u32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_the_sign_of_its_last_bit() {
        assert_eq!(extract(0xabcd, 4, 8, 32, false), 0xbc);
        assert_eq!(extract(0xabcd, 4, 8, 32, true), 0xffff_ffbc);
        assert_eq!(extract(0x8000_0000, 28, 8, 32, true), 0xffff_fff8);
        assert_eq!(extract(0x8000_0000, 40, 8, 32, true), 0xffff_ffff);
        assert_eq!(extract(0x8000_0000, 40, 8, 32, false), 0);
        assert_eq!(extract(u64::MAX, 0, 0, 32, true), 0);
        assert_eq!(extract(1 << 63, 63, 1, 64, true), u64::MAX);
    }

    #[test]
    fn the_nth_bit_is_counted_from_the_base() {
        assert_eq!(nth_set(0b1011_0100, 0, 1), 2);
        assert_eq!(nth_set(0b1011_0100, 3, 2), 5);
        assert_eq!(nth_set(0b1011_0100, 6, -1), 5);
        assert_eq!(nth_set(0b1011_0100, 4, 0), 4);
        assert_eq!(nth_set(0b1011_0100, 3, 0), u32::MAX);
        assert_eq!(nth_set(0, 0, 1), u32::MAX);
    }
}
