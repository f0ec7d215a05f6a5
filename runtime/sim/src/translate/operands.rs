//! Operands to slots.

use super::Translator;
use crate::code::{Address, Area, Constant, Target};
use crate::module::Symbol;
use crate::registers::{Bank, Slot};
use ocellus_ptx::ast::{Base, Immediate, Operand, Register, Special, Type};
use smallvec::SmallVec;

/// The bank that values of a type lie in.
pub(super) fn bank_of(ty: Type) -> Result<Bank, String> {
    match ty.bits() {
        1 => Ok(Bank::Predicate),
        128 => Err("registers of 128 bits are not supported".to_string()),
        64 => Ok(Bank::Long),
        _ => Ok(Bank::Word),
    }
}

impl Translator<'_> {
    pub(super) fn register(&mut self, register: Register) -> Result<(Bank, Slot), String> {
        if let Some(found) = self.slots.get(&register) {
            return Ok(*found);
        }
        let bank = bank_of(self.body.type_of(register))?;
        let slot = self.fresh(bank);
        self.slots.insert(register, (bank, slot));
        Ok((bank, slot))
    }

    fn fresh(&mut self, bank: Bank) -> Slot {
        let count = match bank {
            Bank::Word => &mut self.words,
            Bank::Long => &mut self.longs,
            Bank::Predicate => &mut self.predicates,
        };
        *count += 1;
        Slot(*count - 1)
    }

    pub(super) fn constant(&mut self, bank: Bank, constant: Constant) -> Slot {
        if let Some(slot) = self.constants.get(&(bank, constant)) {
            return *slot;
        }
        let slot = self.fresh(bank);
        self.constants.insert((bank, constant), slot);
        slot
    }

    pub(super) fn predicate(&mut self, register: Register) -> Result<Slot, String> {
        match self.register(register)? {
            (Bank::Predicate, slot) => Ok(slot),
            _ => Err(format!("{} is no predicate", self.body.name_of(register))),
        }
    }

    /// A predicate that is read, and whether it counts negated.
    pub(super) fn predicate_source(&mut self, operand: &Operand) -> Result<(Slot, bool), String> {
        match operand {
            Operand::Register(register) => Ok((self.predicate(*register)?, false)),
            Operand::Negated(register) => Ok((self.predicate(*register)?, true)),
            Operand::Immediate(Immediate::Integer(value)) => {
                Ok((self.constant(Bank::Predicate, Constant::True), *value == 0))
            }
            _ => Err("expected a predicate".to_string()),
        }
    }

    /// A predicate that is written; none for `_`.
    pub(super) fn predicate_target(&mut self, operand: &Operand) -> Result<Option<Slot>, String> {
        match operand {
            Operand::Register(register) => self.predicate(*register).map(Some),
            Operand::Sink => Ok(None),
            _ => Err("expected a predicate to write".to_string()),
        }
    }

    /// A register that is written; none for `_`.
    pub(super) fn target(&mut self, operand: &Operand) -> Result<Target, String> {
        match operand {
            Operand::Register(register) => self.register(*register).map(Some),
            Operand::Sink => Ok(None),
            _ => Err("expected a register to write".to_string()),
        }
    }

    /// A register of a type that is written. What goes to `_` goes to a slot that nobody reads.
    pub(super) fn written(&mut self, operand: &Operand, ty: Type) -> Result<Slot, String> {
        let wanted = bank_of(ty)?;
        match self.target(operand)? {
            Some((bank, slot)) if bank == wanted => self.of_width(operand, ty).map(|()| slot),
            None => Ok(self.fresh(wanted)),
            Some(_) => Err(format!("a register of {} bits is needed", ty.bits())),
        }
    }

    /// Holds a register's width against that of a type: those of 16 and 32 bits share a bank.
    fn of_width(&self, operand: &Operand, ty: Type) -> Result<(), String> {
        let Operand::Register(register) = operand else { return Ok(()) };
        let bits = self.body.type_of(*register).bits();
        // Bytes have no registers of their own.
        let is_fit = bits == ty.bits() || ty.bits() == 8 && bits >= 16;
        match is_fit {
            true => Ok(()),
            false => {
                Err(format!("{} has {bits} bits, not {}", self.body.name_of(*register), ty.bits()))
            }
        }
    }

    /// A value of a type that is read.
    pub(super) fn source(&mut self, operand: &Operand, ty: Type) -> Result<Slot, String> {
        let wanted = bank_of(ty)?;
        if let Operand::Register(_) = operand {
            self.of_width(operand, ty)?;
        }
        let (bank, slot) = self.any_source(operand, ty)?;
        match bank == wanted {
            true => Ok(slot),
            false => Err(format!("an operand of {} bits is needed", ty.bits())),
        }
    }

    /// Sources of the same type.
    pub(super) fn sources<const N: usize>(
        &mut self,
        operands: &[Operand],
        ty: Type,
    ) -> Result<[Slot; N], String> {
        let mut slots = [Slot(0); N];
        for (slot, operand) in slots.iter_mut().zip(operands) {
            *slot = self.source(operand, ty)?;
        }
        Ok(slots)
    }

    /// A value that is read, in the bank of its register; numbers as the type says.
    pub(super) fn any_source(
        &mut self,
        operand: &Operand,
        ty: Type,
    ) -> Result<(Bank, Slot), String> {
        let bank = match ty {
            Type::Pred => return Err("a predicate stands where a value is needed".to_string()),
            _ => bank_of(ty)?,
        };
        match operand {
            Operand::Register(register) => self.register(*register),
            Operand::Immediate(immediate) => {
                let bits = bits_of(*immediate, ty)?;
                Ok((bank, self.constant(bank, Constant::Bits(bits))))
            }
            Operand::Special(special) => {
                let own = if is_long(*special) { Bank::Long } else { Bank::Word };
                Ok((own, self.constant(own, Constant::Special(*special))))
            }
            Operand::Symbol(name) => {
                let constant = self.symbol(name)?;
                Ok((bank, self.constant(bank, constant)))
            }
            _ => Err("expected a register or a number".to_string()),
        }
    }

    /// The address of a variable or a parameter in its own state space.
    fn symbol(&self, name: &str) -> Result<Constant, String> {
        match self.layout.symbol(name) {
            Some(Symbol::Global(index)) => Ok(Constant::Global(index, 0)),
            Some(Symbol::Shared(address) | Symbol::Local(address) | Symbol::Parameter(address)) => {
                Ok(Constant::Bits(u64::from(address)))
            }
            None => Err(format!("nothing is called `{name}`")),
        }
    }

    /// An address in brackets, of a space that the instruction names or not.
    pub(super) fn address(
        &mut self,
        operand: &Operand,
        space: Option<Area>,
    ) -> Result<Address, String> {
        let Operand::Address(base, offset) = operand else {
            return Err("expected an address".to_string());
        };
        let area = space.unwrap_or(Area::Generic);
        match base {
            Base::Zero => Ok(Address { area, base: None, offset: *offset }),
            Base::Register(register) => match self.register(*register)? {
                (Bank::Predicate, _) => Err("a predicate is no address".to_string()),
                (Bank::Word, _) if self.body.type_of(*register).bits() < 32 => {
                    Err("an address has 32 or 64 bits".to_string())
                }
                base => Ok(Address { area, base: Some(base), offset: *offset }),
            },
            Base::Symbol(name) => {
                let own = match self.layout.symbol(name) {
                    Some(Symbol::Global(_)) => Area::Global,
                    Some(Symbol::Shared(_)) => Area::Shared,
                    Some(Symbol::Local(_)) => Area::Local,
                    Some(Symbol::Parameter(_)) => Area::Parameter,
                    None => return Err(format!("nothing is called `{name}`")),
                };
                if space.is_some_and(|space| space != own) {
                    return Err(format!("`{name}` does not lie there"));
                }
                let constant = self.symbol(name)?;
                let slot = self.constant(Bank::Long, constant);
                Ok(Address { area: own, base: Some((Bank::Long, slot)), offset: *offset })
            }
        }
    }

    /// The elements of a vector, or the operand itself.
    pub(super) fn elements<'b>(&self, operand: &'b Operand) -> SmallVec<[&'b Operand; 4]> {
        match operand {
            Operand::Vector(elements) => elements.iter().collect(),
            _ => std::iter::once(operand).collect(),
        }
    }
}

