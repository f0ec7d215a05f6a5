//! Matrices: `ldmatrix`, `stmatrix`, `mma.sync`.

use super::Translator;
use crate::code::{Area, Kind, Matrices, Multiply};
use crate::counters::MatrixShape;
use crate::registers::Slot;
use ocellus_ptx::ast::{Operand, Type};
use ocellus_ptx::isa::Form;
use smallvec::SmallVec;

/// The registers of a lane that hold D, A, B and C.
struct Fragments {
    d: usize,
    a: usize,
    b: usize,
    /// The type of D and C in registers.
    sum: Type,
    /// The type of A and B in registers.
    factor: Type,
}

impl MatrixShape {
    fn of(form: &Form) -> Option<Self> {
        let size = form.one_of(&["m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32", "m8n8k4"])?;
        let mut types = form.types();
        let (sum, factor) = (types.next()?, types.next()?);
        Some(match (size, sum, factor) {
            ("m16n8k8", Type::F32, Type::Bf16) => Self::Bf16K8,
            ("m16n8k16", Type::F32, Type::Bf16) => Self::Bf16K16,
            ("m16n8k8", Type::F32, Type::F16) => Self::F16K8,
            ("m16n8k16", Type::F32, Type::F16) => Self::F16K16,
            ("m16n8k8", Type::F16, Type::F16) => Self::F16ToF16K8,
            ("m16n8k16", Type::F16, Type::F16) => Self::F16ToF16K16,
            ("m16n8k4", _, Type::Tf32) => Self::Tf32K4,
            ("m16n8k8", _, Type::Tf32) => Self::Tf32K8,
            ("m8n8k4", Type::F64, _) => Self::F64K4,
            ("m16n8k16", Type::S32, _) => Self::Int8K16,
            ("m16n8k32", Type::S32, _) => Self::Int8K32,
            _ => return None,
        })
    }

    fn fragments(self) -> Fragments {
        let (sum, factor) = (Type::F32, Type::B32);
        match self {
            Self::Bf16K8 | Self::F16K8 => Fragments { d: 4, a: 2, b: 1, sum, factor },
            Self::Bf16K16 | Self::F16K16 => Fragments { d: 4, a: 4, b: 2, sum, factor },
            Self::F16ToF16K8 => Fragments { d: 2, a: 2, b: 1, sum: Type::B32, factor },
            Self::F16ToF16K16 => Fragments { d: 2, a: 4, b: 2, sum: Type::B32, factor },
            Self::Tf32K4 => Fragments { d: 4, a: 2, b: 1, sum, factor },
            Self::Tf32K8 => Fragments { d: 4, a: 4, b: 2, sum, factor },
            Self::F64K4 => Fragments { d: 2, a: 1, b: 1, sum: Type::F64, factor: Type::F64 },
            Self::Int8K16 => Fragments { d: 4, a: 2, b: 1, sum: Type::S32, factor },
            Self::Int8K32 => Fragments { d: 4, a: 4, b: 2, sum: Type::S32, factor },
        }
    }
}

impl Translator<'_> {
    pub(super) fn matrix(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Kind, String> {
        match name {
            "mma.sync" => self.multiply(form, operands).map(Kind::Multiply),
            "movmatrix.sync" => self.matrix_transpose(operands),
            _ => self.matrices(name, form, operands).map(Kind::Matrices),
        }
    }

    fn matrices(
        &mut self,
        name: &str,
        form: &Form,
        operands: &[Operand],
    ) -> Result<Matrices, String> {
        let is_store = name == "stmatrix.sync";
        let count = match form.one_of(&["x1", "x2", "x4"]) {
            Some("x4") => 4,
            Some("x2") => 2,
            _ => 1,
        };
        let (registers, address) =
            if is_store { (&operands[1], &operands[0]) } else { (&operands[0], &operands[1]) };
        let area = if form.one_of(&["shared", "shared::cta"]).is_some() {
            Some(Area::Shared)
        } else {
            None
        };
        Ok(Matrices {
            address: self.address(address, area)?,
            registers: self.fragment(registers, count, Type::B32, !is_store)?,
            is_transposed: form.has("trans"),
            is_store,
        })
    }

    fn multiply(&mut self, form: &Form, operands: &[Operand]) -> Result<Multiply, String> {
        let Some(shape) = MatrixShape::of(form) else {
            return Err("the shape is not supported".to_string());
        };
        let Fragments { d, a, b, sum, factor } = shape.fragments();
        let signs: Vec<bool> = form.types().skip(1).map(Type::is_signed).collect();
        Ok(Multiply {
            shape,
            d: self.fragment(&operands[0], d, sum, true)?,
            a: self.fragment(&operands[1], a, factor, false)?,
            b: self.fragment(&operands[2], b, factor, false)?,
            c: self.fragment(&operands[3], d, sum, false)?,
            is_signed: [signs.first() == Some(&true), signs.get(1) == Some(&true)],
            saturates: form.has("satfinite"),
        })
    }

    fn fragment(
        &mut self,
        operand: &Operand,
        count: usize,
        ty: Type,
        is_written: bool,
    ) -> Result<SmallVec<[Slot; 4]>, String> {
        let elements = self.elements(operand);
        if elements.len() != count {
            return Err(format!("{} registers stand where {count} are needed", elements.len()));
        }
        let mut slots = SmallVec::new();
        for element in elements {
            slots.push(if is_written {
                self.written(element, ty)?
            } else {
                self.source(element, ty)?
            });
        }
        Ok(slots)
    }
}
