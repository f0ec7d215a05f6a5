//! A module: its kernels, translated, and its variables.

use crate::code::Code;
use crate::layout::{Layout, ParameterLayout};
use crate::memory::{Memory, MemoryError};
use crate::translate::translate;
use ocellus_ptx::ast::{Immediate, Space, Value, Variable};
use ocellus_ptx::{ParseError, Position};
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
    /// What it holds, as far as that is said; behind that it is zero.
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
            let layout =
                match Layout::of(&module, globals.iter().map(|global| global.name.as_str()), entry)
                {
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
                        parameters: layout.into_parameters().into(),
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

    /// Gives the module's variables their places in a memory, or none of them.
    pub fn place(&self, memory: &Memory) -> Result<Globals, MemoryError> {
        let mut globals = Globals::default();
        let placed = self.place_all(memory, &mut globals);
        if placed.is_err() {
            // They were allocated just now, and nobody else knows of them.
            globals.addresses().for_each(|address| drop(memory.free(address)));
        }
        placed.map(|()| globals)
    }

    fn place_all(&self, memory: &Memory, globals: &mut Globals) -> Result<(), MemoryError> {
        for variable in &self.globals {
            let address = memory.allocate(variable.bytes)?;
            globals.places.push((variable.name.clone(), address, variable.bytes));
            memory.write(address, &variable.image)?;
            let end = address + variable.bytes;
            let zeros = (address + variable.image.len() as u64..end).step_by(ZEROS.len());
            for at in zeros {
                let left = usize::try_from(end - at).unwrap_or(usize::MAX);
                memory.write(at, &ZEROS[..left.min(ZEROS.len())])?;
            }
        }
        for (variable, (_, base, _)) in self.globals.iter().zip(&globals.places) {
            for (at, name, offset) in &variable.addresses {
                let target = globals
                    .find(name)
                    .map_or(0, |(address, _)| address.wrapping_add_signed(*offset));
                memory.write(base + *at as u64, &target.to_le_bytes())?;
            }
        }
        Ok(())
    }
}

/// What is written at once where a variable holds nothing that was said.
const ZEROS: [u8; 4096] = [0; 4096];

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
    let size = variable.ty.bytes() as usize;
    let said = (variable.values.len() * size).min(bytes as usize);
    let mut global = GlobalVariable { name, bytes, image: vec![0; said], addresses: vec![] };
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
