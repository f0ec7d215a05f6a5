//! Fractions of 16 bits, alone and in pairs.
//!
//! Each operation is computed in f64, with what that lacks of the exact answer, and rounded once.

use super::Translator;
use super::float::{maximum, minimum};
use crate::registers::{Compute, Element, LANES, Lanes, Registers, Slot};
use crate::rounding::{BF16, F16, Format, Near, Rounding, round};
use half::{bf16, f16};
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;

/// A type of 16 bits.
trait Half: Copy + Send + Sync + 'static {
    const FORMAT: Format;
    fn wide(self) -> f64;
    fn narrow(value: f64) -> Self;
    /// Changes bits of the pattern.
    fn with_bits(self, f: impl Fn(u16) -> u16) -> Self;
}

impl Half for f16 {
    const FORMAT: Format = F16;
    fn wide(self) -> f64 {
        self.to_f64()
    }
    fn narrow(value: f64) -> Self {
        // What is no number has one pattern only.
        if value.is_nan() { f16::from_bits(0x7fff) } else { f16::from_f64(value) }
    }
    fn with_bits(self, f: impl Fn(u16) -> u16) -> Self {
        f16::from_bits(f(self.to_bits()))
    }
}

impl Half for bf16 {
    const FORMAT: Format = BF16;
    fn wide(self) -> f64 {
        self.to_f64()
    }
    fn narrow(value: f64) -> Self {
        if value.is_nan() { bf16::from_bits(0x7fff) } else { bf16::from_f64(value) }
    }
    fn with_bits(self, f: impl Fn(u16) -> u16) -> Self {
        bf16::from_bits(f(self.to_bits()))
    }
}

/// What is done with three operands, of which some may not be used.
type Operation<T> = Box<dyn Fn(T, T, T) -> T + Send + Sync>;

impl Translator<'_> {
    pub(super) fn half(
        &mut self,
        name: &str,
        form: &Form,
        ty: Type,
        operands: &[Operand],
    ) -> Result<Compute, String> {
        let d = self.written(&operands[0], ty)?;
        let mut sources = vec![];
        for operand in &operands[1..] {
            sources.push(self.source(operand, ty)?);
        }
        let Some(first) = sources.first().copied() else {
            return Err("operands are missing".to_string());
        };
        let at = |index: usize| sources.get(index).copied().unwrap_or(first);
        let abc = [at(0), at(1), at(2)];
        match ty {
            Type::F16 => Ok(single::<f16>(d, abc, operation(name, form)?)),
            Type::Bf16 => Ok(single::<bf16>(d, abc, operation(name, form)?)),
            Type::F16x2 => Ok(pair::<f16>(d, abc, operation(name, form)?)),
            Type::Bf16x2 => Ok(pair::<bf16>(d, abc, operation(name, form)?)),
            other => Err(format!("{} is not computed with here", other.text())),
        }
    }
}

fn single<T: Half + Element>(d: Slot, [a, b, c]: [Slot; 3], f: Operation<T>) -> Compute {
    Box::new(move |registers: &mut Registers, mask| {
        let [a, b, c]: [Lanes<T>; 3] = [a, b, c].map(|slot| T::read(registers, slot));
        T::write(registers, d, &std::array::from_fn(|lane| f(a[lane], b[lane], c[lane])), mask);
    })
}

fn pair<T: Half>(d: Slot, [a, b, c]: [Slot; 3], f: Operation<T>) -> Compute
where
    [T; 2]: Element,
{
    Box::new(move |registers: &mut Registers, mask| {
        let [a, b, c] = [a, b, c].map(|slot| <[T; 2]>::read(registers, slot));
        let values: [[T; 2]; LANES] = std::array::from_fn(|lane| {
            [0, 1].map(|half| f(a[lane][half], b[lane][half], c[lane][half]))
        });
        <[T; 2]>::write(registers, d, &values, mask);
    })
}

fn operation<T: Half>(name: &str, form: &Form) -> Result<Operation<T>, String> {
    let (is_flushed, is_saturated, is_cut) = (form.has("ftz"), form.has("sat"), form.has("relu"));
    let keeps_nan = form.has("NaN");
    let least = 2f64.powi(-14);
    let flush = move |x: f64| if is_flushed && x.abs() < least { 0f64.copysign(x) } else { x };
    let after = move |near: Near| -> T {
        let value = flush(round(near, T::FORMAT, Rounding::NearestEven));
        let value = match (is_saturated, is_cut) {
            (true, _) if value.is_nan() => 0.0,
            (true, _) => value.clamp(0.0, 1.0) + 0.0,
            (_, true) if value < 0.0 => 0.0,
            _ => value,
        };
        T::narrow(value)
    };
    let f1 = move |f: fn(f64) -> f64| -> Operation<T> {
        Box::new(move |a, _, _| after(Near::exact(f(flush(a.wide())))))
    };
    Ok(match name {
        "add" => Box::new(move |a, b, _| after(Near::sum(flush(a.wide()), flush(b.wide())))),
        "sub" => Box::new(move |a, b, _| after(Near::sum(flush(a.wide()), -flush(b.wide())))),
        "mul" => Box::new(move |a, b, _| after(Near::exact(flush(a.wide()) * flush(b.wide())))),
        "fma" => Box::new(move |a, b, c| {
            after(Near::sum(flush(a.wide()) * flush(b.wide()), flush(c.wide())))
        }),
        "abs" => Box::new(|a, _, _| a.with_bits(|bits| bits & 0x7fff)),
        "neg" => Box::new(|a, _, _| a.with_bits(|bits| bits ^ 0x8000)),
        "min" | "max" => {
            let choose = if name == "min" { minimum } else { maximum };
            Box::new(move |a, b, _| {
                let (a, b) = (flush(a.wide()), flush(b.wide()));
                if keeps_nan && (a.is_nan() || b.is_nan()) {
                    return T::narrow(f64::NAN);
                }
                T::narrow(f64::from(choose(a as f32, b as f32)))
            })
        }
        "ex2" => f1(f64::exp2),
        "tanh" => f1(f64::tanh),
        _ => return Err("it is declared, and not translated".to_string()),
    })
}
