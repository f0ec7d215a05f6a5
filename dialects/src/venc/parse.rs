//! Reads `venc` from MLIR text: what [`Module`]'s `Display` writes, or anything that MLIR takes for the same.

use super::{Activation, Argument, Function, InterpolationFilter, Module, Node, Op, Role, ValueId};
use crate::mlir::{Context, MlirError, read};
use crate::symbolic::{Dim, Symbols};
use crate::tensor::TensorType;
use melior::ir::block::BlockLike;
use melior::ir::operation::{OperationLike, OperationRef};

use melior::ir::{Attribute, BlockRef, RegionLike, Type, Value, ValueLike};
use std::collections::HashMap;

impl Module {
    /// The module that a text holds, verified.
    pub fn parse(text: &str) -> Result<Module, MlirError> {
        let context = Context::new()?;
        let parsed = context.parse(text)?;
        let header = Reader(parsed.as_operation());
        let module = Module {
            symbols: symbols(&header)?,
            functions: operations(parsed.body()).map(function).collect::<Result<_, _>>()?,
            entry: match header.optional("venc.entry") {
                None => "main".to_string(),
                Some(entry) => {
                    read::symbol(entry).ok_or_else(|| header.kind("venc.entry", "a name: @main"))?
                }
            },
        };
        module.verify()?;
        Ok(module)
    }
}

fn symbols(module: &Reader) -> Result<Symbols, MlirError> {
    let mut symbols = Symbols::default();
    let Some(declarations) = module.optional("venc.symbols") else { return Ok(symbols) };
    let wanted = || module.kind("venc.symbols", "an array of strings: [\"images in 1..=32\"]");
    for declaration in read::elements(declarations).ok_or_else(wanted)? {
        let declaration = read::string(declaration).ok_or_else(wanted)?;
        symbols.declare_text(&declaration).map_err(|error| module.error(error.to_string()))?;
    }
    Ok(symbols)
}

fn function(operation: OperationRef) -> Result<Function, MlirError> {
    let function = Reader(operation);
    if function.name() != "func.func" {
        let reason = format!("{} stands where a func.func was expected", function.name());
        return Err(function.error(reason));
    }
    let name = function.attribute("sym_name", "a string", read::string)?;
    let body = operation.regions().next().and_then(|region| region.first_block());
    let body = body.ok_or_else(|| function.error(format!("@{name} has no body")))?;
    if body.next_in_region().is_some() {
        return Err(function.error(format!("@{name} has several blocks, and must have one")));
    }
    let arguments = arguments(&function, body)?;
    let mut values = Values::default();
    (0..body.argument_count()).flat_map(|i| body.argument(i)).for_each(|a| values.add(a.into()));
    let (mut nodes, mut results) = (vec![], vec![]);
    for operation in operations(body) {
        let reader = Reader(operation);
        match reader.name().as_str() {
            "func.return" => results = values.operands(&reader)?,
            name => {
                nodes.push(node(&reader, name, values.operands(&reader)?)?);
                operation.results().for_each(|result| values.add(result.into()));
            }
        }
    }
    let named = results.into_iter().enumerate().map(|(position, value)| {
        let name = described(&function, "res_attrs", position, "venc.name").and_then(read::string);
        (name.unwrap_or_else(|| format!("result{position}")), value)
    });
    Ok(Function { results: named.collect(), name, arguments, nodes })
}

fn arguments(function: &Reader, body: BlockRef) -> Result<Vec<Argument>, MlirError> {
    (0..body.argument_count())
        .flat_map(|position| body.argument(position))
        .enumerate()
        .map(|(position, value)| {
            let described = |name| described(function, "arg_attrs", position, name);
            let name = described("venc.name").and_then(read::string);
            let weight = described("venc.weight").is_some();
            Ok(Argument {
                name: name.unwrap_or_else(|| format!("arg{position}")),
                ty: function.tensor_type(value.r#type())?,
                role: if weight { Role::Weight } else { Role::Activation },
            })
        })
        .collect()
}

/// The attribute `name` of an argument or a result.
fn described<'c>(
    function: &Reader<'c, '_>,
    list: &str,
    position: usize,
    name: &str,
) -> Option<Attribute<'c>> {
    let list = read::elements(function.optional(list)?)?;
    read::entry(*list.get(position)?, name)
}

