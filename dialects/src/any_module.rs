//! [`AnyModule`]: a program of any of the dialects, as a text holds it.

use crate::kernel;
use crate::plan::Plan;
use crate::syntax::{self, Attribute};
use crate::venc::{self, ParseError};
use std::fmt;

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyModule {
    /// The mathematics.
    Venc(venc::Module),
    /// Launches.
    Kernel(kernel::Module),
    /// The host program.
    Plan(Plan),
}

/// One of the dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `venc`.
    Venc,
    /// `kernel`.
    Kernel,
    /// `plan`.
    Plan,
}

/// Its name, as in text.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Venc => "venc",
            Dialect::Kernel => "kernel",
            Dialect::Plan => "plan",
        })
    }
}

impl AnyModule {
    /// The program that a text holds, of the dialect that its operations are of.
    pub fn parse(text: &str) -> Result<AnyModule, ParseError> {
        Ok(match dialect_of(&syntax::parse(text)?) {
            Dialect::Venc => AnyModule::Venc(venc::Module::parse(text)?),
            Dialect::Kernel => AnyModule::Kernel(kernel::Module::parse(text)?),
            Dialect::Plan => AnyModule::Plan(Plan::parse(text)?),
        })
    }

    /// Its dialect.
    pub fn dialect(&self) -> Dialect {
        match self {
            AnyModule::Venc(_) => Dialect::Venc,
            AnyModule::Kernel(_) => Dialect::Kernel,
            AnyModule::Plan(_) => Dialect::Plan,
        }
    }
}

/// The text, which reads back to an equal program.
impl fmt::Display for AnyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyModule::Venc(module) => write!(f, "{module}"),
            AnyModule::Kernel(module) => write!(f, "{module}"),
            AnyModule::Plan(plan) => write!(f, "{plan}"),
        }
    }
}

/// A program of launches has one, or work that is marked as work of compile time.
fn dialect_of(parsed: &syntax::Module) -> Dialect {
    let mut operations = parsed.functions.iter().flat_map(|function| &function.operations);
    let is_plan = |name: &str| name.starts_with("plan.");
    if parsed.attributes.iter().any(|(name, _)| is_plan(name))
        || parsed.operations.iter().chain(operations.clone()).any(|op| is_plan(&op.name))
    {
        return Dialect::Plan;
    }
    let offline = ("offline".to_string(), Attribute::Boolean(true));
    match operations.any(|op| op.name.starts_with("kernel.") || op.attributes.contains(&offline)) {
        true => Dialect::Kernel,
        false => Dialect::Venc,
    }
}
