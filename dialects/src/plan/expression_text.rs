//! The text of an [`Expression`], in the words of MLIR's affine maps: `(images*(rows + 1)) ceildiv 96`.

use super::{Expression, SymbolEntry};

impl Expression {
    /// Its text, with the names of the symbols; `?7` for one that is not there.
    pub fn describe(&self, symbols: &[SymbolEntry]) -> String {
        bound(self, symbols, Binding::Sum)
    }
}

/// The name of a symbol; `?7` where there is none.
pub(super) fn symbol_text(symbols: &[SymbolEntry], position: usize) -> String {
    symbols.get(position).map_or(format!("?{position}"), |entry| entry.name.clone())
}

/// How tightly an expression's outermost operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    /// A sum, and a division too, so that it is always in parentheses inside another expression.
    Sum,
    /// A product.
    Product,
    /// A number or a name.
    Atom,
}

/// The text of `value`, in parentheses where its operator binds less than `at_least`.
fn bound(value: &Expression, symbols: &[SymbolEntry], at_least: Binding) -> String {
    let list = |values: &[Expression], separator: &str, binding| {
        let values: Vec<String> = values.iter().map(|v| bound(v, symbols, binding)).collect();
        values.join(separator)
    };
    let (text, binding) = match value {
        Expression::Constant(value) => (value.to_string(), Binding::Atom),
        Expression::Symbol(position) => (symbol_text(symbols, *position), Binding::Atom),
        Expression::Sum(values) if values.is_empty() => ("0".to_string(), Binding::Atom),
        Expression::Product(values) if values.is_empty() => ("1".to_string(), Binding::Atom),
        Expression::Sum(values) => (list(values, " + ", Binding::Product), Binding::Sum),
        Expression::Product(values) => (list(values, "*", Binding::Product), Binding::Product),
        Expression::FloorDiv(value, divisor) => {
            (format!("{} floordiv {divisor}", bound(value, symbols, Binding::Atom)), Binding::Sum)
        }
        Expression::CeilDiv(value, divisor) => {
            (format!("{} ceildiv {divisor}", bound(value, symbols, Binding::Atom)), Binding::Sum)
        }
    };
    if binding < at_least { format!("({text})") } else { text }
}