fn node(reader: &Reader, name: &str, operands: Vec<ValueId>) -> Result<Node, MlirError> {
    let mut results = reader.0.results();
    let (Some(result), None) = (results.next(), results.next()) else {
        return Err(reader.error(format!("{name} must give one result")));
    };
    let ty = reader.tensor_type(result.r#type())?;
    let op = match name.strip_prefix("venc.") {
        Some(op) => operation(reader, op, &ty)?,
        None if name == "func.call" => {
            Op::Call { callee: reader.attribute("callee", "a name", read::symbol)? }
        }
        None => return Err(reader.error(format!("{name} is no operation of venc"))),
    };
    let label = match reader.optional("label") {
        None => None,
        Some(_) => Some(reader.attribute("label", "a string", read::string)?),
    };
    Ok(Node { op, operands, ty, label })
}

fn operation(reader: &Reader, name: &str, result: &TensorType) -> Result<Op, MlirError> {
    Ok(match name {
        "weight" => Op::Weight { name: reader.attribute("name", "a string", read::string)? },
        "patchify" => Op::Patchify {
            height: reader.integer("height")?,
            width: reader.integer("width")?,
            rows: reader.dim("rows")?,
            cols: reader.dim("cols")?,
        },
        "linear" => Op::Linear,
        "linear_slices" => Op::LinearSlices { slices: reader.integer("slices")? },
        "sum_slices" => Op::SumSlices { to: result.element },
        "matmul" => Op::Matmul { transpose_rhs: reader.boolean("transpose_rhs")? },
        "add" => Op::Add,
        "multiply" => Op::Multiply,
        "scale" => Op::Scale { factor: reader.real("factor")? },
        "layer_norm" => Op::LayerNorm { eps: reader.real("eps")? },
        "rms_norm" => Op::RmsNorm { eps: reader.real("eps")? },
        "norm_scale" => {
            Op::NormScale { centred: reader.boolean("centred")?, eps: reader.real("eps")? }
        }
        "centre" => Op::Centre,
        "softmax" => Op::Softmax,
        "rope" => Op::Rope { heads: reader.integer("heads")? },
        "gather_rows" => Op::GatherRows,
        "inverse_permutation" => Op::InversePermutation,
        "mask_segments" => Op::MaskSegments,
        "split_heads" => Op::SplitHeads { heads: reader.integer("heads")? },
        "merge_heads" => Op::MergeHeads,
        "concat" => Op::Concat {
            axis: reader.attribute("axis", "a number of at least 0", |attribute| {
                read::integer(attribute).and_then(|axis| usize::try_from(axis).ok())
            })?,
        },
        "columns" => {
            Op::Columns { start: reader.integer("start")?, length: reader.integer("length")? }
        }
        "tokens" => Op::Tokens { start: reader.integer("start")?, length: reader.dim("length")? },
        "select_token" => Op::SelectToken { index: reader.integer("index")? },
        "mean_tokens" => Op::MeanTokens,
        "expand" => match result.shape.first() {
            Some(images) => Op::Expand { images: images.clone() },
            None => return Err(reader.error("venc.expand gives at least one dimension".into())),
        },
        "reshape" => Op::Reshape { shape: result.shape.clone() },
        "interpolate_positions" => Op::InterpolatePositions {
            native_rows: reader.integer("native_rows")?,
            native_cols: reader.integer("native_cols")?,
            rows: reader.dim("rows")?,
            cols: reader.dim("cols")?,
            filter: reader.attribute("filter", "\"bilinear\" or \"bicubic\"", |attribute| {
                InterpolationFilter::from_name(&read::string(attribute)?)
            })?,
            antialias: reader.boolean("antialias")?,
        },
        "cast" => Op::Cast { to: result.element },
        other => match Activation::from_name(other) {
            Some(activation) => Op::Activate(activation),
            None => return Err(reader.error(format!("venc.{other} is no operation of venc"))),
        },
    })
}

fn operations<'c, 'a>(block: BlockRef<'c, 'a>) -> impl Iterator<Item = OperationRef<'c, 'a>> {
    std::iter::successors(block.first_operation(), |operation| operation.next_in_block())
}

/// The values of a function so far, by their identity in MLIR.
#[derive(Default)]
struct Values(HashMap<*const std::ffi::c_void, ValueId>);

impl Values {
    fn add(&mut self, value: Value) {
        let next = ValueId(self.0.len() as u32);
        self.0.insert(value.to_raw().ptr, next);
    }

    fn operands(&self, reader: &Reader) -> Result<Vec<ValueId>, MlirError> {
        let known = |value: Value| self.0.get(&value.to_raw().ptr).copied();
        let unknown = || reader.error("an operand comes from outside the function".into());
        reader.0.operands().map(|operand| known(operand).ok_or_else(unknown)).collect()
    }
}

/// An operation, whose attributes are read with errors that say where and what.
struct Reader<'c, 'a>(OperationRef<'c, 'a>);

impl<'c> Reader<'c, '_> {
    fn name(&self) -> String {
        read::operation_name(self.0)
    }

    fn error(&self, message: String) -> MlirError {
        MlirError::Meaning { place: read::place(self.0.location()), message }
    }

    fn kind(&self, attribute: &str, wanted: &str) -> MlirError {
        self.error(format!("{}: attribute `{attribute}` must be {wanted}", self.name()))
    }

    fn optional(&self, name: &str) -> Option<Attribute<'c>> {
        self.0.attribute(name).ok()
    }

    fn attribute<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(Attribute<'c>) -> Option<T>,
    ) -> Result<T, MlirError> {
        self.optional(name).and_then(read).ok_or_else(|| self.kind(name, wanted))
    }

    fn integer(&self, name: &str) -> Result<i64, MlirError> {
        self.attribute(name, "an i64 number", read::integer)
    }

    fn real(&self, name: &str) -> Result<f64, MlirError> {
        self.attribute(name, "an f64 number", read::real)
    }

    fn boolean(&self, name: &str) -> Result<bool, MlirError> {
        self.attribute(name, "true or false", read::boolean)
    }

    fn dim(&self, name: &str) -> Result<Dim, MlirError> {
        let text = self.attribute(name, "a dimension: \"rows\"", read::string)?;
        text.parse()
            .map_err(|error| self.error(format!("{}: attribute `{name}`: {error}", self.name())))
    }

    fn tensor_type(&self, ty: Type) -> Result<TensorType, MlirError> {
        read::tensor_type(ty).map_err(|error| self.error(format!("{}: {error}", self.name())))
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
            ("irdl.dialect @x {}", "irdl.dialect stands where a func.func was expected"),
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
                "() -> () is no tensor",
            ),
            (
                "func.func @f() { func.call @f() : () -> ()\nfunc.return }",
                "func.call must give one result",
            ),
        ] {
            let error = Module::parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
