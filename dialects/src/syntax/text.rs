//! Pieces of MLIR's syntax.

use crate::tensor::TensorType;
use std::collections::HashSet;

/// `tensor<?x?x768xf32, ["images", "rows*cols + 1"]>`: an expression for each `?`.
pub fn tensor(ty: &TensorType) -> String {
    let mut dims = String::new();
    let mut expressions = vec![];
    for dim in &ty.shape {
        match dim.as_constant() {
            // A negative size is no MLIR dimension; as an expression it is read back and then refused.
            Some(size) if size >= 0 => dims += &format!("{size}x"),
            _ => {
                dims += "?x";
                expressions.push(quoted(&dim.to_string()));
            }
        }
    }
    let encoding = match expressions.is_empty() {
        true => String::new(),
        false => format!(", [{}]", expressions.join(", ")),
    };
    format!("tensor<{dims}{}{encoding}>", ty.element)
}

/// `(operands) -> result`.
pub fn function_type<'a>(
    operands: impl IntoIterator<Item = &'a TensorType>,
    result: &TensorType,
) -> String {
    let operands: Vec<String> = operands.into_iter().map(tensor).collect();
    format!("({}) -> {}", operands.join(", "), tensor(result))
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_ascii_control() => quoted += &format!("\\{:02X}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// An f64 attribute that reads back as exactly this number.
pub fn real(value: f64) -> String {
    if !value.is_finite() {
        return format!("0x{:016X} : f64", value.to_bits());
    }
    // The shortest digits that read back, with the point that MLIR wants in the mantissa.
    let digits = format!("{value:?}");
    let (mantissa, exponent) = match digits.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, format!("e{exponent}")),
        None => (digits.as_str(), String::new()),
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}{exponent} : f64")
}

/// `@name`, quoted where it has to be.
pub fn symbol_name(name: &str) -> String {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match starts_well && name.chars().all(is_identifier) {
        true => format!("@{name}"),
        false => format!("@{}", quoted(name)),
    }
}

/// Names for arguments: their own where all are identifiers and distinct, `%arg0` and on otherwise.
pub fn value_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut seen = HashSet::new();
    let own = names.clone().all(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(is_identifier)
            && seen.insert(name)
    });
    let name = |(position, name)| match own {
        true => format!("%{name}"),
        false => format!("%arg{position}"),
    };
    names.enumerate().map(name).collect()
}

fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Dim, Symbol};
    use crate::tensor::ElementType;

    #[test]
    fn dynamic_dims_are_spelled_out() {
        let images = Dim::symbol(&Symbol::new("images"));
        let ty = TensorType::new(ElementType::BF16, [images, Dim::from(768)]);
        assert_eq!(tensor(&ty), r#"tensor<?x768xbf16, ["images"]>"#);
        assert_eq!(tensor(&TensorType::new(ElementType::F32, [2i64, 3])), "tensor<2x3xf32>");
        assert_eq!(tensor(&TensorType::new(ElementType::F16, [0i64; 0])), "tensor<f16>");
    }

    #[test]
    fn reals_have_a_point() {
        for (value, text) in [
            (1e-6, "1.0e-6 : f64"),
            (0.125, "0.125 : f64"),
            (-2.0, "-2.0 : f64"),
            (1.5e300, "1.5e300 : f64"),
            (f64::INFINITY, "0x7FF0000000000000 : f64"),
        ] {
            assert_eq!(real(value), text);
        }
    }

    #[test]
    fn strings_and_names_are_escaped() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\0Ad""#);
        assert_eq!(symbol_name("layer.0"), "@layer.0");
        assert_eq!(symbol_name("a b"), "@\"a b\"");
        assert_eq!(value_names(["x", "w.q"].into_iter()), ["%x", "%w.q"]);
        assert_eq!(value_names(["x", "x"].into_iter()), ["%arg0", "%arg1"]);
        assert_eq!(value_names(["0"].into_iter()), ["%arg0"]);
    }
}