fn is_long(special: Special) -> bool {
    matches!(special, Special::Clock64 | Special::Globaltimer | Special::Gridid)
}

/// The bits of a number as a type.
fn bits_of(immediate: Immediate, ty: Type) -> Result<u64, String> {
    use half::{bf16, f16};
    let as_float = |value: f64| match ty {
        Type::F64 | Type::B64 => Ok(value.to_bits()),
        Type::F32 | Type::B32 | Type::Tf32 => Ok(u64::from((value as f32).to_bits())),
        Type::F16 => Ok(u64::from(f16::from_f64(value).to_bits())),
        Type::Bf16 => Ok(u64::from(bf16::from_f64(value).to_bits())),
        _ => Err("a fraction stands where an integer is needed".to_string()),
    };
    match immediate {
        Immediate::Integer(value) => match ty {
            Type::F32 | Type::F64 => {
                Err("an integer stands where a fraction is needed".to_string())
            }
            _ => Ok(value as u64 & (u64::MAX >> (64 - ty.bits().min(64)))),
        },
        Immediate::F32(bits) if ty.bits() == 32 => Ok(u64::from(bits)),
        Immediate::F32(bits) => as_float(f64::from(f32::from_bits(bits))),
        Immediate::F64(bits) => as_float(f64::from_bits(bits)),
    }
}
