//! A module: functions, each written once.

use super::{Builder, Type, Value};

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

/// A module under construction.
#[derive(Debug, Default)]
pub struct Module {
    functions: Vec<(Function, String)>,
}

impl Module {
    /// Writes a function; `body` ends where the function returns. An internal one that the module has already is not
    /// written again. An exported one is, for two kernels of one symbol are an error that MLIR must see.
    pub fn define(
        &mut self,
        name: &str,
        linkage: Linkage,
        parameters: &[Type],
        body: impl FnOnce(&mut Builder, &[Value]),
    ) -> Function {
        let known = self.functions.iter().find(|(known, _)| known.name == name);
        if let (Some((known, _)), Linkage::Internal) = (known, linkage) {
            return known.clone();
        }
        let function = Function { name: name.to_string(), parameters: parameters.to_vec() };
        let text = Builder::function(&function, linkage, body);
        self.functions.push((function.clone(), text));
        function
    }

    /// The text.
    pub fn finish(&self) -> String {
        let functions: Vec<&str> = self.functions.iter().map(|(_, text)| text.as_str()).collect();
        format!("module {{\n{}}}\n", functions.join("\n"))
    }
}
