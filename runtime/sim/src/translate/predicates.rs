//! What makes predicates and what chooses by them, and moves.

use super::{Translator, copied};
use crate::code::Kind;
use crate::registers::{Bank, Compute, Element, LANES, Mask, Registers, Slot, mask_of, ternary};
use half::{bf16, f16};
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;
use std::cmp::Ordering;

/// The lanes for which a comparison is true.
type Comparison = Box<dyn Fn(&Registers) -> Mask + Send + Sync>;

/// How a predicate is joined to another.
#[derive(Clone, Copy)]
enum Join {
    And,
    Or,
    Xor,
}

impl Join {
    fn of(suffix: &str) -> Self {
        match suffix {
            "and" => Join::And,
            "or" => Join::Or,
            _ => Join::Xor,
        }
    }

    fn apply(self, a: Mask, b: Mask) -> Mask {
        match self {
            Join::And => a & b,
            Join::Or => a | b,
            Join::Xor => a ^ b,
        }
    }
}

fn value_of(registers: &Registers, (slot, is_negated): (Slot, bool)) -> Mask {
    registers.predicate(slot) ^ if is_negated { Mask::MAX } else { 0 }
}

impl Translator<'_> {
    pub(super) fn comparison(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        match name {
            "testp" => self.test(form, operands).map(Kind::Compute),
            "set" => self.set(form, operands).map(Kind::Compute),
            _ => self.setp(form, operands).map(Kind::Compute),
        }
    }

    /// The comparison of a `setp` or a `set`, joined with its last operand.
    fn joined(&mut self, form: &Form, operands: &[Operand]) -> Result<[Comparison; 2], String> {
        let ty = form.types().last().unwrap_or(Type::B32);
        let operator = form.suffixes.first().copied().unwrap_or("eq");
        let ab: [Slot; 2] = self.sources(&operands[1..3], ty)?;
        let join = form.one_of(&["and", "or", "xor"]).map(Join::of);
        let with = match join {
            Some(_) => Some(self.predicate_source(&operands[3])?),
            None => None,
        };
        let make = |is_negated: bool| -> Result<Comparison, String> {
            let compare = comparison(ty, operator, form.has("ftz"), ab)?;
            Ok(Box::new(move |registers| {
                let truth = compare(registers) ^ if is_negated { Mask::MAX } else { 0 };
                match (join, with) {
                    (Some(join), Some(with)) => join.apply(truth, value_of(registers, with)),
                    _ => truth,
                }
            }))
        };
        Ok([make(false)?, make(true)?])
    }

    fn setp(&mut self, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let ty = form.types().last().unwrap_or(Type::B32);
        let [truth, opposite] = match ty {
            Type::F16x2 | Type::Bf16x2 => self.two_halves(form, operands)?,
            _ => self.joined(form, operands)?,
        };
        let (p, q) = match &operands[0] {
            Operand::Pair(p, q) => (self.predicate_target(p)?, self.predicate_target(q)?),
            p => (self.predicate_target(p)?, None),
        };
        Ok(Box::new(move |registers, mask| {
            let values = [truth(registers), opposite(registers)];
            for (slot, value) in [p, q].into_iter().zip(values) {
                if let Some(slot) = slot {
                    registers.set_predicate(slot, value, mask);
                }
            }
        }))
    }

    /// Of packed halves, the first predicate is of the lower, the second of the upper.
    fn two_halves(&mut self, form: &Form, operands: &[Operand]) -> Result<[Comparison; 2], String> {
        let packed = form.types().last().unwrap_or(Type::F16x2);
        let operator = form.suffixes.first().copied().unwrap_or("eq");
        let ab: [Slot; 2] = self.sources(&operands[1..3], packed)?;
        let join = form.one_of(&["and", "or", "xor"]).map(Join::of);
        let with = match join {
            Some(_) => Some(self.predicate_source(&operands[3])?),
            None => None,
        };
        let is_bf16 = packed == Type::Bf16x2;
        let compare = float_comparison(operator)?;
        let make = |half: usize| -> Comparison {
            Box::new(move |registers| {
                let truth = match is_bf16 {
                    true => mask_of::<[bf16; 2]>(registers, ab, |a, b| {
                        compare(a[half].partial_cmp(&b[half]))
                    }),
                    false => mask_of::<[f16; 2]>(registers, ab, |a, b| {
                        compare(a[half].partial_cmp(&b[half]))
                    }),
                };
                match (join, with) {
                    (Some(join), Some(with)) => join.apply(truth, value_of(registers, with)),
                    _ => truth,
                }
            })
        };
        Ok([make(0), make(1)])
    }

    fn set(&mut self, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let [truth, _] = self.joined(form, operands)?;
        let into = form.types().next().unwrap_or(Type::U32);
        let d = self.written(&operands[0], into)?;
        let one = if into == Type::F32 { 1f32.to_bits() } else { u32::MAX };
        Ok(Box::new(move |registers, mask| {
            let truth = truth(registers);
            let values = std::array::from_fn(|lane| (truth >> lane & 1) * one);
            u32::write(registers, d, &values, mask);
        }))
    }

    fn test(&mut self, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let ty = form.types().last().unwrap_or(Type::F32);
        let a = self.source(&operands[1], ty)?;
        let p = self.predicate_target(&operands[0])?;
        let kind = form.suffixes.first().copied().unwrap_or("finite");
        macro_rules! test {
            ($t:ty) => {{
                let f: fn($t) -> bool = match kind {
                    "finite" => |x| x.is_finite(),
                    "infinite" => |x| x.is_infinite(),
                    "number" => |x| !x.is_nan(),
                    "notanumber" => |x| x.is_nan(),
                    "normal" => |x| x.is_normal(),
                    _ => |x| x.is_subnormal(),
                };
                Box::new(move |registers: &mut Registers, mask| {
                    let truth = mask_of::<$t>(registers, [a, a], |x, _| f(x));
                    if let Some(p) = p {
                        registers.set_predicate(p, truth, mask);
                    }
                })
            }};
        }
        Ok(match ty {
            Type::F64 => test!(f64),
            _ => test!(f32),
        })
    }

    pub(super) fn predicate_logic(
        &mut self,
        name: &str,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        let d = self.predicate_target(&operands[0])?;
        let a = self.predicate_source(&operands[1])?;
        let b = match operands.get(2) {
            Some(operand) => Some((Join::of(name), self.predicate_source(operand)?)),
            None => None,
        };
        Ok(Kind::Compute(Box::new(move |registers, mask| {
            let first = value_of(registers, a);
            let value = match b {
                Some((join, b)) => join.apply(first, value_of(registers, b)),
                None => !first,
            };
            if let Some(d) = d {
                registers.set_predicate(d, value, mask);
            }
        })))
    }

    pub(super) fn choice(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let ty = form.types().next().unwrap_or(Type::B32);
        let d = self.written(&operands[0], ty)?;
        let [a, b] = self.sources(&operands[1..3], ty)?;
        if name == "slct" {
            let by = form.types().last().unwrap_or(Type::S32);
            let c = self.source(&operands[3], by)?;
            return Ok(match (ty.bits(), by) {
                (64, Type::F32) => {
                    ternary::<u64, u64, f32, u64>(
                        d,
                        [a, b, c],
                        |a, b, c| if c >= 0.0 { a } else { b },
                    )
                }
                (64, _) => ternary::<u64, u64, i32, u64>(
                    d,
                    [a, b, c],
                    |a, b, c| if c >= 0 { a } else { b },
                ),
                (_, Type::F32) => {
                    ternary::<u32, u32, f32, u32>(
                        d,
                        [a, b, c],
                        |a, b, c| if c >= 0.0 { a } else { b },
                    )
                }
                (_, _) => ternary::<u32, u32, i32, u32>(
                    d,
                    [a, b, c],
                    |a, b, c| if c >= 0 { a } else { b },
                ),
            });
        }
        let p = self.predicate_source(&operands[3])?;
        macro_rules! select {
            ($t:ty) => {
                Box::new(move |registers: &mut Registers, mask| {
                    let truth = value_of(registers, p);
                    let (a, b) = (<$t>::read(registers, a), <$t>::read(registers, b));
                    let chosen =
                        std::array::from_fn(
                            |lane| if truth >> lane & 1 == 1 { a[lane] } else { b[lane] },
                        );
                    <$t>::write(registers, d, &chosen, mask);
                })
            };
        }
        Ok(match ty.bits() {
            64 => select!(u64),
            _ => select!(u32),
        })
    }

    pub(super) fn mov(&mut self, form: &Form, operands: &[Operand]) -> Result<Kind, String> {
        let ty = form.types().last().unwrap_or(Type::B32);
        if ty == Type::Pred {
            let d = self.predicate_target(&operands[0])?;
            let a = self.predicate_source(&operands[1])?;
            return Ok(Kind::Compute(Box::new(move |registers, mask| {
                let value = value_of(registers, a);
                if let Some(d) = d {
                    registers.set_predicate(d, value, mask);
                }
            })));
        }
        use ocellus_ptx::ast::Special::{Clock, Clock64, Globaltimer};
        if let Operand::Special(Clock | Clock64 | Globaltimer) = &operands[1] {
            let (bank, slot) =
                self.target(&operands[0])?.ok_or("a clock is read into a register")?;
            return Ok(Kind::Clock(bank, slot));
        }
        match (&operands[0], &operands[1]) {
            (Operand::Vector(into), from) => self.unpack(into, from, ty).map(Kind::Compute),
            (into, Operand::Vector(from)) => self.pack(into, from, ty).map(Kind::Compute),
            (into, from) => {
                let d = self.written(into, ty)?;
                let bank = super::operands::bank_of(ty)?;
                // A register of the machine that has 32 bits may be read as one of 64.
                let (own, a) = self.any_source(from, ty)?;
                match (bank, own) {
                    (Bank::Long, Bank::Word) if matches!(from, Operand::Special(_)) => {
                        Ok(Kind::Compute(crate::registers::unary::<u32, u64>(d, a, u64::from)))
                    }
                    _ => {
                        self.source(from, ty)?;
                        copied(Some((bank, d)), Some((own, a))).map(Kind::Compute)
                    }
                }
            }
        }
    }

    /// `mov.b32 %r, {%lo, %hi}`
    fn pack(&mut self, into: &Operand, from: &[Operand], ty: Type) -> Result<Compute, String> {
        let element = part_of(ty, from.len())?;
        let d = self.written(into, ty)?;
        let parts: Vec<Slot> =
            from.iter().map(|part| self.source(part, element)).collect::<Result<_, _>>()?;
        let bits = element.bits();
        Ok(match ty.bits() {
            64 => Box::new(move |registers: &mut Registers, mask| {
                let mut whole = [0u64; LANES];
                for (place, part) in parts.iter().enumerate() {
                    for (into, value) in whole.iter_mut().zip(registers.word(*part)) {
                        *into |= (u64::from(*value) & (u64::MAX >> (64 - bits)))
                            << (place as u32 * bits);
                    }
                }
                u64::write(registers, d, &whole, mask);
            }),
            _ => Box::new(move |registers: &mut Registers, mask| {
                let mut whole = [0u32; LANES];
                for (place, part) in parts.iter().enumerate() {
                    for (into, value) in whole.iter_mut().zip(registers.word(*part)) {
                        *into |= (value & (u32::MAX >> (32 - bits))) << (place as u32 * bits);
                    }
                }
                u32::write(registers, d, &whole, mask);
            }),
        })
    }

    /// `mov.b32 {%lo, %hi}, %r`
    fn unpack(&mut self, into: &[Operand], from: &Operand, ty: Type) -> Result<Compute, String> {
        let element = part_of(ty, into.len())?;
        let mut parts = vec![];
        for part in into {
            if *part != Operand::Sink {
                parts.push(Some(self.written(part, element)?));
            } else {
                parts.push(None);
            }
        }
        let a = self.source(from, ty)?;
        let bits = element.bits();
        let is_long = ty.bits() == 64;
        Ok(Box::new(move |registers, mask| {
            let whole: [u64; LANES] = match is_long {
                true => u64::read(registers, a),
                false => registers.word(a).map(u64::from),
            };
            for (place, part) in parts.iter().enumerate() {
                if let Some(part) = part {
                    let values = whole
                        .map(|w| (w >> (place as u32 * bits)) as u32 & (u32::MAX >> (32 - bits)));
                    u32::write(registers, *part, &values, mask);
                }
            }
        }))
    }
}

