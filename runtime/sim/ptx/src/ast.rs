//! The syntax tree of a module.

use crate::Position;

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $variant),* }

        impl $name {
            /// What is written so.
            pub fn of(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }

            /// How it is written.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

named! {
    /// A type of one element, as suffixes and declarations name it.
    Type {
        Pred = "pred", B8 = "b8", B16 = "b16", B32 = "b32", B64 = "b64", B128 = "b128",
        U8 = "u8", U16 = "u16", U32 = "u32", U64 = "u64", S8 = "s8", S16 = "s16", S32 = "s32", S64 = "s64",
        U16x2 = "u16x2", S16x2 = "s16x2", F16 = "f16", F16x2 = "f16x2", Bf16 = "bf16", Bf16x2 = "bf16x2",
        Tf32 = "tf32", F32 = "f32", F64 = "f64",
    }
}

impl Type {
    /// The bits of an element; a predicate has one.
    pub fn bits(self) -> u32 {
        match self {
            Type::Pred => 1,
            Type::B8 | Type::U8 | Type::S8 => 8,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 16,
            Type::B32
            | Type::U32
            | Type::S32
            | Type::U16x2
            | Type::S16x2
            | Type::F16x2
            | Type::Bf16x2
            | Type::Tf32
            | Type::F32 => 32,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 64,
            Type::B128 => 128,
        }
    }

    /// The bytes of an element in memory.
    pub fn bytes(self) -> u64 {
        u64::from(self.bits().div_ceil(8))
    }

    /// Whether it is a signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64 | Type::S16x2)
    }
}

named! {
    /// A state space.
    Space { Global = "global", Shared = "shared", Local = "local", Const = "const", Param = "param" }
}

named! {
    /// A register that the machine fills.
    Special {
        TidX = "%tid.x", TidY = "%tid.y", TidZ = "%tid.z",
        NtidX = "%ntid.x", NtidY = "%ntid.y", NtidZ = "%ntid.z",
        CtaidX = "%ctaid.x", CtaidY = "%ctaid.y", CtaidZ = "%ctaid.z",
        NctaidX = "%nctaid.x", NctaidY = "%nctaid.y", NctaidZ = "%nctaid.z",
        Laneid = "%laneid", Warpid = "%warpid", Nwarpid = "%nwarpid", Smid = "%smid", Nsmid = "%nsmid",
        Gridid = "%gridid", Clock = "%clock", Clock64 = "%clock64", Globaltimer = "%globaltimer",
        LanemaskEq = "%lanemask_eq", LanemaskLt = "%lanemask_lt", LanemaskLe = "%lanemask_le",
        LanemaskGt = "%lanemask_gt", LanemaskGe = "%lanemask_ge",
        DynamicSmemSize = "%dynamic_smem_size", TotalSmemSize = "%total_smem_size",
    }
}

/// A module: the whole of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The version of PTX, major and minor.
    pub version: (u32, u32),
    /// The target, as `sm_80`.
    pub target: String,
    /// The bits of an address.
    pub address_size: u32,
    /// Variables outside of kernels.
    pub variables: Vec<Variable>,
    /// The kernels.
    pub entries: Vec<Entry>,
    /// The names of functions that no kernel is, and where they stand. Their bodies are not kept.
    pub functions: Vec<(String, Position)>,
}

/// A variable in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub space: Space,
    /// To how many bytes it is aligned.
    pub align: u64,
    /// The type of an element.
    pub ty: Type,
    /// The elements, or `None` where the size is open (`.extern .shared … name[]`).
    pub count: Option<u64>,
    /// Whether it is defined elsewhere.
    pub is_extern: bool,
    /// The values of the first elements; zeros follow. None where nothing is said.
    pub values: Vec<Value>,
    /// Where it is declared.
    pub position: Position,
}

impl Variable {
    /// Its bytes, where the size is known.
    pub fn bytes(&self) -> Option<u64> {
        self.count?.checked_mul(self.ty.bytes())
    }
}

