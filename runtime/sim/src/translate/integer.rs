//! Integers and bits.

use super::Translator;
use crate::registers::{Compute, Slot, binary, ternary, unary};
use ocellus_ptx::ast::{Immediate, Operand, Type};
use ocellus_ptx::isa::Form;

/// Chooses the type of Rust for a type of PTX, and one that holds its products.
macro_rules! by_integer {
    ($ty:expr, $t:ident, $wide:ident => $body:expr) => {
        match $ty {
            Type::U16 | Type::B16 => {
                type $t = u16;
                #[allow(dead_code)]
                type $wide = u32;
                $body
            }
            Type::U32 | Type::B32 => {
                type $t = u32;
                #[allow(dead_code)]
                type $wide = u64;
                $body
            }
            Type::U64 | Type::B64 => {
                type $t = u64;
                #[allow(dead_code)]
                type $wide = u128;
                $body
            }
            Type::S16 => {
                type $t = i16;
                #[allow(dead_code)]
                type $wide = i32;
                $body
            }
            Type::S32 => {
                type $t = i32;
                #[allow(dead_code)]
                type $wide = i64;
                $body
            }
            Type::S64 => {
                type $t = i64;
                #[allow(dead_code)]
                type $wide = i128;
                $body
            }
            other => return Err(format!("{} is no integer that is supported here", other.text())),
        }
    };
}

/// `u32` or `u64` where only these are there.
macro_rules! by_bits {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty.bits() {
            16 => {
                type $t = u16;
                $body
            }
            32 => {
                type $t = u32;
                $body
            }
            64 => {
                type $t = u64;
                $body
            }
            bits => return Err(format!("{bits} bits are not supported here")),
        }
    };
}

