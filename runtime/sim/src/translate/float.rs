//! Fractions of 32 and 64 bits.

use super::Translator;
use crate::registers::{Compute, Slot, binary, ternary, unary};
use crate::rounding::{F32, Near, Rounding, round};
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;

/// Whether it is a type of fractions.
pub(super) fn is_float(ty: Type) -> bool {
    matches!(
        ty,
        Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2 | Type::F32 | Type::F64 | Type::Tf32
    )
}

/// A number too small to be normal becomes a zero of its sign.
pub(super) fn flush(x: f32) -> f32 {
    if x.is_subnormal() { 0f32.copysign(x) } else { x }
}

fn saturate(x: f32) -> f32 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) + 0.0 }
}

/// What is done to operands and results.
#[derive(Clone, Copy)]
struct Edges {
    is_flushed: bool,
    is_saturated: bool,
}

impl Edges {
    fn of(form: &Form) -> Self {
        Self { is_flushed: form.has("ftz"), is_saturated: form.has("sat") }
    }

    fn is_plain(self) -> bool {
        !self.is_flushed && !self.is_saturated
    }

    fn before(self, x: f32) -> f32 {
        if self.is_flushed { flush(x) } else { x }
    }

    fn after(self, x: f32) -> f32 {
        let x = self.before(x);
        if self.is_saturated { saturate(x) } else { x }
    }

    fn unary(self, d: Slot, a: Slot, f: impl Fn(f32) -> f32 + Send + Sync + 'static) -> Compute {
        match self.is_plain() {
            true => unary::<f32, f32>(d, a, f),
            false => unary::<f32, f32>(d, a, move |a| self.after(f(self.before(a)))),
        }
    }

    fn binary(
        self,
        d: Slot,
        ab: [Slot; 2],
        f: impl Fn(f32, f32) -> f32 + Send + Sync + 'static,
    ) -> Compute {
        match self.is_plain() {
            true => binary::<f32, f32, f32>(d, ab, f),
            false => binary::<f32, f32, f32>(d, ab, move |a, b| {
                self.after(f(self.before(a), self.before(b)))
            }),
        }
    }

    fn ternary(
        self,
        d: Slot,
        abc: [Slot; 3],
        f: impl Fn(f32, f32, f32) -> f32 + Send + Sync + 'static,
    ) -> Compute {
        match self.is_plain() {
            true => ternary::<f32, f32, f32, f32>(d, abc, f),
            false => ternary::<f32, f32, f32, f32>(d, abc, move |a, b, c| {
                self.after(f(self.before(a), self.before(b), self.before(c)))
            }),
        }
    }
}

