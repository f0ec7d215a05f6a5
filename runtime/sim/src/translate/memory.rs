//! Loads, stores, atomic operations, asynchronous copies, and addresses.

use super::Translator;
use crate::code::{Access, Area, Atomic, CopyAsync, Kind, Target, Update};
use crate::machine::address::{LOCAL_WINDOW, PARAMETER_WINDOW, SHARED_WINDOW, WINDOW};
use crate::registers::{Bank, mask_of, unary};
use half::{bf16, f16};
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;
use smallvec::SmallVec;

/// The state space that an instruction names.
fn area_of(form: &Form) -> Option<Area> {
    form.suffixes.iter().find_map(|suffix| match *suffix {
        "global" | "const" => Some(Area::Global),
        "shared" | "shared::cta" => Some(Area::Shared),
        "local" => Some(Area::Local),
        "param" | "param::entry" => Some(Area::Parameter),
        _ => None,
    })
}

impl Translator<'_> {
    pub(super) fn memory(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        match name {
            "ld" | "ldu" => self.access(form, &operands[1], &operands[0], true).map(Kind::Load),
            "st" => self.access(form, &operands[0], &operands[1], false).map(Kind::Store),
            "atom" | "red" => self.atomic(name, form, operands).map(Kind::Atomic),
            "cp.async" => self.copy_async(form, operands).map(Kind::CopyAsync),
            "isspacep" => self.is_in_space(form, operands),
            _ => self.convert_address(form, operands),
        }
    }

    fn access(
        &mut self,
        form: &Form,
        address: &Operand,
        values: &Operand,
        is_load: bool,
    ) -> Result<Access, String> {
        let Some(ty) = form.types().last() else { return Err("a type is missing".to_string()) };
        let elements: SmallVec<[&Operand; 4]> = self.elements(values);
        let wanted = match form.one_of(&["v2", "v4"]) {
            Some("v2") => 2,
            Some(_) => 4,
            None => 1,
        };
        if elements.len() != wanted {
            return Err(format!("{} registers stand where {wanted} are needed", elements.len()));
        }
        if ty.bytes() as usize * wanted > 16 {
            return Err("an access has 16 bytes at most".to_string());
        }
        let mut targets: SmallVec<[Target; 4]> = SmallVec::new();
        for element in elements {
            let target =
                if is_load { self.target(element)? } else { Some(self.any_source(element, ty)?) };
            let fits = match target {
                Some((Bank::Word, _)) => ty.bits() <= 32,
                Some((Bank::Long, _)) | None => true,
                Some((Bank::Predicate, _)) => false,
            };
            if !fits {
                return Err(format!("a register has fewer than {} bits", ty.bits()));
            }
            targets.push(target);
        }
        Ok(Access {
            address: self.address(address, area_of(form))?,
            bytes: ty.bytes() as u32,
            is_signed: ty.is_signed(),
            is_strong: form.one_of(&["relaxed", "acquire", "release", "volatile"]).is_some(),
            is_fenced: form.one_of(&["acquire", "release"]).is_some(),
            elements: targets,
        })
    }

    fn atomic(&mut self, name: &str, form: &Form, operands: &[Operand]) -> Result<Atomic, String> {
        let Some(ty) = form.types().last() else { return Err("a type is missing".to_string()) };
        if ty.bytes() < 4 {
            return Err("atomic operations on fewer than 4 bytes are not supported".to_string());
        }
        let Some(operation) =
            form.one_of(&["and", "or", "xor", "exch", "cas", "add", "inc", "dec", "min", "max"])
        else {
            return Err("an operation is missing".to_string());
        };
        let first = usize::from(name == "atom");
        let into = if first == 1 { Some(self.target(&operands[0])?).flatten() } else { None };
        if let Some((bank, _)) = into
            && bank != super::operands::bank_of(ty)?
        {
            return Err(format!("a register of {} bits is needed", ty.bits()));
        }
        let mut values = [None; 2];
        for (value, operand) in values.iter_mut().zip(&operands[first + 1..]) {
            *value = Some((super::operands::bank_of(ty)?, self.source(operand, ty)?));
        }
        Ok(Atomic {
            address: self.address(&operands[first], area_of(form))?,
            bytes: ty.bytes() as u32,
            into,
            operands: values,
            update: update(operation, ty)?,
            is_released: form.one_of(&["release", "acq_rel"]).is_some(),
            is_acquired: form.one_of(&["acquire", "acq_rel"]).is_some(),
        })
    }

    fn copy_async(&mut self, form: &Form, operands: &[Operand]) -> Result<CopyAsync, String> {
        use ocellus_ptx::ast::Immediate::Integer;
        let Operand::Immediate(Integer(bytes)) = operands[2] else {
            return Err("the size is a number".to_string());
        };
        let is_known = if form.has("cg") { bytes == 16 } else { matches!(bytes, 4 | 8 | 16) };
        if !is_known {
            return Err(format!("{bytes} bytes are not copied so"));
        }
        let (mut source_bytes, mut ignores_source) = (None, None);
        let is_predicate = |operand: &Operand| match operand {
            Operand::Register(register) => self.body.type_of(*register) == Type::Pred,
            Operand::Negated(_) => true,
            _ => false,
        };
        match operands.get(3) {
            Some(operand) if is_predicate(operand) => {
                ignores_source = Some(self.predicate_source(operand)?)
            }
            // With a policy of the cache and nothing else, the fourth operand has 64 bits.
            Some(operand) if !(form.has("L2::cache_hint") && operands.len() == 4) => {
                source_bytes = Some(self.source(operand, Type::U32)?);
            }
            _ => {}
        }
        Ok(CopyAsync {
            to: self.address(&operands[0], Some(Area::Shared))?,
            from: self.address(&operands[1], Some(Area::Global))?,
            bytes: bytes as u32,
            source_bytes,
            ignores_source,
        })
    }

    /// `cvta`: a window's begin is added or taken away.
    fn convert_address(&mut self, form: &Form, operands: &[Operand]) -> Result<Kind, String> {
        let Some(ty) = form.types().last() else { return Err("a type is missing".to_string()) };
        let window = match area_of(form) {
            Some(Area::Shared) => SHARED_WINDOW,
            Some(Area::Local) => LOCAL_WINDOW,
            Some(Area::Parameter) => PARAMETER_WINDOW,
            _ => 0,
        };
        let d = self.written(&operands[0], ty)?;
        let a = self.source(&operands[1], ty)?;
        if ty.bits() == 32 && window != 0 {
            return Err("generic addresses have 64 bits".to_string());
        }
        let is_to = form.has("to");
        Ok(Kind::Compute(match ty.bits() {
            32 => unary::<u32, u32>(d, a, |x| x),
            _ if is_to => unary::<u64, u64>(d, a, move |x| x.wrapping_sub(window)),
            _ => unary::<u64, u64>(d, a, move |x| x.wrapping_add(window)),
        }))
    }

    fn is_in_space(&mut self, form: &Form, operands: &[Operand]) -> Result<Kind, String> {
        let p = self.predicate_target(&operands[0])?;
        let a = self.source(&operands[1], Type::U64)?;
        let range = match area_of(form) {
            Some(Area::Shared) => SHARED_WINDOW..SHARED_WINDOW + WINDOW,
            Some(Area::Local) => LOCAL_WINDOW..LOCAL_WINDOW + WINDOW,
            _ => PARAMETER_WINDOW + WINDOW..u64::MAX,
        };
        Ok(Kind::Compute(Box::new(move |registers, mask| {
            let truth = mask_of::<u64>(registers, [a, a], |x, _| range.contains(&x));
            if let Some(p) = p {
                registers.set_predicate(p, truth, mask);
            }
        })))
    }
}

