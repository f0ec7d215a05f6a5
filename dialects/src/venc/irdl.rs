//! The operations as MLIR's IRDL defines them: `mlir/venc.irdl` is what this writes.

use super::{
    Activation, AttributeDeclaration, AttributeKind, AttributePlace, Declaration,
    InterpolationFilter, Op, Operand, Times,
};
use crate::syntax::text::quoted;
use std::fmt::Write;

/// What stands before the operations.
const HEAD: &str = "\
// `venc`: the mathematics of a vision encoder. Written from the declarations in `dialects/src/venc/operations`.
//
// What MLIR checks from here: that an operation exists, its operands' number and kind, its attributes' presence and
// kind. What it means, and how shapes relate, is said and checked where it is declared.
//
// Tensors carry their symbolic dimensions as an encoding: one expression for each `?`, in order.
//     tensor<?x?x768xf32, [\"images\", \"rows*cols + 1\"]>
// A name such as %x stands for one type wherever it occurs, so each operand has its own; how they must agree is said by
// the checks in Rust, whose messages name the operand.
//
// Attributes hold what the types do not say. Any operation may have a `label`, by which people know its result.
irdl.dialect @venc {
";

/// The tensors that operands and results are.
pub(crate) const TENSOR: &str = "irdl.base \"!builtin.tensor\"";

/// The dialect. Calls are not in it: they are MLIR's own.
pub fn irdl() -> String {
    let mut text = HEAD.to_string();
    let is_own = |declared: &&&Declaration| declared.name != "call";
    for declared in Op::DECLARATIONS.iter().filter(is_own) {
        for name in names(declared) {
            operation(&mut text, name, (declared.operands, declared.attributes), TENSOR);
        }
    }
    text + "}\n"
}

/// The names that the operation has in text: where an attribute is its name, one for each of its values.
pub(crate) fn names(declared: &Declaration) -> Vec<&'static str> {
    let named = |attribute: &AttributeDeclaration| attribute.place == AttributePlace::Name;
    match declared.attributes.iter().any(named) {
        true => Activation::ALL.iter().map(|function| function.name()).collect(),
        false => vec![declared.name],
    }
}

/// Writes an operation, with what its result is.
pub(crate) fn operation(
    text: &mut String,
    name: &str,
    (operands, attributes): (&[Operand], &[AttributeDeclaration]),
    result: &str,
) {
    let operands = self::operands(operands);
    let in_dictionary =
        |declared: &&AttributeDeclaration| declared.place == AttributePlace::Dictionary;
    let attributes: Vec<&AttributeDeclaration> = attributes.iter().filter(in_dictionary).collect();
    let mut lines: Vec<String> =
        operands.iter().map(|(name, _)| format!("%{name} = {TENSOR}")).collect();
    for attribute in &attributes {
        for line in constraint(attribute) {
            // Two attributes may be one of the same values.
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines.push(format!("%result = {result}"));
    if !operands.is_empty() {
        let operands: Vec<String> =
            operands.iter().map(|(name, times)| format!("{name}: {times}%{name}")).collect();
        lines.push(format!("irdl.operands({})", operands.join(", ")));
    }
    if !attributes.is_empty() {
        let attributes: Vec<String> =
            attributes.iter().map(|a| format!("\"{0}\" = %{0}", a.name)).collect();
        lines.push(format!("irdl.attributes {{ {} }}", attributes.join(", ")));
    }
    lines.push("irdl.results(result: %result)".to_string());
    let body = lines.iter().fold(String::new(), |mut body, line| {
        let _ = writeln!(body, "    {line}");
        body
    });
    let _ = writeln!(text, "  irdl.operation @{name} {{\n{body}  }}");
}

/// The operands by name, and how often each is there. IRDL has one operand at most that is not there once: several that are
/// optional together are one of any number.
fn operands(declared: &[Operand]) -> Vec<(String, &'static str)> {
    let once = declared.iter().filter(|operand| operand.times == Times::Once);
    let mut operands: Vec<(String, &str)> =
        once.map(|operand| (operand.name.to_string(), "")).collect();
    let optional = declared.iter().filter(|operand| operand.times == Times::Optional);
    let optional: Vec<&str> = optional.map(|operand| operand.name).collect();
    match optional.as_slice() {
        [] => {}
        [one] => operands.push((one.to_string(), "optional ")),
        several => operands.push((several.join("_and_"), "variadic ")),
    }
    let repeated = declared.iter().filter(|operand| operand.times == Times::Repeated);
    operands.extend(repeated.map(|operand| (operand.name.to_string(), "variadic ")));
    operands
}

/// What an attribute must be, as lines that end in its name.
fn constraint(attribute: &AttributeDeclaration) -> Vec<String> {
    let name = attribute.name;
    let base = |base: &str| vec![format!("%{name} = irdl.base \"#builtin.{base}\"")];
    let one_of = |values: Vec<(String, String)>| {
        let names: Vec<String> = values.iter().map(|(name, _)| format!("%{name}")).collect();
        let values = values.iter().map(|(name, value)| format!("%{name} = irdl.is {value}"));
        values.chain([format!("%{name} = irdl.any_of({})", names.join(", "))]).collect()
    };
    match attribute.kind {
        AttributeKind::Integer => base("integer"),
        AttributeKind::Number => base("float"),
        AttributeKind::Dim | AttributeKind::Name | AttributeKind::Element => base("string"),
        AttributeKind::Activation => base("string"),
        AttributeKind::Shape => base("array"),
        AttributeKind::Flag => {
            one_of(["true", "false"].map(|flag| (flag.to_string(), flag.to_string())).to_vec())
        }
        AttributeKind::Filter => {
            let value =
                |filter: InterpolationFilter| (filter.name().to_string(), quoted(filter.name()));
            one_of(InterpolationFilter::ALL.map(value).to_vec())
        }
    }
}
