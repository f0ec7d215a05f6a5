//! [`Reader`]: an operation of a text, whose attributes are read with errors that say where and what.

use super::parse_error::ParseError;
use crate::symbolic::Dim;
use crate::syntax::{Attribute, Operation, Place, Type, Value};
use crate::tensor::TensorType;

type Result<T> = std::result::Result<T, ParseError>;

/// An operation, whose attributes are read with errors that say where and what.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub(crate) name: &'a str,
    pub(crate) place: Place,
    pub(crate) attributes: &'a [(String, Attribute)],
}

impl<'a> Reader<'a> {
    pub(crate) fn of(operation: &'a Operation) -> Self {
        Reader { name: &operation.name, place: operation.place, attributes: &operation.attributes }
    }

    /// The type of the one result.
    pub(crate) fn result_type(&self, operation: &Operation) -> Result<TensorType> {
        match operation.result_types.as_slice() {
            [result] => self.tensor_type(result),
            _ => Err(self.error(format!("{} must give one result", self.name))),
        }
    }

    /// The name of the result, without `%`.
    pub(crate) fn result_name<'o>(&self, operation: &'o Operation) -> Result<&'o str> {
        let nameless = || self.error(format!("{} has a result without a name", self.name));
        operation.result.as_deref().ok_or_else(nameless)
    }

    /// The operands with the types that the text gives them.
    pub(crate) fn typed_operands<'o>(
        &self,
        operation: &'o Operation,
    ) -> Result<impl Iterator<Item = (&'o Value, &'o Type)> + use<'o>> {
        let (given, typed) = (operation.operands.len(), operation.operand_types.len());
        if given != typed {
            let message = format!("{} has {given} operand(s) and {typed} type(s)", self.name);
            return Err(self.error(message));
        }
        Ok(operation.operands.iter().zip(&operation.operand_types))
    }

    /// That there are no other attributes.
    pub(crate) fn has_only<'k>(&self, known: impl Iterator<Item = &'k str> + Clone) -> Result<()> {
        let unknown = |(name, _): &&(String, Attribute)| !known.clone().any(|k| k == name);
        match self.attributes.iter().find(unknown) {
            None => Ok(()),
            Some((unknown, _)) => {
                Err(self.error(format!("{} has no attribute `{unknown}`", self.name)))
            }
        }
    }

    /// The label, where there is one.
    pub(crate) fn label(&self) -> Result<Option<String>> {
        self.optional("label").map(|_| self.string("label")).transpose()
    }

    /// That the operation gives another type than the text says.
    pub(crate) fn gives_other(&self, given: &TensorType, said: &TensorType) -> ParseError {
        self.error(format!("{} gives {given}, and its text says {said}", self.name))
    }

    pub(crate) fn behind_the_end(&self) -> ParseError {
        self.error("an operation stands behind func.return".into())
    }

    pub(crate) fn error(&self, message: String) -> ParseError {
        ParseError::Meaning { place: self.place, message }
    }

    pub(crate) fn kind(&self, attribute: &str, wanted: &str) -> ParseError {
        self.error(format!("{}: attribute `{attribute}` must be {wanted}", self.name))
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&'a Attribute> {
        find(self.attributes, name)
    }

    pub(crate) fn attribute<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Attribute) -> Option<T>,
    ) -> Result<T> {
        self.optional(name).and_then(read).ok_or_else(|| self.kind(name, wanted))
    }

    /// The name of the operation, without the dialect.
    pub(crate) fn operation(&self) -> &'a str {
        self.name.split_once('.').map_or(self.name, |(_, name)| name)
    }

    pub(crate) fn unknown_operation(&self) -> ParseError {
        let dialect = self.name.split_once('.').map_or("venc", |(dialect, _)| dialect);
        self.error(format!("{} is no operation of {dialect}", self.name))
    }

    pub(crate) fn string(&self, name: &str) -> Result<String> {
        self.attribute(name, "a string", Attribute::string)
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>> {
        self.attribute(name, "an array of strings", |attribute| {
            attribute.elements()?.iter().map(Attribute::string).collect()
        })
    }

    pub(crate) fn integer(&self, name: &str) -> Result<i64> {
        self.attribute(name, "an i64 number", Attribute::integer)
    }

    pub(crate) fn real(&self, name: &str) -> Result<f64> {
        self.attribute(name, "an f64 number", Attribute::real)
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool> {
        self.attribute(name, "true or false", Attribute::boolean)
    }

    pub(crate) fn dim(&self, name: &str) -> Result<Dim> {
        let text = self.attribute(name, "a dimension: \"rows\"", Attribute::string)?;
        let error = |error| self.error(format!("{}: attribute `{name}`: {error}", self.name));
        text.parse().map_err(error)
    }

    pub(crate) fn tensor_type(&self, ty: &Type) -> Result<TensorType> {
        ty.tensor().map_err(|error| self.error(format!("{}: {error}", self.name)))
    }
}

/// The attribute of that name.
pub(crate) fn find<'a>(attributes: &'a [(String, Attribute)], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, attribute)| attribute)
}
