//! A module: its kernels, translated, and its variables.

use crate::code::Code;
use crate::machine::address::{LOCAL_START, PARAMETER_START, SHARED_START};
use crate::memory::{Memory, MemoryError};
use crate::translate::translate;
use ocellus_ptx::ast::{self, Base, Entry, Immediate, Operand, Space, Value, Variable};
use ocellus_ptx::{ParseError, Position};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt;
use std::sync::Arc;

/// Why a text cannot be loaded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// It is not PTX.
    #[error("the text is not PTX that can be read: {0}")]
    Parse(#[from] ParseError),
    /// It has what is not supported: all of it.
    #[error("{}", Lines(.0))]
    Unsupported(Vec<Unsupported>),
}

/// Something in a module that cannot be run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unsupported {
    /// The kernel.
    pub kernel: String,
    /// Where it stands.
    pub position: Position,
    /// What it is.
    pub message: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, in kernel `{}`: {}", self.position, self.kernel, self.message)
    }
}

struct Lines<'a>(&'a [Unsupported]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the module has what is not supported:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

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

/// The most bytes that parameters, or variables of a kernel in one space, may have.
const MOST_BYTES: u64 = 1 << 24;

impl Layout {
    fn of(module: &ast::Module, globals: &[GlobalVariable], entry: &Entry) -> Result<Self, String> {
        let mut layout =
            Self { symbols: FxHashMap::default(), parameters: vec![], shared: 0, local: 0 };
        for (index, global) in globals.iter().enumerate() {
            layout.symbols.insert(global.name.clone(), Symbol::Global(index));
        }
        layout.place_parameters(entry)?;
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
        for variable in dynamic {
            layout
                .symbols
                .insert(variable.name.clone(), Symbol::Shared((SHARED_START + shared) as u32));
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

    fn place_parameters(&mut self, entry: &Entry) -> Result<(), String> {
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
            if end > MOST_BYTES {
                return Err("the parameters are too large".to_string());
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

/// A kernel that can be launched.
#[derive(Clone)]
pub struct Kernel {
    pub(crate) code: Arc<Code>,
    parameters: Arc<[ParameterLayout]>,
}

impl Kernel {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.code.name
    }

    /// Its parameters, in their order.
    pub fn parameters(&self) -> &[ParameterLayout] {
        &self.parameters
    }

    /// The bytes of all parameters.
    pub fn parameter_bytes(&self) -> usize {
        self.code.parameter_bytes
    }

    /// The bytes of shared memory that it always has.
    pub fn static_shared(&self) -> u32 {
        self.code.static_shared
    }

    /// The threads that a block must have, where the kernel says so.
    pub fn required_threads(&self) -> Option<[u32; 3]> {
        self.code.required_threads
    }

    /// The threads that a block may have, where the kernel says so.
    pub fn most_threads(&self) -> Option<[u32; 3]> {
        self.code.most_threads
    }
}

/// A variable of a module in global or constant memory.
#[derive(Clone, Debug)]
struct GlobalVariable {
    name: String,
    bytes: u64,
    /// What it holds; where nothing is said, it is zero.
    image: Vec<u8>,
    /// Addresses of other variables in it: where, of which, and bytes from there.
    addresses: Vec<(usize, String, i64)>,
}

/// A module, loaded.
pub struct Module {
    kernels: Vec<Kernel>,
    globals: Vec<GlobalVariable>,
    target: String,
    version: (u32, u32),
}

impl Module {
    /// Reads and translates a text.
    pub fn load(text: &str) -> Result<Self, LoadError> {
        let module = ocellus_ptx::parse(text)?;
        let lines: Vec<&str> = text.lines().collect();
        let mut unsupported = vec![];
        let mut globals = vec![];
        for variable in &module.variables {
            if matches!(variable.space, Space::Global | Space::Const) && !variable.is_extern {
                match global(variable) {
                    Ok(global) => globals.push(global),
                    Err(message) => unsupported.push(Unsupported {
                        kernel: String::new(),
                        position: variable.position,
                        message,
                    }),
                }
            }
        }
        let mut kernels = vec![];
        for entry in &module.entries {
            let said =
                |(position, message)| Unsupported { kernel: entry.name.clone(), position, message };
            let layout = match Layout::of(&module, &globals, entry) {
                Ok(layout) => layout,
                Err(message) => {
                    unsupported.push(said((entry.position, message)));
                    continue;
                }
            };
            match translate(entry, &layout, &lines) {
                Ok(code) => {
                    kernels.push(Kernel {
                        code: Arc::new(code),
                        parameters: layout.parameters.into(),
                    });
                }
                Err(faults) => unsupported.extend(faults.into_iter().map(said)),
            }
        }
        if !unsupported.is_empty() {
            return Err(LoadError::Unsupported(unsupported));
        }
        Ok(Self { kernels, globals, target: module.target, version: module.version })
    }

    /// The target that the text was written for, as `sm_80`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The version of PTX, major and minor.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// The kernels, in their order.
    pub fn kernels(&self) -> &[Kernel] {
        &self.kernels
    }

    /// The kernel of that name.
    pub fn kernel(&self, name: &str) -> Option<&Kernel> {
        self.kernels.iter().find(|kernel| kernel.name() == name)
    }

    /// Gives the module's variables their places in a memory.
    pub fn place(&self, memory: &Memory) -> Result<Globals, MemoryError> {
        let mut globals = Globals::default();
        for variable in &self.globals {
            let address = memory.allocate(variable.bytes)?;
            memory.write(address, &variable.image)?;
            globals.places.push((variable.name.clone(), address, variable.bytes));
        }
        for (variable, (_, base, _)) in self.globals.iter().zip(&globals.places) {
            for (at, name, offset) in &variable.addresses {
                let target = globals
                    .find(name)
                    .map_or(0, |(address, _)| address.wrapping_add_signed(*offset));
                memory.write(base + *at as u64, &target.to_le_bytes())?;
            }
        }
        Ok(globals)
    }
}

/// Where the variables of a module lie in a memory.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    places: Vec<(String, u64, u64)>,
}

impl Globals {
    /// The address of a variable and its bytes.
    pub fn find(&self, name: &str) -> Option<(u64, u64)> {
        self.places
            .iter()
            .find(|(own, _, _)| own == name)
            .map(|(_, address, bytes)| (*address, *bytes))
    }

    /// All addresses, as they were allocated.
    pub fn addresses(&self) -> impl Iterator<Item = u64> + '_ {
        self.places.iter().map(|(_, address, _)| *address)
    }

    pub(crate) fn address(&self, index: usize) -> u64 {
        self.places.get(index).map_or(0, |(_, address, _)| *address)
    }
}

fn global(variable: &Variable) -> Result<GlobalVariable, String> {
    const MOST: u64 = 1 << 32;
    let name = variable.name.clone();
    let bytes = variable
        .bytes()
        .filter(|bytes| *bytes <= MOST)
        .ok_or_else(|| format!("`{name}` has no size"))?;
    let mut global =
        GlobalVariable { name, bytes, image: vec![0; bytes as usize], addresses: vec![] };
    let size = variable.ty.bytes() as usize;
    for (index, value) in variable.values.iter().enumerate() {
        let at = index * size;
        let bits = match value {
            Value::Immediate(Immediate::Integer(value)) => *value as u64,
            Value::Immediate(Immediate::F32(bits)) => u64::from(*bits),
            Value::Immediate(Immediate::F64(bits)) => *bits,
            Value::Address(target, offset) if size == 8 => {
                global.addresses.push((at, target.clone(), *offset));
                0
            }
            Value::Address(..) => return Err("an address has 8 bytes".to_string()),
        };
        if let Some(into) = global.image.get_mut(at..at + size.min(8)) {
            into.copy_from_slice(&bits.to_le_bytes()[..size.min(8)]);
        }
    }
    Ok(global)
}
