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

use super::{Argument, Function, Module, Node, Op, Role, ValueId};
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
    let operation = match &node.op {
        Op::Call { callee } => format!("func.call {}", symbol_name(callee)),
        op => format!("\"venc.{}\"", op.name()),
    };
    let mut attributes = node.op.attributes();
    attributes.extend(node.label.as_ref().map(|label| ("label", quoted(label))));
    let attributes = attribute_dictionary(&attributes);
    format!("{operation}({}){attributes} : {types}", operands.join(", "))
}

impl Op {
    /// Its attributes in words, for listings: `axis 0`.
    pub fn attribute_words(&self) -> Vec<String> {
        let word = |(name, value): (&str, String)| format!("{name} {}", value.trim_matches('"'));
        self.attributes().into_iter().map(word).collect()
    }

    /// Its attributes as MLIR writes them, by name: what the types of operands and result do not say.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let dim = |dim: &crate::symbolic::Dim| quoted(&dim.to_string());
        match self {
            Op::Weight { name } => vec![("name", quoted(name))],
            Op::Patchify { height, width, rows, cols } => vec![
                ("height", height.to_string()),
                ("width", width.to_string()),
                ("rows", dim(rows)),
                ("cols", dim(cols)),
            ],
            Op::LinearSlices { slices } => vec![("slices", slices.to_string())],
            Op::Matmul { transpose_rhs } => vec![("transpose_rhs", transpose_rhs.to_string())],
            Op::Scale { factor } => vec![("factor", text::real(*factor))],
            Op::LayerNorm { eps } | Op::RmsNorm { eps } => vec![("eps", text::real(*eps))],
            Op::NormScale { centred, eps } => {
                vec![("centred", centred.to_string()), ("eps", text::real(*eps))]
            }
            Op::Rope { heads } | Op::SplitHeads { heads } => vec![("heads", heads.to_string())],
            Op::Concat { axis } => vec![("axis", axis.to_string())],
            Op::Columns { start, length } => {
                vec![("start", start.to_string()), ("length", length.to_string())]
            }
            Op::Tokens { start, length } => {
                vec![("start", start.to_string()), ("length", dim(length))]
            }
            Op::SelectToken { index } => vec![("index", index.to_string())],
            Op::InterpolatePositions {
                native_rows,
                native_cols,
                rows,
                cols,
                filter,
                antialias,
            } => {
                vec![
                    ("native_rows", native_rows.to_string()),
                    ("native_cols", native_cols.to_string()),
                    ("rows", dim(rows)),
                    ("cols", dim(cols)),
                    ("filter", quoted(filter.name())),
                    ("antialias", antialias.to_string()),
                ]
            }
            // `call` names its callee by its own syntax; `expand`, `reshape` and `cast` go to the result's type.
            Op::Linear
            | Op::SumSlices { .. }
            | Op::Centre
            | Op::Add
            | Op::Multiply
            | Op::Activate(_)
            | Op::Softmax
            | Op::GatherRows
            | Op::InversePermutation
            | Op::MaskSegments
            | Op::MergeHeads
            | Op::MeanTokens
            | Op::Expand { .. }
            | Op::Reshape { .. }
            | Op::Cast { .. }
            | Op::Call { .. } => vec![],
        }
    }
}
