//! [`Attribute`]: what an operation says beside its operands: dimensions, factors, element types, names.
//!
//! In the e-graph attributes are leaves of terms, so that a rule can name them (`?eps`), demand one (`1.0`), or require two to
//! be equal by writing the same variable twice.

use super::{Activation, InterpolationFilter};
use crate::symbolic::Dim;
use crate::tensor::ElementType;
use ordered_float::OrderedFloat;
use std::fmt;
use std::str::FromStr;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// A dimension, a position, an axis, a number of heads.
    Dim(Dim),
    /// A real number: a factor, an epsilon.
    Number(OrderedFloat<f64>),
    /// The dimensions of a reshape.
    Shape(Vec<Dim>),
    /// A storage.
    Element(ElementType),
    /// A function of one number.
    Activation(Activation),
    /// How positions are interpolated.
    Filter(InterpolationFilter),
    /// Yes or no.
    Flag(bool),
    /// A function of the module, a tensor of the checkpoint.
    Name(String),
}

/// What values an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A number of 64 bits; an [`Attribute::Dim`] without symbols.
    Integer,
    /// A dimension.
    Dim,
    /// A real number.
    Number,
    /// Dimensions.
    Shape,
    /// A storage.
    Element,
    /// A function of one number.
    Activation,
    /// How positions are interpolated.
    Filter,
    /// Yes or no.
    Flag,
    /// A name.
    Name,
}

impl Attribute {
    /// The real number of that value.
    pub fn number(value: f64) -> Self {
        Attribute::Number(OrderedFloat(value))
    }

    /// The dimension, where it is one.
    pub fn as_dim(&self) -> Option<&Dim> {
        match self {
            Attribute::Dim(dim) => Some(dim),
            _ => None,
        }
    }

    /// The integer, where it is a constant dimension.
    pub fn as_integer(&self) -> Option<i64> {
        self.as_dim().and_then(Dim::as_constant)
    }

    /// The real number, where it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Attribute::Number(number) => Some(number.0),
            _ => None,
        }
    }

    /// `self * other`, of two dimensions or two real numbers.
    pub fn times(&self, other: &Attribute) -> Option<Attribute> {
        match (self, other) {
            (Attribute::Dim(a), Attribute::Dim(b)) => Some(Attribute::Dim(a.clone() * b.clone())),
            (Attribute::Number(a), Attribute::Number(b)) => Some(Attribute::Number(*a * *b)),
            _ => None,
        }
    }

    /// `self + other`, of two dimensions or two real numbers.
    pub fn plus(&self, other: &Attribute) -> Option<Attribute> {
        match (self, other) {
            (Attribute::Dim(a), Attribute::Dim(b)) => Some(Attribute::Dim(a.clone() + b.clone())),
            (Attribute::Number(a), Attribute::Number(b)) => Some(Attribute::Number(*a + *b)),
            _ => None,
        }
    }
}

/// Without blanks, as one word of a term: `768`, `1e-6`, `images*rows+1`, `[images,768]`, `gelu`, `@layer`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |dim: &Dim| dim.to_string().replace(' ', "");
        match self {
            Attribute::Dim(dim) => f.write_str(&word(dim)),
            Attribute::Number(number) => write!(f, "{:?}", number.0),
            Attribute::Shape(shape) => {
                write!(f, "[{}]", shape.iter().map(word).collect::<Vec<_>>().join(","))
            }
            Attribute::Element(element) => f.write_str(element.name()),
            Attribute::Activation(activation) => f.write_str(activation.name()),
            Attribute::Filter(filter) => f.write_str(filter.name()),
            Attribute::Flag(flag) => write!(f, "{flag}"),
            Attribute::Name(name) => write!(f, "@{name}"),
        }
    }
}

/// Reads the attributes that rules may write: integers, real numbers, shapes of integers, element types, activations,
/// filters, flags.
impl FromStr for Attribute {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let integer = word.parse::<i64>().ok().map(|value| Attribute::Dim(Dim::from(value)));
        let named = || {
            let element = ElementType::from_name(word).map(Attribute::Element);
            let activation = Activation::from_name(word).map(Attribute::Activation);
            let filter = InterpolationFilter::from_name(word).map(Attribute::Filter);
            let flag = word.parse().ok().map(Attribute::Flag);
            element.or(activation).or(filter).or(flag)
        };
        let shape = || {
            let dims = word.strip_prefix('[')?.strip_suffix(']')?.split(',');
            let dims = dims.map(|dim| dim.parse::<i64>().ok().map(Dim::from));
            dims.collect::<Option<_>>().map(Attribute::Shape)
        };
        let starts_like_a_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let number = || word.parse().ok().filter(|_| starts_like_a_number).map(Attribute::number);
        integer.or_else(named).or_else(shape).or_else(number).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rules_are_read() {
        assert_eq!("3".parse(), Ok(Attribute::Dim(Dim::from(3))));
        assert_eq!("1.0".parse(), Ok(Attribute::number(1.0)));
        assert_eq!("1e-6".parse(), Ok(Attribute::number(1e-6)));
        assert_eq!("[2,3]".parse(), Ok(Attribute::Shape(vec![Dim::from(2), Dim::from(3)])));
        assert_eq!("gelu".parse(), Ok(Attribute::Activation(Activation::Gelu)));
        assert!("inf".parse::<Attribute>().is_err());
        assert!("anything".parse::<Attribute>().is_err());
    }
}