/// The type of a part, where a value is made of so many.
fn part_of(ty: Type, parts: usize) -> Result<Type, String> {
    match (ty.bits(), parts) {
        (64, 2) => Ok(Type::B32),
        (64, 4) | (32, 2) => Ok(Type::B16),
        (32, 4) | (16, 2) => Ok(Type::B8),
        _ => Err(format!("{} bits have no {parts} parts", ty.bits())),
    }
}

/// Whether a comparison is true of how two fractions are ordered; they are not where one is no number.
type OfOrder = fn(Option<Ordering>) -> bool;

fn float_comparison(operator: &str) -> Result<OfOrder, String> {
    use Ordering::{Equal, Greater, Less};
    Ok(match operator {
        "eq" => |order| order == Some(Equal),
        "ne" => |order| matches!(order, Some(Less | Greater)),
        "lt" => |order| order == Some(Less),
        "le" => |order| matches!(order, Some(Less | Equal)),
        "gt" => |order| order == Some(Greater),
        "ge" => |order| matches!(order, Some(Greater | Equal)),
        "equ" => |order| matches!(order, None | Some(Equal)),
        "neu" => |order| order != Some(Equal),
        "ltu" => |order| matches!(order, None | Some(Less)),
        "leu" => |order| order != Some(Greater),
        "gtu" => |order| matches!(order, None | Some(Greater)),
        "geu" => |order| order != Some(Less),
        "num" => |order| order.is_some(),
        "nan" => |order| order.is_none(),
        _ => return Err(format!("`{operator}` does not compare fractions")),
    })
}