/// An element of an initializer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Immediate(Immediate),
    /// The address of a variable, and bytes from there.
    Address(String, i64),
}

/// A kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The parameters, in their order.
    pub parameters: Vec<Parameter>,
    /// The threads that a block must have (`.reqntid`).
    pub required_threads: Option<[u32; 3]>,
    /// The threads that a block may have at most (`.maxntid`).
    pub most_threads: Option<[u32; 3]>,
    /// `.minnctapersm`
    pub least_blocks: Option<u32>,
    /// `.maxnreg`
    pub most_registers: Option<u32>,
    /// What it does.
    pub body: Body,
    /// Where it begins.
    pub position: Position,
}

/// A parameter of a kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The type of an element.
    pub ty: Type,
    /// To how many bytes it is aligned.
    pub align: u64,
    /// The elements.
    pub count: u64,
}

/// What a kernel does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// Ranges of registers, in the order of their first numbers.
    pub registers: Vec<Registers>,
    /// Variables of the kernel.
    pub variables: Vec<Variable>,
    /// The labels' names, by their numbers.
    pub labels: Vec<String>,
    /// Instructions and labels, in their order.
    pub statements: Vec<Statement>,
}

impl Body {
    /// The instructions, in their order.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.statements.iter().filter_map(|statement| match statement {
            Statement::Instruction(instruction) => Some(instruction),
            Statement::Label(_) => None,
        })
    }

    fn range(&self, register: Register) -> Option<&Registers> {
        let after = self.registers.partition_point(|range| range.first <= register.0);
        self.registers.get(after.checked_sub(1)?)
    }

    /// The type that a register was declared with.
    pub fn type_of(&self, register: Register) -> Type {
        self.range(register).map_or(Type::B32, |range| range.ty)
    }

    /// A register's name.
    pub fn name_of(&self, register: Register) -> String {
        match self.range(register) {
            Some(range) if range.is_numbered => {
                format!("{}{}", range.prefix, register.0 - range.first)
            }
            Some(range) => range.prefix.clone(),
            None => format!("register {}", register.0),
        }
    }
}

/// Registers declared together: `%r<100>`, or a single one by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registers {
    /// The name, or what the names begin with.
    pub prefix: String,
    /// Whether numbers follow the prefix.
    pub is_numbered: bool,
    /// Their type.
    pub ty: Type,
    /// The number of the first.
    pub first: u64,
    /// How many there are.
    pub count: u64,
}

/// A register, by its number among all of a body.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Register(pub u64);

/// A label, by its number among all of a body.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Label(pub u32);

/// A line of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Where branches go.
    Label(Label),
    /// Something to do.
    Instruction(Instruction),
}

/// An instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The predicate under which it is done.
    pub guard: Option<Guard>,
    /// The name with all suffixes.
    pub opcode: String,
    /// The operands, in their order.
    pub operands: Vec<Operand>,
    /// Where it stands.
    pub position: Position,
}

/// `@%p1` or `@!%p1`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Guard {
    /// The predicate.
    pub register: Register,
    /// Whether it must be false.
    pub is_negated: bool,
}

/// A number in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Immediate {
    /// An integer.
    Integer(i128),
    /// The bits of an f32 (`0f3F800000`).
    F32(u32),
    /// The bits of an f64 (`0d…` or a decimal fraction).
    F64(u64),
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// `!%p1`
    Negated(Register),
    /// A number.
    Immediate(Immediate),
    /// A register that the machine fills.
    Special(Special),
    /// The address of a variable or a parameter.
    Symbol(String),
    /// `[base+offset]`
    Address(Base, i64),
    /// `{…}`
    Vector(Vec<Operand>),
    /// `d|p`
    Pair(Box<Operand>, Box<Operand>),
    /// Where a branch goes.
    Label(Label),
    /// `_`: what is written there is lost.
    Sink,
}

/// What an address is counted from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Base {
    /// A register.
    Register(Register),
    /// A variable or a parameter.
    Symbol(String),
    /// Nothing.
    Zero,
}
