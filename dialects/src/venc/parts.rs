//! What the texts of `venc` and of `kernel` have in common: the header of a module, the signature of a function, and values
//! by their names.

use super::parse_error::ParseError;
use super::reader::{Reader, find};
use super::{Argument, Role, ValueId};
use crate::symbolic::Symbols;
use crate::syntax::{self, Attribute, Operation, Type, Value};
use crate::tensor::TensorType;
use std::collections::HashMap;

type Result<T> = std::result::Result<T, ParseError>;

/// The symbols that a module declares, and the name of its entry.
pub(crate) fn header(parsed: &syntax::Module) -> Result<(Symbols, String)> {
    let header = Reader { name: "module", place: parsed.place, attributes: &parsed.attributes };
    if let Some(operation) = parsed.operations.first() {
        let message = format!("{} stands in no function", operation.name);
        return Err(Reader::of(operation).error(message));
    }
    let entry = match header.optional("venc.entry") {
        None => "main".to_string(),
        Some(_) => header.attribute("venc.entry", "a name: @main", Attribute::symbol)?,
    };
    Ok((symbols(&header)?, entry))
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

/// The arguments of a function, which are its first values. One that has no other name has that of its value.
pub(crate) fn arguments(parsed: &syntax::Function, values: &mut Values) -> Result<Vec<Argument>> {
    let reader = Reader { name: "func.func", place: parsed.place, attributes: &[] };
    let mut arguments = vec![];
    for argument in &parsed.arguments {
        let ty = reader.tensor_type(&argument.ty)?;
        values.define(&argument.name, &ty).map_err(|message| reader.error(message))?;
        let described = |name| find(&argument.attributes, name);
        arguments.push(Argument {
            name: described("venc.name")
                .and_then(Attribute::string)
                .unwrap_or_else(|| argument.name.clone()),
            ty,
            role: match described("venc.weight") {
                Some(_) => Role::Weight,
                None => Role::Activation,
            },
        });
    }
    Ok(arguments)
}

/// What is returned, by the names of the signature, whose types it must have.
pub(crate) fn results(
    reader: &Reader,
    parsed: &syntax::Function,
    returned: Option<Vec<ValueId>>,
    values: &Values,
) -> Result<Vec<(String, ValueId)>> {
    let returned = returned
        .ok_or_else(|| reader.error(format!("@{} does not end with func.return", parsed.name)))?;
    if returned.len() != parsed.results.len() {
        let (given, declared) = (returned.len(), parsed.results.len());
        return Err(reader.error(format!(
            "@{} returns {given} value(s), and its signature says {declared}",
            parsed.name
        )));
    }
    let mut results = vec![];
    for (position, ((ty, attributes), value)) in parsed.results.iter().zip(returned).enumerate() {
        let (declared, given) = (reader.tensor_type(ty)?, values.type_of(value));
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

/// The values of a function so far.
#[derive(Default)]
pub(crate) struct Values {
    by_name: HashMap<String, ValueId>,
    types: Vec<TensorType>,
}

impl Values {
    /// Adds the next value.
    pub(crate) fn define(
        &mut self,
        name: &str,
        ty: &TensorType,
    ) -> std::result::Result<ValueId, String> {
        let next = ValueId(self.types.len() as u32);
        self.types.push(ty.clone());
        match self.by_name.insert(name.to_string(), next) {
            None => Ok(next),
            Some(_) => Err(format!("%{name} is defined twice")),
        }
    }

    /// Adds the result of an operation, which must have a name.
    pub(crate) fn define_result(
        &mut self,
        reader: &Reader,
        operation: &Operation,
        ty: &TensorType,
    ) -> Result<ValueId> {
        let name = reader.result_name(operation)?;
        self.define(name, ty).map_err(|message| reader.error(message))
    }

    /// The type of a value of this function.
    pub(crate) fn type_of(&self, value: ValueId) -> &TensorType {
        &self.types[value.index()]
    }

    /// The operands of an operation, of the types that it says.
    pub(crate) fn operands(&self, operation: &Operation) -> Result<Vec<ValueId>> {
        let reader = Reader::of(operation);
        let typed = reader.typed_operands(operation)?;
        typed.map(|(value, ty)| self.operand(&reader, value, ty)).collect()
    }

    /// A value, of the type that its use says.
    pub(crate) fn operand(&self, reader: &Reader, value: &Value, ty: &Type) -> Result<ValueId> {
        let at = Reader { place: value.place, ..*reader };
        let id = *self
            .by_name
            .get(&value.name)
            .ok_or_else(|| at.error(format!("%{} is defined nowhere before", value.name)))?;
        let (said, known) = (reader.tensor_type(ty)?, self.type_of(id));
        if said != *known {
            let name = &value.name;
            return Err(at.error(format!("%{name} is {known}, and its use says {said}")));
        }
        Ok(id)
    }
}
