//! The instructions, each declared once as data, and how an instruction of a text is held against its declarations.
//!
//! A [`Declaration`] has a name, its suffixes in their order, and the shapes of its operands, both in a notation of a few
//! letters that [`table`] explains. One name may have several declarations, such as `add` of integers and of floats. What an
//! instruction computes is not said here.

mod shape;
pub mod table;

use crate::ast::{Body, Instruction, Type};
use shape::Shapes;

/// A way to write an instruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Declaration {
    /// The name, without suffixes: `cp.async`.
    pub name: &'static str,
    /// Groups of alternatives, in their order: `rn|rz? ftz? f32|f64`.
    pub suffixes: &'static str,
    /// The shapes of the operands: `d a a`.
    pub operands: &'static str,
}

impl Declaration {
    /// The groups of suffixes: the alternatives, and whether one must be there.
    fn groups(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.suffixes.split_whitespace().map(|group| match group.strip_suffix('?') {
            Some(group) => (group, false),
            None => (group, true),
        })
    }

    /// The suffixes that were chosen, or the first that does not fit; the empty text where one is missing.
    fn choose<'a>(&self, suffixes: &[&'a str]) -> Result<Vec<&'static str>, &'a str> {
        let (mut chosen, mut rest) = (vec![], suffixes);
        for (group, is_needed) in self.groups() {
            let found = rest.first().and_then(|s| group.split('|').find(|choice| choice == s));
            match found {
                Some(choice) => {
                    chosen.push(choice);
                    rest = &rest[1..];
                }
                None if is_needed => return Err(rest.first().copied().unwrap_or("")),
                None => {}
            }
        }
        match rest.first() {
            Some(suffix) => Err(suffix),
            None => Ok(chosen),
        }
    }
}

/// An instruction that agrees with a declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Form {
    /// The declaration.
    pub declaration: &'static Declaration,
    /// The suffixes that it has.
    pub suffixes: Vec<&'static str>,
    /// Which operands it writes, by their places.
    pub written: Vec<usize>,
}

impl Form {
    /// Whether it has a suffix.
    pub fn has(&self, suffix: &str) -> bool {
        self.suffixes.contains(&suffix)
    }

    /// The suffix that it has of those.
    pub fn one_of(&self, suffixes: &[&str]) -> Option<&'static str> {
        self.suffixes.iter().copied().find(|suffix| suffixes.contains(suffix))
    }

    /// The types among its suffixes, in their order.
    pub fn types(&self) -> impl Iterator<Item = Type> + '_ {
        self.suffixes.iter().filter_map(|suffix| Type::of(suffix))
    }
}

/// Why an instruction agrees with no declaration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// No instruction is declared by that name.
    #[error("`{0}` is no instruction that is known")]
    Unknown(String),
    /// None of the declarations has that suffix at that place.
    #[error("`{opcode}`: `{name}` is not known with the suffix `{suffix}` there")]
    Suffix {
        /// The instruction with its suffixes.
        opcode: String,
        /// Its name.
        name: &'static str,
        /// What does not fit.
        suffix: String,
    },
    /// A suffix is missing at the end.
    #[error("`{opcode}`: `{name}` needs more suffixes ({wanted})")]
    Incomplete {
        /// The instruction with its suffixes.
        opcode: String,
        /// Its name.
        name: &'static str,
        /// What the declaration says.
        wanted: &'static str,
    },
    /// The operands are others.
    #[error("`{opcode}` takes other operands ({wanted})")]
    Operands {
        /// The instruction with its suffixes.
        opcode: String,
        /// What the declaration says.
        wanted: &'static str,
    },
}

/// Holds an instruction against the declarations of its name.
pub fn form(instruction: &Instruction, body: &Body) -> Result<Form, Mismatch> {
    let opcode = &instruction.opcode;
    let parts: Vec<&str> = opcode.split('.').collect();
    let mut mismatch = None;
    for declaration in table::named(parts[0]) {
        let length = declaration.name.split('.').count();
        if !declaration.name.split('.').eq(parts.iter().take(length).copied()) {
            continue;
        }
        let suffixes = &parts[length..];
        let failed = match declaration.choose(suffixes) {
            Ok(chosen) => match Shapes::of(declaration).written(&instruction.operands, body) {
                Some(written) => return Ok(Form { declaration, suffixes: chosen, written }),
                None => Mismatch::Operands { opcode: opcode.clone(), wanted: declaration.operands },
            },
            Err("") => Mismatch::Incomplete {
                opcode: opcode.clone(),
                name: declaration.name,
                wanted: declaration.suffixes,
            },
            Err(suffix) => Mismatch::Suffix {
                opcode: opcode.clone(),
                name: declaration.name,
                suffix: suffix.to_string(),
            },
        };
        let is_better = matches!(failed, Mismatch::Operands { .. });
        if mismatch.is_none() || is_better {
            mismatch = Some(failed);
        }
    }
    Err(mismatch.unwrap_or_else(|| Mismatch::Unknown(opcode.clone())))
}
