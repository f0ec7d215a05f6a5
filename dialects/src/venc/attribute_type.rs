//! [`AttributeType`]: the Rust types that attributes of operations have, and how each goes into text and terms and back.

use super::InterpolationFilter;
use super::attribute::{Attribute, AttributeKind};
use super::parse_error::ParseError;
use super::reader::Reader;
use crate::symbolic::Dim;
use crate::syntax::text::{quoted, real};
use crate::tensor::{ElementType, TensorType};

/// A type that attributes have.
pub trait AttributeType: Sized {
    /// What values it has.
    const KIND: AttributeKind;

    /// The value.
    fn attribute(&self) -> Attribute;

    /// Of the value; `None` where that is of another kind.
    fn from_attribute(attribute: &Attribute) -> Option<Self>;

    /// The dimensions in it.
    fn dims_mut(&mut self) -> Vec<&mut Dim> {
        vec![]
    }
}

/// A type of attributes that the dictionary of an operation may have.
pub trait InDictionary: AttributeType {
    /// As MLIR writes it.
    fn text(&self) -> String;

    /// The attribute of that name.
    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError>;
}

/// A type of attributes that the type of a result may say.
pub trait OfResult: AttributeType {
    /// What the type says; `None` where it says nothing of the kind.
    fn of_result(result: &TensorType) -> Option<Self>;

    /// What the type says, of an operation that is read.
    fn read(reader: &Reader, result: &TensorType) -> Result<Self, ParseError> {
        let nothing = || reader.error(format!("{} gives at least one dimension", reader.name));
        Self::of_result(result).ok_or_else(nothing)
    }
}

impl AttributeType for i64 {
    const KIND: AttributeKind = AttributeKind::Integer;

    fn attribute(&self) -> Attribute {
        Attribute::Dim(Dim::from(*self))
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        attribute.as_integer()
    }
}

impl InDictionary for i64 {
    fn text(&self) -> String {
        self.to_string()
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.integer(name)
    }
}

/// An axis.
impl AttributeType for usize {
    const KIND: AttributeKind = AttributeKind::Integer;

    fn attribute(&self) -> Attribute {
        Attribute::Dim(Dim::from(*self as i64))
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        attribute.as_integer().and_then(|value| usize::try_from(value).ok())
    }
}

impl InDictionary for usize {
    fn text(&self) -> String {
        self.to_string()
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.attribute(name, "a number of at least 0", |attribute| {
            attribute.integer().and_then(|axis| usize::try_from(axis).ok())
        })
    }
}

impl AttributeType for f64 {
    const KIND: AttributeKind = AttributeKind::Number;

    fn attribute(&self) -> Attribute {
        Attribute::number(*self)
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        attribute.as_number()
    }
}

impl InDictionary for f64 {
    fn text(&self) -> String {
        real(*self)
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.real(name)
    }
}

impl AttributeType for bool {
    const KIND: AttributeKind = AttributeKind::Flag;

    fn attribute(&self) -> Attribute {
        Attribute::Flag(*self)
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        if let Attribute::Flag(flag) = attribute { Some(*flag) } else { None }
    }
}

impl InDictionary for bool {
    fn text(&self) -> String {
        self.to_string()
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.boolean(name)
    }
}

impl AttributeType for String {
    const KIND: AttributeKind = AttributeKind::Name;

    fn attribute(&self) -> Attribute {
        Attribute::Name(self.clone())
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        if let Attribute::Name(name) = attribute { Some(name.clone()) } else { None }
    }
}

impl InDictionary for String {
    fn text(&self) -> String {
        quoted(self)
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.string(name)
    }
}

impl AttributeType for InterpolationFilter {
    const KIND: AttributeKind = AttributeKind::Filter;

    fn attribute(&self) -> Attribute {
        Attribute::Filter(*self)
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        if let Attribute::Filter(filter) = attribute { Some(*filter) } else { None }
    }
}

impl InDictionary for InterpolationFilter {
    fn text(&self) -> String {
        quoted(self.name())
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        let names = InterpolationFilter::ALL.map(|filter| quoted(filter.name())).join(" or ");
        reader.attribute(name, &names, |attribute| {
            InterpolationFilter::from_name(&attribute.string()?)
        })
    }
}

impl AttributeType for Dim {
    const KIND: AttributeKind = AttributeKind::Dim;

    fn attribute(&self) -> Attribute {
        Attribute::Dim(self.clone())
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        attribute.as_dim().cloned()
    }

    fn dims_mut(&mut self) -> Vec<&mut Dim> {
        vec![self]
    }
}

impl InDictionary for Dim {
    fn text(&self) -> String {
        quoted(&self.to_string())
    }

    fn read(reader: &Reader, name: &str) -> Result<Self, ParseError> {
        reader.dim(name)
    }
}

impl AttributeType for Vec<Dim> {
    const KIND: AttributeKind = AttributeKind::Shape;

    fn attribute(&self) -> Attribute {
        Attribute::Shape(self.clone())
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        if let Attribute::Shape(shape) = attribute { Some(shape.clone()) } else { None }
    }

    fn dims_mut(&mut self) -> Vec<&mut Dim> {
        self.iter_mut().collect()
    }
}

impl AttributeType for ElementType {
    const KIND: AttributeKind = AttributeKind::Element;

    fn attribute(&self) -> Attribute {
        Attribute::Element(*self)
    }

    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        if let Attribute::Element(element) = attribute { Some(*element) } else { None }
    }
}

/// How the result is stored.
impl OfResult for ElementType {
    fn of_result(result: &TensorType) -> Option<Self> {
        Some(result.element)
    }
}

/// Its dimensions.
impl OfResult for Vec<Dim> {
    fn of_result(result: &TensorType) -> Option<Self> {
        Some(result.shape.clone())
    }
}

/// Its first dimension.
impl OfResult for Dim {
    fn of_result(result: &TensorType) -> Option<Self> {
        result.shape.first().cloned()
    }
}