impl Translator<'_> {
    pub(super) fn float(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        match form.types().last() {
            Some(Type::F32) => self.single(name, form, operands),
            Some(Type::F64) => self.double(name, form, operands),
            Some(ty) => self.half(name, form, ty, operands),
            None => Err("a type is missing".to_string()),
        }
    }

    fn single(&mut self, name: &str, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        let edges = Edges::of(form);
        let d = self.written(&operands[0], Type::F32)?;
        let rounding = form.one_of(&["rz", "rm", "rp"]).map(Rounding::of);
        let wide = |x: f32| f64::from(x);
        let narrow = |near: Near, rounding: Rounding| round(near, F32, rounding) as f32;
        match operands.len() {
            2 => {
                let a = self.source(&operands[1], Type::F32)?;
                if let Some(f) = function(name, form.has("approx")) {
                    return Ok(edges.unary(d, a, f));
                }
                Ok(match (name, rounding) {
                    // The sign is no arithmetic: it is changed in what is no number, too.
                    ("abs", _) => edges.unary(d, a, f32::abs),
                    ("neg", _) => edges.unary(d, a, |x| -x),
                    ("rcp", Some(r)) => {
                        edges.unary(d, a, move |x| narrow(Near::quotient(1.0, wide(x)), r))
                    }
                    ("rcp", None) => edges.unary(d, a, |x| 1.0 / x),
                    ("sqrt", Some(r)) => edges.unary(d, a, move |x| narrow(Near::root(wide(x)), r)),
                    ("sqrt", None) => edges.unary(d, a, f32::sqrt),
                    _ => return Err("it is declared, and not translated".to_string()),
                })
            }
            3 => {
                let ab = self.sources(&operands[1..], Type::F32)?;
                Ok(match (name, rounding) {
                    ("add", None) => edges.binary(d, ab, |a, b| a + b),
                    ("sub", None) => edges.binary(d, ab, |a, b| a - b),
                    ("mul", None) => edges.binary(d, ab, |a, b| a * b),
                    ("div", None) => edges.binary(d, ab, |a, b| a / b),
                    ("add", Some(r)) => edges.binary(d, ab, move |a, b| {
                        signed_zero(narrow(Near::sum(wide(a), wide(b)), r), a, b, r)
                    }),
                    ("sub", Some(r)) => edges.binary(d, ab, move |a, b| {
                        signed_zero(narrow(Near::sum(wide(a), wide(-b)), r), a, -b, r)
                    }),
                    ("mul", Some(r)) => {
                        edges.binary(d, ab, move |a, b| narrow(Near::exact(wide(a) * wide(b)), r))
                    }
                    ("div", Some(r)) => {
                        edges.binary(d, ab, move |a, b| narrow(Near::quotient(wide(a), wide(b)), r))
                    }
                    ("copysign", _) => {
                        edges.binary(d, ab, |sign, magnitude| magnitude.copysign(sign))
                    }
                    ("min" | "max", _) => self.extreme(name, form, d, ab),
                    _ => return Err("it is declared, and not translated".to_string()),
                })
            }
            _ => {
                let abc = self.sources(&operands[1..], Type::F32)?;
                Ok(match rounding {
                    Some(r) => edges.ternary(d, abc, move |a, b, c| {
                        narrow(Near::sum(wide(a) * wide(b), wide(c)), r)
                    }),
                    None if edges.is_plain() => crate::vector::fused(d, abc),
                    None => edges.ternary(d, abc, f32::mul_add),
                })
            }
        }
    }

    fn extreme(&mut self, name: &str, form: &Form, d: Slot, ab: [Slot; 2]) -> Compute {
        let edges = Edges::of(form);
        let (is_max, keeps_nan, is_signed) = (name == "max", form.has("NaN"), form.has("xorsign"));
        if edges.is_plain() && !keeps_nan && !is_signed {
            return match is_max {
                true => binary::<f32, f32, f32>(d, ab, maximum),
                false => binary::<f32, f32, f32>(d, ab, minimum),
            };
        }
        edges.binary(d, ab, move |a, b| {
            if keeps_nan && (a.is_nan() || b.is_nan()) {
                return f32::from_bits(0x7fff_ffff);
            }
            let (x, y) = if is_signed { (a.abs(), b.abs()) } else { (a, b) };
            let found = if is_max { maximum(x, y) } else { minimum(x, y) };
            let is_negative = is_signed && (a.is_sign_negative() != b.is_sign_negative());
            if is_negative { -found } else { found }
        })
    }

    fn double(&mut self, name: &str, form: &Form, operands: &[Operand]) -> Result<Compute, String> {
        if let Some(rounding) = form.one_of(&["rz", "rm", "rp"]) {
            return Err(format!("f64 is rounded to the nearest only, not by .{rounding}"));
        }
        let d = self.written(&operands[0], Type::F64)?;
        match operands.len() {
            2 => {
                let a = self.source(&operands[1], Type::F64)?;
                Ok(match name {
                    "abs" => unary::<f64, f64>(d, a, f64::abs),
                    "neg" => unary::<f64, f64>(d, a, |x| -x),
                    "rcp" => unary::<f64, f64>(d, a, |x| 1.0 / x),
                    "sqrt" => unary::<f64, f64>(d, a, f64::sqrt),
                    "rsqrt" => unary::<f64, f64>(d, a, |x| 1.0 / x.sqrt()),
                    _ => return Err("it is declared, and not translated".to_string()),
                })
            }
            3 => {
                let ab = self.sources(&operands[1..], Type::F64)?;
                Ok(match name {
                    "add" => binary::<f64, f64, f64>(d, ab, |a, b| a + b),
                    "sub" => binary::<f64, f64, f64>(d, ab, |a, b| a - b),
                    "mul" => binary::<f64, f64, f64>(d, ab, |a, b| a * b),
                    "div" => binary::<f64, f64, f64>(d, ab, |a, b| a / b),
                    "copysign" => {
                        binary::<f64, f64, f64>(d, ab, |sign, magnitude| magnitude.copysign(sign))
                    }
                    "min" => binary::<f64, f64, f64>(d, ab, |a, b| {
                        if a < b || b.is_nan() || (a == b && a.is_sign_negative()) { a } else { b }
                    }),
                    "max" => binary::<f64, f64, f64>(d, ab, |a, b| {
                        if a > b || b.is_nan() || (a == b && a.is_sign_positive()) { a } else { b }
                    }),
                    _ => return Err("it is declared, and not translated".to_string()),
                })
            }
            _ => {
                let abc = self.sources(&operands[1..], Type::F64)?;
                Ok(ternary::<f64, f64, f64, f64>(d, abc, f64::mul_add))
            }
        }
    }
}

/// An exact sum of zero is negative where everything is rounded down, if not both operands were zeros of the same sign.
fn signed_zero(sum: f32, a: f32, b: f32, rounding: Rounding) -> f32 {
    let is_both = a == 0.0 && b == 0.0 && a.is_sign_negative() == b.is_sign_negative();
    match sum == 0.0 && rounding == Rounding::Down && !is_both {
        true => -0.0,
        false => sum,
    }
}

/// The lesser; the other where one is no number; -0 is less than +0.
pub(super) fn minimum(a: f32, b: f32) -> f32 {
    let is_first = a < b || b.is_nan() || (a == b && a.is_sign_negative());
    if is_first { a } else { b }
}

/// The greater; the other where one is no number; +0 is greater than -0.
pub(super) fn maximum(a: f32, b: f32) -> f32 {
    let is_first = a > b || b.is_nan() || (a == b && a.is_sign_positive());
    if is_first { a } else { b }
}

/// Functions that the hardware approximates. Here they are as good as the machine's library, rounded to f32.
fn function(name: &str, is_approximate: bool) -> Option<fn(f32) -> f32> {
    match name {
        "ex2" => Some(f32::exp2),
        "lg2" => Some(f32::log2),
        "sin" => Some(|x| f64::from(x).sin() as f32),
        "cos" => Some(|x| f64::from(x).cos() as f32),
        "tanh" => Some(|x| f64::from(x).tanh() as f32),
        "rsqrt" => Some(|x| (1.0 / f64::from(x).sqrt()) as f32),
        "rcp" if is_approximate => Some(|x| 1.0 / x),
        "sqrt" if is_approximate => Some(f32::sqrt),
        _ => None,
    }
}
