//! `venc` as MLIR text.
//!
//! ```mlir
//! module attributes {venc.entry = @main, venc.symbols = ["images in 1..=32"]} {
//!   func.func @main(
//!     %x: tensor<?x768xf32, ["images"]> {venc.name = "x"}
//!   ) -> (tensor<?x768xf32, ["images"]> {venc.name = "y"}) {
//!     %0 = "venc.gelu"(%x) : (tensor<?x768xf32, ["images"]>) -> tensor<?x768xf32, ["images"]>
//!     func.return %0 : tensor<?x768xf32, ["images"]>
//!   }
//! }
//! ```

use super::{Argument, Function, Module, Node, Role, Source, ValueId};
use crate::symbolic::Symbols;
use crate::syntax::text::{self, quoted, symbol_name};
use std::fmt;

/// MLIR text, which [`Module::parse`] reads back to an equal module.
impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {{", module_header(&self.symbols, &self.entry))?;
        self.functions.iter().try_for_each(|function| write_function(f, function))?;
        f.write_str("}\n")
    }
}

/// `module attributes {venc.entry = ..., venc.symbols = [...]}`.
pub(crate) fn module_header(symbols: &Symbols, entry: &str) -> String {
    let symbols: Vec<String> =
        symbols.declarations().map(|d| format!("\n  {}", quoted(&d.to_string()))).collect();
    let newline = if symbols.is_empty() { "" } else { "\n" };
    let (entry, symbols) = (symbol_name(entry), symbols.join(","));
    format!("module attributes {{venc.entry = {entry}, venc.symbols = [{symbols}{newline}]}}")
}

/// `{a = 1, b = 2}` with a space before it, or nothing.
pub(crate) fn attribute_dictionary(attributes: &[(&str, String)]) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let entries: Vec<String> =
        attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!(" {{{}}}", entries.join(", "))
}

/// The argument of a function: its type, its name, and whether it is a weight.
pub(crate) fn argument(value: &str, ty: &str, name: &str, role: Role) -> String {
    let weight = if role == Role::Weight { ", venc.weight" } else { "" };
    format!("\n    {value}: {ty} {{venc.name = {}{weight}}}", quoted(name))
}

fn write_function(f: &mut fmt::Formatter<'_>, function: &Function) -> fmt::Result {
    let names = text::value_names(function.arguments.iter().map(|a| a.name.as_str()));
    let value = |id: ValueId| match id.index().checked_sub(names.len()) {
        None => names[id.index()].clone(),
        Some(node) => format!("%{node}"),
    };
    write_signature(f, function, &names)?;
    for (position, node) in function.nodes.iter().enumerate() {
        writeln!(f, "    %{position} = {}", operation(function, node, &value))?;
    }
    let results: Vec<String> = function.results.iter().map(|(_, id)| value(*id)).collect();
    let types: Vec<String> =
        function.results.iter().map(|(_, id)| text::tensor(function.type_of(*id))).collect();
    match results.is_empty() {
        true => writeln!(f, "    func.return\n  }}"),
        false => writeln!(f, "    func.return {} : {}\n  }}", results.join(", "), types.join(", ")),
    }
}

fn write_signature(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    names: &[String],
) -> fmt::Result {
    let arguments: Vec<String> = function
        .arguments
        .iter()
        .zip(names)
        .map(|(Argument { name, ty, role }, value)| argument(value, &text::tensor(ty), name, *role))
        .collect();
    let results: Vec<String> = function
        .results
        .iter()
        .map(|(name, id)| {
            let ty = text::tensor(function.type_of(*id));
            format!("{ty} {{venc.name = {}}}", quoted(name))
        })
        .collect();
    write!(f, "  func.func {}({}\n  )", symbol_name(&function.name), arguments.join(","))?;
    match results.is_empty() {
        true => f.write_str(" {\n"),
        false => writeln!(f, " -> ({}) {{", results.join(", ")),
    }
}

fn operation(function: &Function, node: &Node, value: &impl Fn(ValueId) -> String) -> String {
    let operands: Vec<String> = node.operands.iter().map(|id| value(*id)).collect();
    let types = text::function_type(node.operands.iter().map(|id| function.type_of(*id)), &node.ty);
    let (operation, mut attributes) = match node.op.source() {
        Source::Function(callee) => (format!("func.call {}", symbol_name(callee)), vec![]),
        Source::Checkpoint(_) | Source::Operands => {
            (format!("\"venc.{}\"", node.op.name()), node.op.attributes())
        }
    };
    attributes.extend(node.label.as_ref().map(|label| ("label", quoted(label))));
    let attributes = attribute_dictionary(&attributes);
    format!("{operation}({}){attributes} : {types}", operands.join(", "))
}
