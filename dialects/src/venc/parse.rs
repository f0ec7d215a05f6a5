//! Reads `venc` from MLIR text: what [`Module`]'s `Display` writes, and what MLIR takes for the same: see
//! [`syntax`](crate::syntax).

use super::parts::{Values, arguments, header, results};
use super::reader::Reader;
use super::{Activate, Activation, Call, Function, Module, Node, Op, ParseError, ValueId};
use crate::syntax::{self, Attribute, Operation};
use crate::tensor::TensorType;

type Result<T> = std::result::Result<T, ParseError>;

impl Module {
    /// The module that a text holds, verified.
    pub fn parse(text: &str) -> Result<Module> {
        let parsed = syntax::parse(text)?;
        let (symbols, entry) = header(&parsed)?;
        let functions = parsed.functions.iter().map(function).collect::<Result<_>>()?;
        let module = Module { symbols, functions, entry };
        module.verify()?;
        Ok(module)
    }
}

fn function(parsed: &syntax::Function) -> Result<Function> {
    let mut values = Values::default();
    let arguments = arguments(parsed, &mut values)?;
    let (mut nodes, mut returned) = (vec![], None);
    for operation in &parsed.operations {
        let reader = Reader::of(operation);
        if returned.is_some() {
            return Err(reader.behind_the_end());
        }
        let operands = values.operands(operation)?;
        if operation.name == "func.return" {
            returned = Some(operands);
            continue;
        }
        let node = node(&reader, operation, operands)?;
        values.define_result(&reader, operation, &node.ty)?;
        nodes.push(node);
    }
    let reader = Reader { name: "func.func", place: parsed.place, attributes: &[] };
    let results = results(&reader, parsed, returned, &values)?;
    Ok(Function { name: parsed.name.clone(), arguments, nodes, results })
}

fn node(reader: &Reader, operation: &Operation, operands: Vec<ValueId>) -> Result<Node> {
    let name = operation.name.as_str();
    let ty = reader.result_type(operation)?;
    let op = match name.strip_prefix("venc.") {
        Some(op) => self::operation(reader, op, &ty)?,
        None if name == "func.call" => {
            Call { callee: reader.attribute("callee", "a name", Attribute::symbol)? }.into()
        }
        None => return Err(reader.error(format!("{name} is no operation of venc"))),
    };
    let known = op.attributes();
    let known = known.iter().map(|(name, _)| *name).chain(["label", "callee"]);
    reader.has_only(known)?;
    Ok(Node { op, operands, ty, label: reader.label()? })
}

/// The operation of that name in the text, without the dialect.
pub(crate) fn operation(reader: &Reader, name: &str, result: &TensorType) -> Result<Op> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::damage::{damaged, damages};
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
        fn damaged_text_gives_an_error_or_a_module(module in modules(), damages in damages()) {
            // Whatever is read must have been verified.
            if let Ok(module) = Module::parse(&damaged(&module.to_string(), &damages)) {
                prop_assert!(module.verify().is_ok());
            }
        }
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
