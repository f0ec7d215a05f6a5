//! Reads `venc` from MLIR text: what [`Module`]'s `Display` writes, and what MLIR takes for the same: see
//! [`syntax`](crate::syntax).

use super::reader::{Reader, find};
use super::{
    Activate, Activation, Argument, Call, Function, Module, Node, Op, Role, ValueId, VencError,
};
use crate::symbolic::Symbols;
use crate::syntax::{self, Attribute, Operation, Place, SyntaxError};
use crate::tensor::TensorType;
use std::collections::HashMap;

/// A text that is no module of `venc`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It is not of the form of the dialects' text.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// An operation, attribute or type that `venc` does not have.
    #[error("{place}: {message}")]
    Meaning {
        /// Where it stands.
        place: Place,
        /// What is wrong, and what to write.
        message: String,
    },
    /// Shapes or calls that do not fit.
    #[error(transparent)]
    Venc(#[from] VencError),
}

type Result<T> = std::result::Result<T, ParseError>;

impl Module {
    /// The module that a text holds, verified.
    pub fn parse(text: &str) -> Result<Module> {
        let parsed = syntax::parse(text)?;
        let header = Reader { name: "module", place: parsed.place, attributes: &parsed.attributes };
        let module = Module {
            symbols: symbols(&header)?,
            functions: parsed.functions.iter().map(function).collect::<Result<_>>()?,
            entry: match header.optional("venc.entry") {
                None => "main".to_string(),
                Some(_) => header.attribute("venc.entry", "a name: @main", Attribute::symbol)?,
            },
        };
        module.verify()?;
        Ok(module)
    }
}

fn symbols(module: &Reader) -> Result<Symbols> {
    let mut symbols = Symbols::default();
    let Some(declarations) = module.optional("venc.symbols") else { return Ok(symbols) };
    let wanted = || module.kind("venc.symbols", "an array of strings: [\"images in 1..=32\"]");
    for declaration in declarations.elements().ok_or_else(wanted)? {
        let declaration = declaration.string().ok_or_else(wanted)?;
        symbols.declare_text(&declaration).map_err(|error| module.error(error.to_string()))?;
    }
    Ok(symbols)
}

fn function(parsed: &syntax::Function) -> Result<Function> {
    let reader = Reader { name: "func.func", place: parsed.place, attributes: &[] };
    let mut values = Values::default();
    let mut arguments = vec![];
    for (position, argument) in parsed.arguments.iter().enumerate() {
        let ty = reader.tensor_type(&argument.ty)?;
        values.define(&argument.name, &ty).map_err(|message| reader.error(message))?;
        let described = |name| find(&argument.attributes, name);
        arguments.push(Argument {
            name: described("venc.name")
                .and_then(Attribute::string)
                .unwrap_or_else(|| format!("arg{position}")),
            ty,
            role: match described("venc.weight") {
                Some(_) => Role::Weight,
                None => Role::Activation,
            },
        });
    }
    let (mut nodes, mut returned) = (vec![], None);
    for operation in &parsed.operations {
        let reader = Reader::of(operation);
        if returned.is_some() {
            return Err(reader.error("an operation stands behind func.return".into()));
        }
        let operands = values.operands(operation)?;
        if operation.name == "func.return" {
            returned = Some(operands);
            continue;
        }
        let node = node(&reader, operation, operands)?;
        let name = operation.result.as_ref();
        let name = name.ok_or_else(|| {
            reader.error(format!("{} has a result without a name", operation.name))
        })?;
        values.define(name, &node.ty).map_err(|message| reader.error(message))?;
        nodes.push(node);
    }
    let returned = returned
        .ok_or_else(|| reader.error(format!("@{} does not end with func.return", parsed.name)))?;
    let results = results(&reader, parsed, returned, &values)?;
    Ok(Function { name: parsed.name.clone(), arguments, nodes, results })
}

/// What is returned, by the names of the signature, whose types it must have.
fn results(
    reader: &Reader,
    parsed: &syntax::Function,
    returned: Vec<ValueId>,
    values: &Values,
) -> Result<Vec<(String, ValueId)>> {
    if returned.len() != parsed.results.len() {
        let (given, declared) = (returned.len(), parsed.results.len());
        return Err(reader.error(format!(
            "@{} returns {given} value(s), and its signature says {declared}",
            parsed.name
        )));
    }
    let mut results = vec![];
    for (position, ((ty, attributes), value)) in parsed.results.iter().zip(returned).enumerate() {
        let (declared, given) = (reader.tensor_type(ty)?, &values.types[value.index()]);
        if declared != *given {
            return Err(reader.error(format!(
                "@{} returns {given} as result #{position}, and its signature says {declared}",
                parsed.name
            )));
        }
        let name = find(attributes, "venc.name").and_then(Attribute::string);
        results.push((name.unwrap_or_else(|| format!("result{position}")), value));
    }
    Ok(results)
}