impl Translator<'_> {
    pub(super) fn integer(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let Some(ty) = form.types().last() else { return Err("a type is missing".to_string()) };
        match name {
            "add" | "sub" | "addc" | "subc" | "madc" => self.sum(name, form, ty, operands),
            "mad" if form.has("cc") => self.sum(name, form, ty, operands),
            "mul" | "mad" | "mul24" | "mad24" => self.product(name, form, ty, operands),
            "div" | "rem" | "min" | "max" | "abs" | "neg" | "sad" => {
                self.arithmetic(name, ty, operands)
            }
            "and" | "or" | "xor" | "not" | "cnot" | "shl" | "shr" => self.bits(name, ty, operands),
            "popc" | "clz" | "brev" | "bfind" => self.counted(name, form, ty, operands),
            _ => self.fields(name, form, ty, operands),
        }
    }

    fn sum(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let d = self.written(&operands[0], ty)?;
        if matches!(ty, Type::U16x2 | Type::S16x2) {
            let ab = self.sources(&operands[1..], ty)?;
            return Ok(binary::<[u16; 2], [u16; 2], [u16; 2]>(d, ab, |a, b| {
                [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
            }));
        }
        let is_carried = form.has("cc") || matches!(name, "addc" | "subc" | "madc");
        if is_carried {
            return self.carried(name, form, ty, operands);
        }
        let ab = self.sources(&operands[1..], ty)?;
        if form.has("sat") {
            return Ok(match name {
                "add" => binary::<i32, i32, i32>(d, ab, i32::saturating_add),
                _ => binary::<i32, i32, i32>(d, ab, i32::saturating_sub),
            });
        }
        Ok(by_integer!(ty, T, Wide => match name {
            "add" => binary::<T, T, T>(d, ab, T::wrapping_add),
            _ => binary::<T, T, T>(d, ab, T::wrapping_sub),
        }))
    }

    /// Sums that read the carry, write it, or both.
    fn carried(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        use crate::registers::Element;
        let d = self.written(&operands[0], ty)?;
        let is_mad = matches!(name, "mad" | "madc");
        let abc: Vec<Slot> =
            operands[1..].iter().map(|o| self.source(o, ty)).collect::<Result<_, _>>()?;
        let reads = matches!(name, "addc" | "subc" | "madc");
        let writes = form.has("cc");
        let is_high = form.has("hi");
        let is_difference = matches!(name, "sub" | "subc");
        let carry = self.carry;
        let is_signed = ty.is_signed();
        let bits = ty.bits();
        let sum = move |a: u64, b: u64, c: u64, carried: bool| -> (u64, bool) {
            let mask = u64::MAX >> (64 - bits);
            let signed = |x: u64| (x << (64 - bits)) as i64 >> (64 - bits);
            let (first, second) = if is_mad {
                let product = if is_signed {
                    (i128::from(signed(a)) * i128::from(signed(b))) as u128
                } else {
                    u128::from(a) * u128::from(b)
                };
                ((if is_high { product >> bits } else { product }) as u64 & mask, c)
            } else {
                (a, b)
            };
            let whole = if is_difference {
                (u128::from(first))
                    .wrapping_sub(u128::from(second))
                    .wrapping_sub(u128::from(carried))
            } else {
                u128::from(first) + u128::from(second) + u128::from(carried)
            };
            (whole as u64 & mask, whole >> bits & 1 == 1)
        };
        macro_rules! run {
            ($t:ty) => {
                Ok(Box::new(move |registers, mask| {
                    let values: Vec<_> =
                        abc.iter().map(|slot| <$t>::read(registers, *slot)).collect();
                    let old = registers.predicate(carry);
                    let (mut new, mut carries) = ([0 as $t; 32], 0u32);
                    for lane in 0..32 {
                        let at = |index: usize| values.get(index).map_or(0, |v| u64::from(v[lane]));
                        let (value, over) = sum(at(0), at(1), at(2), reads && old >> lane & 1 == 1);
                        new[lane] = value as $t;
                        carries |= u32::from(over) << lane;
                    }
                    <$t>::write(registers, d, &new, mask);
                    if writes {
                        registers.set_predicate(carry, carries, mask);
                    }
                }))
            };
        }
        match bits {
            64 => run!(u64),
            _ => run!(u32),
        }
    }

    fn product(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let has_addend = name.starts_with("mad");
        if form.has("wide") {
            return self.wide_product(has_addend, ty, operands);
        }
        let d = self.written(&operands[0], ty)?;
        let is_high = form.has("hi");
        if name.ends_with("24") {
            let zero = Operand::Immediate(Immediate::Integer(0));
            let c = operands.get(3).unwrap_or(&zero);
            let abc = [
                self.source(&operands[1], ty)?,
                self.source(&operands[2], ty)?,
                self.source(c, ty)?,
            ];
            let shift = if is_high { 16 } else { 0 };
            return Ok(match ty {
                Type::S32 => ternary::<i32, i32, i32, i32>(d, abc, move |a, b, c| {
                    let narrow = |x: i32| i64::from(x << 8 >> 8);
                    (((narrow(a) * narrow(b)) >> shift) as i32).wrapping_add(c)
                }),
                _ => ternary::<u32, u32, u32, u32>(d, abc, move |a, b, c| {
                    let product = u64::from(a & 0xff_ffff) * u64::from(b & 0xff_ffff);
                    ((product >> shift) as u32).wrapping_add(c)
                }),
            });
        }
        if has_addend {
            let abc = self.sources(&operands[1..], ty)?;
            if form.has("sat") {
                return Ok(ternary::<i32, i32, i32, i32>(d, abc, |a, b, c| {
                    (((i64::from(a) * i64::from(b)) >> 32) as i32).saturating_add(c)
                }));
            }
            return Ok(by_integer!(ty, T, Wide => match is_high {
                true => ternary::<T, T, T, T>(d, abc, |a, b, c| {
                    (((Wide::from(a) * Wide::from(b)) >> T::BITS) as T).wrapping_add(c)
                }),
                false => ternary::<T, T, T, T>(d, abc, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
            }));
        }
        let ab = self.sources(&operands[1..], ty)?;
        Ok(by_integer!(ty, T, Wide => match is_high {
            true => binary::<T, T, T>(d, ab, |a, b| ((Wide::from(a) * Wide::from(b)) >> T::BITS) as T),
            false => binary::<T, T, T>(d, ab, T::wrapping_mul),
        }))
    }

    fn wide_product(
        &mut self,
        has_addend: bool,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let wide = match ty {
            Type::U16 => Type::U32,
            Type::S16 => Type::S32,
            Type::U32 => Type::U64,
            _ => Type::S64,
        };
        let d = self.written(&operands[0], wide)?;
        let ab @ [a, b] = self.sources(&operands[1..3], ty)?;
        macro_rules! wide {
            ($t:ty, $w:ty) => {
                match has_addend {
                    true => {
                        let abc = [a, b, self.source(&operands[3], wide)?];
                        ternary::<$t, $t, $w, $w>(d, abc, |a, b, c| {
                            (<$w>::from(a) * <$w>::from(b)).wrapping_add(c)
                        })
                    }
                    false => binary::<$t, $t, $w>(d, ab, |a, b| <$w>::from(a) * <$w>::from(b)),
                }
            };
        }
        Ok(match ty {
            Type::U16 => wide!(u16, u32),
            Type::S16 => wide!(i16, i32),
            Type::U32 => wide!(u32, u64),
            _ => wide!(i32, i64),
        })
    }

    fn arithmetic(
        &mut self,
        name: &str,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let d = self.written(&operands[0], ty)?;
        let a = self.source(&operands[1], ty)?;
        if matches!(name, "abs" | "neg") {
            return Ok(match (name, ty) {
                ("abs", Type::S16) => unary::<i16, i16>(d, a, i16::wrapping_abs),
                ("abs", Type::S32) => unary::<i32, i32>(d, a, i32::wrapping_abs),
                ("abs", _) => unary::<i64, i64>(d, a, i64::wrapping_abs),
                (_, Type::S16) => unary::<i16, i16>(d, a, i16::wrapping_neg),
                (_, Type::S32) => unary::<i32, i32>(d, a, i32::wrapping_neg),
                (_, _) => unary::<i64, i64>(d, a, i64::wrapping_neg),
            });
        }
        if name == "sad" {
            let abc = self.sources(&operands[1..], ty)?;
            return Ok(by_integer!(ty, T, Wide => ternary::<T, T, T, T>(d, abc, |a, b, c| {
                c.wrapping_add(a.abs_diff(b) as T)
            })));
        }
        let ab = [a, self.source(&operands[2], ty)?];
        match ty {
            Type::U16x2 if name == "min" => {
                return Ok(binary::<[u16; 2], [u16; 2], [u16; 2]>(d, ab, |a, b| {
                    [a[0].min(b[0]), a[1].min(b[1])]
                }));
            }
            Type::U16x2 => {
                return Ok(binary::<[u16; 2], [u16; 2], [u16; 2]>(d, ab, |a, b| {
                    [a[0].max(b[0]), a[1].max(b[1])]
                }));
            }
            Type::S16x2 if name == "min" => {
                return Ok(binary::<[i16; 2], [i16; 2], [i16; 2]>(d, ab, |a, b| {
                    [a[0].min(b[0]), a[1].min(b[1])]
                }));
            }
            Type::S16x2 => {
                return Ok(binary::<[i16; 2], [i16; 2], [i16; 2]>(d, ab, |a, b| {
                    [a[0].max(b[0]), a[1].max(b[1])]
                }));
            }
            _ => {}
        }
        // What a division by zero gives is not said; the hardware gives ones in all bits.
        Ok(by_integer!(ty, T, Wide => match name {
            "div" => binary::<T, T, T>(d, ab, |a, b| if b == 0 { !0 } else { a.wrapping_div(b) }),
            "rem" => binary::<T, T, T>(d, ab, |a, b| if b == 0 { a } else { a.wrapping_rem(b) }),
            "min" => binary::<T, T, T>(d, ab, T::min),
            _ => binary::<T, T, T>(d, ab, T::max),
        }))
    }

    fn bits(&mut self, name: &str, ty: Type, operands: &[Operand]) -> Result<Compute, String> {
        let d = self.written(&operands[0], ty)?;
        let a = self.source(&operands[1], ty)?;
        if matches!(name, "shl" | "shr") {
            // The count has 32 bits, whatever is shifted, and one too large leaves nothing but the sign.
            let by = self.source(&operands[2], Type::U32)?;
            return Ok(by_integer!(ty, T, Wide => match name {
                "shl" => binary::<T, u32, T>(d, [a, by], |a, by| a.checked_shl(by).unwrap_or(0)),
                _ => binary::<T, u32, T>(d, [a, by], |a, by| a >> by.min(T::BITS - 1) >> u32::from(by >= T::BITS)),
            }));
        }
        if matches!(name, "not" | "cnot") {
            return Ok(by_bits!(ty, T => match name {
                "not" => unary::<T, T>(d, a, |a| !a),
                _ => unary::<T, T>(d, a, |a| T::from(a == 0)),
            }));
        }
        let ab = [a, self.source(&operands[2], ty)?];
        Ok(by_bits!(ty, T => match name {
            "and" => binary::<T, T, T>(d, ab, |a, b| a & b),
            "or" => binary::<T, T, T>(d, ab, |a, b| a | b),
            _ => binary::<T, T, T>(d, ab, |a, b| a ^ b),
        }))
    }

    fn counted(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let into = if name == "brev" { ty } else { Type::U32 };
        let d = self.written(&operands[0], into)?;
        let a = self.source(&operands[1], ty)?;
        let is_shift = form.has("shiftamt");
        Ok(match (name, ty) {
            ("popc", Type::B32) => unary::<u32, u32>(d, a, u32::count_ones),
            ("popc", _) => unary::<u64, u32>(d, a, u64::count_ones),
            ("clz", Type::B32) => unary::<u32, u32>(d, a, u32::leading_zeros),
            ("clz", _) => unary::<u64, u32>(d, a, u64::leading_zeros),
            ("brev", Type::B32) => unary::<u32, u32>(d, a, u32::reverse_bits),
            ("brev", _) => unary::<u64, u64>(d, a, u64::reverse_bits),
            (_, Type::U32 | Type::S32) => unary::<u32, u32>(d, a, move |a| {
                let a = if ty.is_signed() && a >> 31 == 1 { !a } else { a };
                found(a.leading_zeros(), 32, is_shift)
            }),
            (_, _) => unary::<u64, u32>(d, a, move |a| {
                let a = if ty.is_signed() && a >> 63 == 1 { !a } else { a };
                found(a.leading_zeros(), 64, is_shift)
            }),
        })
    }
}

/// Where `bfind` finds the first bit, by the zeros before it.
fn found(zeros: u32, bits: u32, is_shift: bool) -> u32 {
    match zeros == bits {
        true => u32::MAX,
        false if is_shift => zeros,
        false => bits - 1 - zeros,
    }
}
