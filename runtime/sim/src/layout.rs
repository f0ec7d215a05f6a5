//! [`Layout`]: where everything lies that a kernel has a name for.

use crate::address_space::{LOCAL_START, PARAMETER_START, SHARED_START};
use ocellus_ptx::ast::{self, Base, Entry, Operand, Space, Variable};
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a parameter lies among the bytes that a launch passes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterLayout {
    /// Its name.
    pub name: String,
    /// The first byte.
    pub offset: usize,
    /// How many bytes it has.
    pub bytes: usize,
    /// To how many bytes it is aligned.
    pub align: usize,
}

/// What a name in a kernel stands for, with its address in its own state space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Symbol {
    /// A variable of the module, by its number.
    Global(usize),
    Shared(u32),
    Local(u32),
    Parameter(u32),
}

/// Where everything lies that a kernel has a name for.
pub(crate) struct Layout {
    symbols: FxHashMap<String, Symbol>,
    parameters: Vec<ParameterLayout>,
    shared: u32,
    local: u32,
}

/// The most bytes of shared memory that the variables of a kernel may have, on whatever GPU: NVIDIA's assembler takes no more. It is
/// also what a launch may use that asked for no more.
pub const MOST_STATIC_SHARED: u32 = 48 << 10;

/// The most bytes of local memory of a thread, on whatever GPU.
const MOST_LOCAL: u64 = 512 << 10;

/// More bytes than these no variable of a kernel has, whatever its space.
const MOST_BYTES: u64 = 1 << 24;

/// The most bytes that the parameters of a kernel may have, by the version of PTX.
fn most_parameters(version: (u32, u32)) -> u64 {
    if version < (8, 1) { 4352 } else { 32764 }
}

impl Layout {
    /// The layout of a kernel. `globals` are the names of the module's variables, in their order.
    pub(crate) fn of<'a>(
        module: &ast::Module,
        globals: impl Iterator<Item = &'a str>,
        entry: &Entry,
    ) -> Result<Self, String> {
        let mut layout =
            Self { symbols: FxHashMap::default(), parameters: vec![], shared: 0, local: 0 };
        for (index, global) in globals.enumerate() {
            layout.symbols.insert(global.to_string(), Symbol::Global(index));
        }
        layout.place_parameters(entry, most_parameters(module.version))?;
        let used = names_in(entry);
        let outer =
            module.variables.iter().filter(|variable| used.contains(variable.name.as_str()));
        let all: Vec<&Variable> = outer.chain(&entry.body.variables).collect();
        let (mut shared, mut local) = (0, 0);
        for variable in all.iter().filter(|variable| variable.count.is_some()) {
            let bytes = variable.bytes().filter(|bytes| *bytes <= MOST_BYTES);
            let bytes = bytes.ok_or_else(|| format!("`{}` is too large", variable.name))?;
            match variable.space {
                Space::Shared => layout.place(variable, bytes, &mut shared, SHARED_START)?,
                Space::Local => layout.place(variable, bytes, &mut local, LOCAL_START)?,
                Space::Global | Space::Const | Space::Param => {}
            }
        }
        // What a launch says the size of lies behind all else, each variable at the same place.
        let dynamic = all
            .iter()
            .filter(|variable| variable.count.is_none() && variable.space == Space::Shared);
        let align = dynamic.clone().map(|variable| variable.align).max().unwrap_or(1);
        shared = shared.next_multiple_of(align);
        if shared > u64::from(MOST_STATIC_SHARED) {
            return Err(format!(
                "its variables have {shared} bytes of shared memory, and {MOST_STATIC_SHARED} is the most: a launch asks for \
                 more, and the variable that is declared without a size has it"
            ));
        }
        for variable in dynamic {
            layout
                .symbols
                .insert(variable.name.clone(), Symbol::Shared((SHARED_START + shared) as u32));
        }
        if local > MOST_LOCAL {
            return Err(format!(
                "its variables have {local} bytes of local memory a thread, and {MOST_LOCAL} is the most"
            ));
        }
        (layout.shared, layout.local) = (shared as u32, local as u32);
        Ok(layout)
    }

    fn place(
        &mut self,
        variable: &Variable,
        bytes: u64,
        end: &mut u64,
        start: u64,
    ) -> Result<(), String> {
        let at = end.next_multiple_of(variable.align);
        *end = at + bytes;
        if *end > MOST_BYTES {
            return Err("the variables are too large".to_string());
        }
        let address = (start + at) as u32;
        let symbol = if variable.space == Space::Shared {
            Symbol::Shared(address)
        } else {
            Symbol::Local(address)
        };
        self.symbols.insert(variable.name.clone(), symbol);
        Ok(())
    }

    fn place_parameters(&mut self, entry: &Entry, most: u64) -> Result<(), String> {
        let mut end = 0u64;
        for parameter in &entry.parameters {
            let bytes = parameter
                .count
                .checked_mul(parameter.ty.bytes())
                .filter(|bytes| *bytes <= MOST_BYTES);
            let bytes =
                bytes.ok_or_else(|| format!("the parameter `{}` is too large", parameter.name))?;
            let at = end.next_multiple_of(parameter.align);
            end = at + bytes;
            if end > most {
                return Err(format!(
                    "its parameters have more than {most} bytes, which is the most"
                ));
            }
            let address = (PARAMETER_START + at) as u32;
            self.symbols.insert(parameter.name.clone(), Symbol::Parameter(address));
            self.parameters.push(ParameterLayout {
                name: parameter.name.clone(),
                offset: at as usize,
                bytes: bytes as usize,
                align: parameter.align as usize,
            });
        }
        Ok(())
    }

    pub(crate) fn symbol(&self, name: &str) -> Option<Symbol> {
        self.symbols.get(name).copied()
    }

    pub(crate) fn into_parameters(self) -> Vec<ParameterLayout> {
        self.parameters
    }

    pub(crate) fn parameter_bytes(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.offset + last.bytes)
    }

    pub(crate) fn shared_bytes(&self) -> u32 {
        self.shared
    }

    pub(crate) fn local_bytes(&self) -> u32 {
        self.local
    }
}

/// The names that a kernel's operands speak of.
fn names_in(entry: &Entry) -> FxHashSet<&str> {
    fn collect<'a>(operand: &'a Operand, names: &mut FxHashSet<&'a str>) {
        match operand {
            Operand::Symbol(name) | Operand::Address(Base::Symbol(name), _) => {
                names.insert(name);
            }
            Operand::Vector(elements) => {
                elements.iter().for_each(|element| collect(element, names))
            }
            Operand::Pair(..)
            | Operand::Register(_)
            | Operand::Negated(_)
            | Operand::Immediate(_)
            | Operand::Special(_)
            | Operand::Address(..)
            | Operand::Label(_)
            | Operand::Sink => {}
        }
    }
    let mut names = FxHashSet::default();
    for instruction in entry.body.instructions() {
        instruction.operands.iter().for_each(|operand| collect(operand, &mut names));
    }
    names
}