fn comparison(
    ty: Type,
    operator: &'static str,
    is_flushed: bool,
    ab: [Slot; 2],
) -> Result<Comparison, String> {
    macro_rules! integers {
        ($t:ty) => {
            match operator {
                "eq" => by(|a: $t, b: $t| a == b, ab),
                "ne" => by(|a: $t, b: $t| a != b, ab),
                "lt" | "lo" => by(|a: $t, b: $t| a < b, ab),
                "le" | "ls" => by(|a: $t, b: $t| a <= b, ab),
                "gt" | "hi" => by(|a: $t, b: $t| a > b, ab),
                "ge" | "hs" => by(|a: $t, b: $t| a >= b, ab),
                _ => return Err(format!("`{operator}` does not compare integers")),
            }
        };
    }
    macro_rules! floats {
        ($t:ty, $a:ident => $wide:expr) => {{
            let compare = float_comparison(operator)?;
            let wide = |$a: $t| $wide;
            by(move |a: $t, b: $t| compare(wide(a).partial_cmp(&wide(b))), ab)
        }};
    }
    Ok(match ty {
        Type::F32 if is_flushed => floats!(f32, a => f64::from(super::float::flush(a))),
        Type::F32 => floats!(f32, a => f64::from(a)),
        Type::F64 => floats!(f64, a => a),
        Type::F16 => floats!(f16, a => a.to_f64()),
        Type::Bf16 => floats!(bf16, a => a.to_f64()),
        Type::U16 | Type::B16 => integers!(u16),
        Type::S16 => integers!(i16),
        Type::U32 | Type::B32 => integers!(u32),
        Type::S32 => integers!(i32),
        Type::U64 | Type::B64 => integers!(u64),
        Type::S64 => integers!(i64),
        other => return Err(format!("{} is not compared", other.text())),
    })
}

fn by<T: Element>(f: impl Fn(T, T) -> bool + Send + Sync + 'static, ab: [Slot; 2]) -> Comparison {
    Box::new(move |registers| mask_of::<T>(registers, ab, &f))
}