fn node(reader: &Reader, operation: &Operation, operands: Vec<ValueId>) -> Result<Node> {
    let name = operation.name.as_str();
    let [result] = operation.result_types.as_slice() else {
        return Err(reader.error(format!("{name} must give one result")));
    };
    let ty = reader.tensor_type(result)?;
    let op = match name.strip_prefix("venc.") {
        Some(op) => self::operation(reader, op, &ty)?,
        None if name == "func.call" => {
            Call { callee: reader.attribute("callee", "a name", Attribute::symbol)? }.into()
        }
        None => return Err(reader.error(format!("{name} is no operation of venc"))),
    };
    let label = match reader.optional("label") {
        None => None,
        Some(_) => Some(reader.attribute("label", "a string", Attribute::string)?),
    };
    let known = op.attributes();
    let is_known = |name: &str| {
        name == "label" || name == "callee" || known.iter().any(|(known, _)| *known == name)
    };
    match operation.attributes.iter().find(|(name, _)| !is_known(name)) {
        None => Ok(Node { op, operands, ty, label }),
        Some((unknown, _)) => Err(reader.error(format!("{name} has no attribute `{unknown}`"))),
    }
}

/// The operation of that name in the text, without the dialect.
fn operation(reader: &Reader, name: &str, result: &TensorType) -> Result<Op> {
    let is_function = Activation::from_name(name).is_some();
    let declared = match is_function {
        true => Some(&Activate::DECLARATION),
        // A call is written as MLIR's own.
        false => Op::DECLARATIONS
            .iter()
            .copied()
            .find(|declared| declared.name == name && name != Call::DECLARATION.name),
    };
    match declared {
        Some(declared) => (declared.parse)(reader, result),
        None => Err(reader.unknown_operation()),
    }
}

/// The values of a function so far.
#[derive(Default)]
struct Values {
    by_name: HashMap<String, ValueId>,
    types: Vec<TensorType>,
}

impl Values {
    fn define(&mut self, name: &str, ty: &TensorType) -> std::result::Result<(), String> {
        let next = ValueId(self.types.len() as u32);
        self.types.push(ty.clone());
        match self.by_name.insert(name.to_string(), next) {
            None => Ok(()),
            Some(_) => Err(format!("%{name} is defined twice")),
        }
    }

