//! Types and values.

use std::fmt;

/// The type of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// A truth value.
    I1,
    /// 8 bits.
    I8,
    /// 16 bits.
    I16,
    /// 32 bits.
    I32,
    /// 64 bits; sizes and offsets.
    I64,
    /// binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// binary32.
    F32,
}

impl Scalar {
    /// Bytes in memory.
    pub fn bytes(self) -> i64 {
        match self {
            Scalar::I1 | Scalar::I8 => 1,
            Scalar::I16 | Scalar::F16 | Scalar::BF16 => 2,
            Scalar::I32 | Scalar::F32 => 4,
            Scalar::I64 => 8,
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(self, Scalar::F16 | Scalar::BF16 | Scalar::F32)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scalar::I1 => "i1",
            Scalar::I8 => "i8",
            Scalar::I16 => "i16",
            Scalar::I32 => "i32",
            Scalar::I64 => "i64",
            Scalar::F16 => "f16",
            Scalar::BF16 => "bf16",
            Scalar::F32 => "f32",
        })
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A number.
    Scalar(Scalar),
    /// So many numbers.
    Vector(Scalar, u32),
    /// An address.
    Pointer,
    /// An address in memory that the threads of a block share.
    SharedPointer,
    /// An address in a GPU's own memory.
    GlobalPointer,
}

impl Type {
    /// 64-bit integer.
    pub const I64: Type = Type::Scalar(Scalar::I64);
    /// 32-bit integer.
    pub const I32: Type = Type::Scalar(Scalar::I32);
    /// Truth value.
    pub const I1: Type = Type::Scalar(Scalar::I1);
    /// binary32.
    pub const F32: Type = Type::Scalar(Scalar::F32);

    /// A vector of f32.
    pub fn f32s(lanes: u32) -> Type {
        Type::Vector(Scalar::F32, lanes)
    }

    /// The type of its numbers; an address counts as `i64`.
    pub fn scalar(self) -> Scalar {
        match self {
            Type::Scalar(scalar) | Type::Vector(scalar, _) => scalar,
            Type::Pointer | Type::SharedPointer | Type::GlobalPointer => Scalar::I64,
        }
    }

    /// The same with other numbers.
    pub fn with_scalar(self, scalar: Scalar) -> Type {
        match self {
            Type::Vector(_, lanes) => Type::Vector(scalar, lanes),
            Type::Scalar(_) | Type::Pointer | Type::SharedPointer | Type::GlobalPointer => {
                Type::Scalar(scalar)
            }
        }
    }

    /// How many numbers it has.
    pub fn lanes(self) -> u32 {
        match self {
            Type::Vector(_, lanes) => lanes,
            Type::Scalar(_) | Type::Pointer | Type::SharedPointer | Type::GlobalPointer => 1,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Scalar(scalar) => scalar.fmt(f),
            Type::Vector(scalar, lanes) => write!(f, "vector<{lanes}x{scalar}>"),
            Type::Pointer => f.write_str("!llvm.ptr"),
            Type::SharedPointer => f.write_str("!llvm.ptr<3>"),
            Type::GlobalPointer => f.write_str("!llvm.ptr<1>"),
        }
    }
}

/// An SSA value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The number of the operation that makes it.
    pub(super) number: u32,
    /// Which of that operation's results it is, where there are several.
    pub(super) result: Option<u32>,
    pub(super) ty: Type,
}

impl Value {
    /// Its type.
    pub fn ty(self) -> Type {
        self.ty
    }

    /// How many numbers it holds.
    pub fn lanes(self) -> u32 {
        self.ty.lanes()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result {
            None => write!(f, "%{}", self.number),
            Some(result) => write!(f, "%{}#{result}", self.number),
        }
    }
}
