//! [`Reader`]: an operation of a text, whose attributes are read with errors that say where and what.

use super::attribute_type::OfResult;
use super::parse::ParseError;
use crate::symbolic::Dim;
use crate::syntax::{Attribute, Operation, Place, Type};
use crate::tensor::TensorType;

type Result<T> = std::result::Result<T, ParseError>;

/// An operation, whose attributes are read with errors that say where and what.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    pub(super) attributes: &'a [(String, Attribute)],
}

impl<'a> Reader<'a> {
    pub(super) fn of(operation: &'a Operation) -> Self {
        Reader { name: &operation.name, place: operation.place, attributes: &operation.attributes }
    }

    pub(super) fn error(&self, message: String) -> ParseError {
        ParseError::Meaning { place: self.place, message }
    }

    pub(super) fn kind(&self, attribute: &str, wanted: &str) -> ParseError {
        self.error(format!("{}: attribute `{attribute}` must be {wanted}", self.name))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&'a Attribute> {
        find(self.attributes, name)
    }

    pub(super) fn attribute<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Attribute) -> Option<T>,
    ) -> Result<T> {
        self.optional(name).and_then(read).ok_or_else(|| self.kind(name, wanted))
    }

    /// The name of the operation, without the dialect.
    pub(super) fn operation(&self) -> &'a str {
        self.name.strip_prefix("venc.").unwrap_or(self.name)
    }

    pub(super) fn unknown_operation(&self) -> ParseError {
        self.error(format!("{} is no operation of venc", self.name))
    }

    /// What the type of the result says.
    pub(super) fn of_result<T: OfResult>(&self, result: &TensorType) -> Result<T> {
        let nothing = || self.error(format!("{} gives at least one dimension", self.name));
        T::of_result(result).ok_or_else(nothing)
    }

    pub(super) fn string(&self, name: &str) -> Result<String> {
        self.attribute(name, "a string", Attribute::string)
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64> {
        self.attribute(name, "an i64 number", Attribute::integer)
    }

    pub(super) fn real(&self, name: &str) -> Result<f64> {
        self.attribute(name, "an f64 number", Attribute::real)
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool> {
        self.attribute(name, "true or false", Attribute::boolean)
    }

    pub(super) fn dim(&self, name: &str) -> Result<Dim> {
        let text = self.attribute(name, "a dimension: \"rows\"", Attribute::string)?;
        let error = |error| self.error(format!("{}: attribute `{name}`: {error}", self.name));
        text.parse().map_err(error)
    }

    pub(super) fn tensor_type(&self, ty: &Type) -> Result<TensorType> {
        ty.tensor().map_err(|error| self.error(format!("{}: {error}", self.name)))
    }
}

/// The attribute of that name.
pub(super) fn find<'a>(attributes: &'a [(String, Attribute)], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, attribute)| attribute)
}
