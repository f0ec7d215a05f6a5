//! [`Function`]: what can be called.

use super::Type;

/// Who may call a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Whoever loads the code object.
    Exported,
    /// The functions of the module. It is never inlined: it is there to be shared.
    Internal,
}

/// A function that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its symbol.
    pub name: String,
    /// The types of its parameters. It returns nothing.
    pub parameters: Vec<Type>,
}