    /// The operands of an operation, of the types that it says.
    fn operands(&self, operation: &Operation) -> Result<Vec<ValueId>> {
        let reader = Reader::of(operation);
        let (given, typed) = (operation.operands.len(), operation.operand_types.len());
        if given != typed {
            let name = &operation.name;
            return Err(reader.error(format!("{name} has {given} operand(s) and {typed} type(s)")));
        }
        let mut operands = vec![];
        for (value, ty) in operation.operands.iter().zip(&operation.operand_types) {
            let at = Reader { place: value.place, ..reader };
            let id = *self
                .by_name
                .get(&value.name)
                .ok_or_else(|| at.error(format!("%{} is defined nowhere before", value.name)))?;
            let (said, known) = (reader.tensor_type(ty)?, &self.types[id.index()]);
            if said != *known {
                let name = &value.name;
                return Err(at.error(format!("%{name} is {known}, and its use says {said}")));
            }
            operands.push(id);
        }
        Ok(operands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::random::modules;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn print_and_parse_are_inverse(module in modules()) {
            let text = module.to_string();
            let read = Module::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(&read, &module);
            prop_assert_eq!(read.to_string(), text);
        }

        #[test]
        fn damaged_text_gives_an_error_or_a_module(
            module in modules(),
            damages in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, any::<char>(), 0usize..40), 1..4),
        ) {
            let text = damages.into_iter().fold(module.to_string(), |text, (at, kind, with, length)| {
                damaged(&text, at.index(text.chars().count().max(1)), kind, with, length)
            });
            // Whatever is read must have been verified.
            if let Ok(module) = Module::parse(&text) {
                prop_assert!(module.verify().is_ok());
            }
        }
    }

    fn damaged(text: &str, at: usize, kind: usize, with: char, length: usize) -> String {
        let characters: Vec<char> = text.chars().collect();
        let (before, after) = characters.split_at(at.min(characters.len()));
        let (piece, rest) = after.split_at(length.min(after.len()));
        let middle: Vec<char> = match kind {
            0 => vec![],
            1 => vec![with],
            2 => [piece, piece].concat(),
            _ => piece.iter().rev().copied().collect(),
        };
        [before, &middle, rest].concat().into_iter().collect()
    }

    const SMALL: &str = r#"
        module attributes {venc.entry = @main, venc.symbols = ["images in 1..=4"]} {
          func.func @main(%x: tensor<?x8xf32, ["images"]> {venc.name = "x"})
              -> (tensor<?x8xf32, ["images"]> {venc.name = "y"}) {
            %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
            func.return %0 : tensor<?x8xf32, ["images"]>
          }
        }"#;

    fn error_with(from: &str, to: &str) -> String {
        assert!(Module::parse(SMALL).is_ok() && SMALL.contains(from));
        Module::parse(&SMALL.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn what_was_printed_is_readable() {
        insta::assert_snapshot!(Module::parse(SMALL).unwrap());
    }

    #[test]
    fn errors_say_where_and_what() {
        for (from, to, message) in [
            (
                "0.5 : f64",
                "0.5 : f32",
                "line 5, column 18: venc.scale: attribute `factor` must be an f64 number",
            ),
            ("0.5 : f64", "\"x\"", "line 5, column 18: "),
            ("scale\"", "scael\"", "line 5, column 18: "),
            ("1..=4", "4..=1", "the range 4..=1 of the symbol `images` is empty"),
            ("images in", "pictures in", "the symbol `images` is not declared"),
            ("x8xf32, [\"images\"]>) ->", "x8xf32, [\"rows*\"]>) ->", "line 5"),
            ("@main,", "@forward,", "has no function `@forward`"),
            ("func.return %0", "func.return %1", "line 6"),
        ] {
            let error = error_with(from, to);
            assert!(error.contains(message), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn shapes_are_checked_with_the_operation_the_operand_and_the_dims() {
        let text = SMALL
            .replace("\"venc.scale\"(%x) {factor = 0.5 : f64} : (", "\"venc.add\"(%x, %w) : (")
            .replace(
                "(tensor<?x8xf32, [\"images\"]>) ->",
                "(tensor<?x8xf32, [\"images\"]>, tensor<7xf32>) ->",
            )
            .replace("\"x\"})", "\"x\"}, %w: tensor<7xf32> {venc.name = \"w\"})");
        assert_eq!(
            Module::parse(&text).unwrap_err().to_string(),
            "in @main: venc.add: operand #1 `b` is [7] x f32, and its dims must be the last ones of `a`, or 1; \
             `a` is [images, 8] x f32"
        );
    }

    #[test]
    fn other_dialects_and_odd_functions_are_refused() {
        for (text, message) in [
            ("func.func private @f()", "line 1, column 1: @f has no body"),
            ("irdl.dialect @x {}", "`irdl.dialect` stands where a func.func was expected"),
            (
                "func.func @f(%x: tensor<*xf32>) { func.return }",
                "func.func: tensor<*xf32> is no tensor with dimensions",
            ),
            (
                "func.func @f(%x: tensor<?xf32>) { func.return }",
                "func.func: tensor<?xf32> needs one expression for each `?`",
            ),
            (
                "func.func @f(%x: tensor<2xi8>) { func.return }",
                "does not hold f32, bf16, f16 or i32",
            ),
            (
                "func.func @f(%x: f32) -> f32 { %0 = func.call @f(%x) : (f32) -> f32\nfunc.return %0 : f32 }",
                "f32 is no tensor with dimensions",
            ),
            (
                "func.func @f() { %0 = func.constant @f : () -> ()\nfunc.return }",
                "`func.constant` stands where an operation was expected",
            ),
            (
                "func.func @f() { func.call @f() : () -> ()\nfunc.return }",
                "func.call must give one result",
            ),
            (
                "func.func @f() { func.return %x : tensor<2xf32> }",
                "column 30: %x is defined nowhere",
            ),
            (
                "func.func @f(%x: tensor<2xf32>, %x: tensor<2xf32>) { func.return }",
                "%x is defined twice",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) { func.return %x : tensor<3xf32> }",
                "%x is [2] x f32, and its use says [3] x f32",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> { func.return %x : tensor<2xf32> }",
                "returns [2] x f32 as result #0, and its signature says [3] x f32",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) { func.return %x : tensor<2xf32> }",
                "@f returns 1 value(s), and its signature says 0",
            ),
            ("func.func @f() { }", "@f does not end with func.return"),
            (
                "func.func @f() { func.return\nfunc.return }",
                "line 2, column 1: an operation stands behind func.return",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) { %0 = \"venc.gelu\"(%x) {exact} : (tensor<2xf32>) -> tensor<2xf32>\nfunc.return }",
                "venc.gelu has no attribute `exact`",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) { \"venc.gelu\"(%x) : (tensor<2xf32>) -> tensor<2xf32>\nfunc.return }",
                "venc.gelu has a result without a name",
            ),
            (
                "func.func @f(%x: tensor<2xf32>) { %0 = \"venc.gelu\"(%x) : () -> tensor<2xf32>\nfunc.return }",
                "venc.gelu has 1 operand(s) and 0 type(s)",
            ),
        ] {
            let error = Module::parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