/// What becomes of the old value.
fn update(operation: &str, ty: Type) -> Result<Update, String> {
    let halves = |f: fn(u16, u16) -> u16| -> Update {
        Box::new(move |old, new, _| {
            let half =
                |shift: u32| u64::from(f((old >> shift) as u16, (new >> shift) as u16)) << shift;
            half(0) | half(16)
        })
    };
    Ok(match (operation, ty) {
        ("and", _) => Box::new(|old, new, _| old & new),
        ("or", _) => Box::new(|old, new, _| old | new),
        ("xor", _) => Box::new(|old, new, _| old ^ new),
        ("exch", _) => Box::new(|_, new, _| new),
        ("cas", _) => Box::new(|old, compared, new| if old == compared { new } else { old }),
        ("inc", _) => Box::new(|old, most, _| if old >= most { 0 } else { old + 1 }),
        ("dec", _) => Box::new(|old, most, _| if old == 0 || old > most { most } else { old - 1 }),
        ("add", Type::F32) => Box::new(|old, new, _| {
            u64::from((f32::from_bits(old as u32) + f32::from_bits(new as u32)).to_bits())
        }),
        ("add", Type::F64) => {
            Box::new(|old, new, _| (f64::from_bits(old) + f64::from_bits(new)).to_bits())
        }
        ("add", Type::F16x2) => halves(|a, b| (f16::from_bits(a) + f16::from_bits(b)).to_bits()),
        ("add", Type::Bf16x2) => halves(|a, b| (bf16::from_bits(a) + bf16::from_bits(b)).to_bits()),
        ("add", _) => Box::new(u64_add),
        ("min", Type::S32) => {
            Box::new(|old, new, _| u64::from((old as i32).min(new as i32) as u32))
        }
        ("max", Type::S32) => {
            Box::new(|old, new, _| u64::from((old as i32).max(new as i32) as u32))
        }
        ("min", Type::S64) => Box::new(|old, new, _| (old as i64).min(new as i64) as u64),
        ("max", Type::S64) => Box::new(|old, new, _| (old as i64).max(new as i64) as u64),
        ("min", _) => Box::new(|old, new, _| old.min(new)),
        ("max", _) => Box::new(|old, new, _| old.max(new)),
        _ => return Err(format!("`{operation}` of {} is not supported", ty.text())),
    })
}

fn u64_add(old: u64, new: u64, _: u64) -> u64 {
    old.wrapping_add(new)
}
