//! What a text says, before anything is known of the operations in it.

use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};
use std::fmt;

/// Where something stands in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// `line 3, column 10`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// `module attributes {...} { "plan.kernel"() .. func.func .. }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Where it begins.
    pub place: Place,
    /// The attributes, by name.
    pub attributes: Vec<(String, Attribute)>,
    /// The operations that stand in no function.
    pub operations: Vec<Operation>,
    /// The functions.
    pub functions: Vec<Function>,
}

/// `func.func @name(%x: type {..}) -> (type {..}) { .. }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Where it begins.
    pub place: Place,
    /// The name, without `@`.
    pub name: String,
    /// What it is given.
    pub arguments: Vec<Argument>,
    /// What it returns: type and attributes of each.
    pub results: Vec<(Type, Vec<(String, Attribute)>)>,
    /// The operations, `func.return` the last of them.
    pub operations: Vec<Operation>,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name in the text, without `%`.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What else is said of it.
    pub attributes: Vec<(String, Attribute)>,
}

/// `%0 = "venc.scale"(%x) {factor = 0.5 : f64} : (type) -> type`. A `func.call` has its callee as an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Where it begins.
    pub place: Place,
    /// The name, with the dialect.
    pub name: String,
    /// The name of its result in the text, without `%`.
    pub result: Option<String>,
    /// What it is applied to.
    pub operands: Vec<Value>,
    /// The attributes, by name.
    pub attributes: Vec<(String, Attribute)>,
    /// The types of the operands.
    pub operand_types: Vec<Type>,
    /// The types of the results.
    pub result_types: Vec<Type>,
}

/// A use of a value: `%x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where it stands.
    pub place: Place,
    /// Its name, without `%`.
    pub name: String,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// `venc.weight`: it is there.
    Unit,
    /// `true`
    Boolean(bool),
    /// `3`, `3 : i64`
    Integer(i64),
    /// `0.5`, `0.5 : f64`
    Real(f64),
    /// `"text"`
    String(String),
    /// `@name`
    Symbol(String),
    /// `[a, b]`
    Array(Vec<Attribute>),
    /// `{a = 1}`
    Dictionary(Vec<(String, Attribute)>),
    /// Anything else that is well formed, as it is written: a number of another type, a type.
    Other(String),
}

impl Attribute {
    /// The number of an `i64`.
    pub fn integer(&self) -> Option<i64> {
        if let Attribute::Integer(value) = self { Some(*value) } else { None }
    }

    /// The number of an `f64`.
    pub fn real(&self) -> Option<f64> {
        if let Attribute::Real(value) = self { Some(*value) } else { None }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        if let Attribute::Boolean(value) = self { Some(*value) } else { None }
    }

    /// The text of a string.
    pub fn string(&self) -> Option<String> {
        if let Attribute::String(text) = self { Some(text.clone()) } else { None }
    }

    /// The name in `@name`.
    pub fn symbol(&self) -> Option<String> {
        if let Attribute::Symbol(name) = self { Some(name.clone()) } else { None }
    }

    /// The elements of an array.
    pub fn elements(&self) -> Option<&[Attribute]> {
        if let Attribute::Array(elements) = self { Some(elements) } else { None }
    }
}

/// A type, as it is written without spaces: `tensor<?x8xf32,["images"]>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What stands before the brackets: `tensor`, `f32`, `!kernel.fused`.
    pub name: String,
    /// What stands between them, where there are some.
    pub parameters: Option<Parameters>,
}

/// `<?x8xf32, ["images"]>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// `?x8xf32`
    pub shape: String,
    /// `["images"]`
    pub encoding: Option<Attribute>,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.parameters {
            None => Ok(()),
            Some(Parameters { shape, encoding: None }) => write!(f, "<{shape}>"),
            Some(Parameters { shape, encoding: Some(_) }) => write!(f, "<{shape}, ..>"),
        }
    }
}

impl Type {
    /// The type of a tensor; an error says what a tensor type of ours looks like.
    pub fn tensor(&self) -> Result<TensorType, String> {
        let no_tensor = || format!("{self} is no tensor with dimensions");
        let Some(Parameters { shape, encoding }) = &self.parameters else {
            return Err(no_tensor());
        };
        if self.name != "tensor" {
            return Err(no_tensor());
        }
        let (sizes, element) = match shape.rsplit_once('x') {
            Some((sizes, element)) => (sizes.split('x').collect(), element),
            None => (vec![], shape.as_str()),
        };
        let element = ElementType::from_name(element)
            .ok_or_else(|| format!("{self} does not hold f32, bf16, f16 or i32"))?;
        let mut expressions = match encoding {
            None => vec![],
            Some(encoding) => {
                let strings = encoding.elements().map(|all| all.iter().map(Attribute::string));
                let strings: Option<Vec<String>> = strings.and_then(Iterator::collect);
                strings.ok_or_else(|| format!("{self}: an encoding is an array of strings"))?
            }
        }
        .into_iter();
        let unmatched = || format!("{self} needs one expression for each `?`, as in [\"images\"]");
        let mut dims: Vec<Dim> = vec![];
        for size in sizes {
            dims.push(match size {
                "?" => expressions
                    .next()
                    .ok_or_else(unmatched)?
                    .parse()
                    .map_err(|error| format!("{self}: {error}"))?,
                size => Dim::from(size.parse::<i64>().map_err(|_| no_tensor())?),
            });
        }
        match expressions.next() {
            None => Ok(TensorType { element, shape: dims }),
            Some(_) => Err(unmatched()),
        }
    }
}
