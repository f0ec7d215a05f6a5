//! [`parse`]: a text as a tree.

use super::lexer::{Cursor, SyntaxError};
use super::tree::{Argument, Attribute, Function, Module, Operation, Parameters, Type, Value};
use std::collections::HashSet;

/// How deep attributes may nest: more than any module of ours has, and less than what overflows a stack.
const MAX_NESTED: usize = 100;

type Result<T> = std::result::Result<T, SyntaxError>;

/// Names and attributes.
type Attributes = Vec<(String, Attribute)>;

/// The module that a text holds. Functions without a module around them are one.
pub fn parse(text: &str) -> Result<Module> {
    let mut parser = Parser(Cursor::new(text));
    let module = parser.module()?;
    match parser.0.is_at_end() {
        true => Ok(module),
        false => Err(parser.0.error("the end of the text")),
    }
}

struct Parser<'t>(Cursor<'t>);

impl Parser<'_> {
    fn module(&mut self) -> Result<Module> {
        let place = self.0.place();
        let mut module = Module { place, attributes: vec![], functions: vec![] };
        if !(self.0.accept_word("module") || self.0.accept_word("builtin.module")) {
            while !self.0.is_at_end() {
                module.functions.push(self.function()?);
            }
            return Ok(module);
        }
        if self.0.is_at("@") {
            self.symbol()?;
        }
        if self.0.accept_word("attributes") {
            module.attributes = self.dictionary(0)?;
        }
        self.0.expect("{")?;
        while !self.0.accept("}") {
            module.functions.push(self.function()?);
        }
        Ok(module)
    }

    fn function(&mut self) -> Result<Function> {
        let place = self.0.place();
        if !self.0.accept_word("func.func") {
            return Err(self.0.error("a func.func"));
        }
        let _ = self.0.accept_word("private") || self.0.accept_word("public");
        let name = self.symbol()?;
        let arguments = self.list("(", ")", Self::argument)?;
        let mut results = vec![];
        if self.0.accept("->") {
            let attributed = |parser: &mut Self| Ok((parser.ty()?, parser.optional_dictionary()?));
            results = match self.0.is_at("(") {
                true => self.list("(", ")", attributed)?,
                false => vec![(self.ty()?, vec![])],
            };
        }
        if self.0.accept_word("attributes") {
            self.dictionary(0)?;
        }
        if !self.0.accept("{") {
            let message = format!("@{name} has no body");
            return Err(SyntaxError { place, message });
        }
        let mut operations = vec![];
        while !self.0.accept("}") {
            if self.0.is_at("^") {
                return Err(self
                    .0
                    .error_that(format!("@{name} has several blocks, and must have one")));
            }
            operations.push(self.operation()?);
        }
        Ok(Function { place, name, arguments, results, operations })
    }

    fn argument(&mut self) -> Result<Argument> {
        let name = self.value()?.name;
        self.0.expect(":")?;
        Ok(Argument { name, ty: self.ty()?, attributes: self.optional_dictionary()? })
    }

    fn operation(&mut self) -> Result<Operation> {
        let mut result = None;
        if self.0.is_at("%") {
            let name = self.value()?.name;
            if self.0.is_at(":") || self.0.is_at(",") {
                return Err(self
                    .0
                    .error_that("an operation has several results, and must have one"));
            }
            self.0.expect("=")?;
            result = Some(name);
        }
        let place = self.0.place();
        let mut operation = Operation {
            place,
            name: String::new(),
            result,
            operands: vec![],
            attributes: vec![],
            operand_types: vec![],
            result_types: vec![],
        };
        match self.0.peek_word() {
            "func.return" | "return" => self.return_operation(&mut operation)?,
            "func.call" | "call" => self.call(&mut operation)?,
            _ if self.0.is_at("\"") => self.generic_operation(&mut operation)?,
            _ => return Err(self.0.error("an operation")),
        }
        if self.0.is_at("loc(") {
            return Err(self.0.error_that("locations are not read"));
        }
        Ok(operation)
    }

    /// `func.return %0, %1 : type, type`
    fn return_operation(&mut self, operation: &mut Operation) -> Result<()> {
        self.0.word("func.return")?;
        operation.name = "func.return".into();
        operation.attributes = self.optional_dictionary()?;
        if self.0.is_at("%") {
            operation.operands = self.separated(Self::value)?;
            self.0.expect(":")?;
            operation.operand_types = self.separated(Self::ty)?;
        }
        Ok(())
    }

    /// `func.call @callee(%0) {label = "x"} : (type) -> type`
    fn call(&mut self, operation: &mut Operation) -> Result<()> {
        self.0.word("func.call")?;
        operation.name = "func.call".into();
        let callee = self.symbol()?;
        operation.operands = self.list("(", ")", Self::value)?;
        operation.attributes = self.optional_dictionary()?;
        operation.attributes.push(("callee".into(), Attribute::Symbol(callee)));
        self.0.expect(":")?;
        self.function_type(operation)
    }

    /// `"venc.add"(%0, %1) <{..}> {..} : (type, type) -> type`
    fn generic_operation(&mut self, operation: &mut Operation) -> Result<()> {
        operation.name = self.0.string()?;
        operation.operands = self.list("(", ")", Self::value)?;
        if self.0.is_at("[") || self.0.is_at("(") {
            return Err(self.0.error_that("operations with successors or regions are not read"));
        }
        if self.0.accept("<") {
            operation.attributes = self.dictionary(0)?;
            self.0.expect(">")?;
        }
        let more = self.optional_dictionary()?;
        operation.attributes.extend(more);
        self.0.expect(":")?;
        self.function_type(operation)
    }

    /// `(type, type) -> type`
    fn function_type(&mut self, operation: &mut Operation) -> Result<()> {
        operation.operand_types = self.list("(", ")", Self::ty)?;
        self.0.expect("->")?;
        operation.result_types = match self.0.is_at("(") {
            true => self.list("(", ")", Self::ty)?,
            false => vec![self.ty()?],
        };
        Ok(())
    }

    fn ty(&mut self) -> Result<Type> {
        let sign = if self.0.accept("!") { "!" } else { "" };
        let word = self.0.word("a type")?;
        let name = format!("{sign}{word}");
        let mut parameters = None;
        if self.0.accept("<") {
            let shape = self.0.until(&[',', '>', '<', '"', '[', '{']);
            let encoding = if self.0.accept(",") { Some(self.attribute(0)?) } else { None };
            self.0.expect(">")?;
            parameters = Some(Parameters { shape, encoding });
        }
        Ok(Type { name, parameters })
    }

    fn value(&mut self) -> Result<Value> {
        let place = self.0.place();
        if !self.0.accept("%") {
            return Err(self.0.error("a value, such as %0,"));
        }
        let name = self.0.word("the name of a value")?.to_string();
        if self.0.is_at("#") {
            return Err(self.0.error_that("an operation has several results, and must have one"));
        }
        Ok(Value { place, name })
    }

    /// `@name` or `@"any name"`
    fn symbol(&mut self) -> Result<String> {
        if !self.0.accept("@") {
            return Err(self.0.error("a name, such as @main,"));
        }
        let name = match self.0.is_at("\"") {
            true => self.0.string()?,
            false => self.0.word("a name")?.to_string(),
        };
        match self.0.is_at("::") {
            true => Err(self.0.error_that("a name inside another name is not read")),
            false => Ok(name),
        }
    }

    fn optional_dictionary(&mut self) -> Result<Attributes> {
        if self.0.is_at("{") { self.dictionary(0) } else { Ok(vec![]) }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Attributes> {
        let place = self.0.place();
        let entries = self.list("{", "}", |parser| {
            let name = match parser.0.is_at("\"") {
                true => parser.0.string()?,
                false => parser.0.word("the name of an attribute")?.to_string(),
            };
            let value = match parser.0.accept("=") {
                true => parser.attribute(depth + 1)?,
                false => Attribute::Unit,
            };
            Ok((name, value))
        })?;
        let mut known = HashSet::new();
        for (name, _) in &entries {
            if !known.insert(name) {
                let message = format!("the attribute `{name}` is given twice");
                return Err(SyntaxError { place, message });
            }
        }
        Ok(entries)
    }

    fn attribute(&mut self, depth: usize) -> Result<Attribute> {
        if depth > MAX_NESTED {
            let message = format!("brackets are nested deeper than {MAX_NESTED}");
            return Err(self.0.error_that(message));
        }
        Ok(match self.0.peek_word() {
            _ if self.0.is_at("\"") => Attribute::String(self.0.string()?),
            _ if self.0.is_at("@") => Attribute::Symbol(self.symbol()?),
            _ if self.0.is_at("[") => {
                Attribute::Array(self.list("[", "]", |parser| parser.attribute(depth + 1))?)
            }
            _ if self.0.is_at("{") => Attribute::Dictionary(self.dictionary(depth + 1)?),
            word @ ("true" | "false") => {
                self.0.accept_word(word);
                Attribute::Boolean(word == "true")
            }
            "unit" => {
                self.0.accept_word("unit");
                Attribute::Unit
            }
            word if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => self.number()?,
            _ => Attribute::Other(self.ty()?.to_string()),
        })
    }

    /// `3`, `3 : i64`, `-0.5e-3 : f64`, `0x7FF0000000000000 : f64`
    fn number(&mut self) -> Result<Attribute> {
        let error = self.0.error("a number");
        let mut digits = self.0.word("a number")?.to_string();
        // A word has no plus: 1.0e+3 is two.
        if digits.ends_with(['e', 'E']) && self.0.accept("+") {
            digits += self.0.word("an exponent")?;
        }
        let ty = if self.0.accept(":") { Some(self.ty()?.to_string()) } else { None };
        let hexadecimal = digits.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16));
        let is_real = hexadecimal.is_none() && digits.contains(['.', 'e', 'E']);
        let other = |ty: &str| Attribute::Other(format!("{digits} : {ty}"));
        match (hexadecimal, ty.as_deref()) {
            (Some(bits), Some("f64")) => {
                bits.map(|bits| Attribute::Real(f64::from_bits(bits))).ok()
            }
            (Some(bits), None | Some("i64")) => {
                bits.ok().and_then(|bits| bits.try_into().ok()).map(Attribute::Integer)
            }
            (None, None | Some("f64")) if is_real => digits.parse().ok().map(Attribute::Real),
            (None, None | Some("i64")) if !is_real => digits.parse().ok().map(Attribute::Integer),
            (_, Some(ty)) => Some(other(ty)),
            (_, None) => None,
        }
        .ok_or(error)
    }

    /// What stands between two signs, separated by commas.
    fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut element: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.0.expect(open)?;
        if self.0.accept(close) {
            return Ok(vec![]);
        }
        let elements = self.separated(&mut element)?;
        self.0.expect(close)?;
        Ok(elements)
    }

    fn separated<T>(&mut self, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut elements = vec![element(self)?];
        while self.0.accept(",") {
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attributes of a module of that text.
    fn attributes(text: &str) -> Vec<Attribute> {
        let module = parse(&format!("module attributes {{{text}}} {{}}")).unwrap();
        module.attributes.into_iter().map(|(_, attribute)| attribute).collect()
    }

    #[test]
    fn attributes_are_read_as_what_they_are() {
        let text = r#"a = 3, b = -3 : i64, c = 0.5, d = -1.0e-6 : f64, e = 1.5e+3,
            f = 0x7FF0000000000000 : f64, g = true, h, i = "a\"b\\\0A\E2\82\AC", j = @f, k = @"a b",
            l = [1, "x"], m = {n = 1}, // and so on
            o = 3 : i32, p = f32, q = 0x10"#;
        let real = Attribute::Real;
        let wanted = [
            Attribute::Integer(3),
            Attribute::Integer(-3),
            real(0.5),
            real(-1e-6),
            real(1500.0),
            real(f64::INFINITY),
            Attribute::Boolean(true),
            Attribute::Unit,
            Attribute::String("a\"b\\\n\u{20ac}".into()),
            Attribute::Symbol("f".into()),
            Attribute::Symbol("a b".into()),
            Attribute::Array(vec![Attribute::Integer(1), Attribute::String("x".into())]),
            Attribute::Dictionary(vec![("n".into(), Attribute::Integer(1))]),
            Attribute::Other("3 : i32".into()),
            Attribute::Other("f32".into()),
            Attribute::Integer(16),
        ];
        assert_eq!(attributes(text), wanted);
    }

    #[test]
    fn functions_are_read_in_their_forms() {
        let module = parse(
            r#"
            func.func private @"a b"(%x: tensor<2xf32> {venc.weight}) -> tensor<2xf32> {
              %1 = call @f(%x) {label = "y"} : (tensor<2xf32>) -> tensor<2xf32>
              %2 = "venc.scale"(%1) <{factor = 1.0 : f64}> : (tensor<2xf32>) -> (tensor<2xf32>)
              return %2 : tensor<2xf32>
            }
            func.func @g() { func.return }"#,
        )
        .unwrap();
        let [function, other] = module.functions.as_slice() else { panic!("{module:?}") };
        assert_eq!((function.name.as_str(), other.name.as_str()), ("a b", "g"));
        assert_eq!(function.arguments[0].attributes, [("venc.weight".into(), Attribute::Unit)]);
        let names: Vec<&str> = function.operations.iter().map(|op| op.name.as_str()).collect();
        assert_eq!(names, ["func.call", "venc.scale", "func.return"]);
        let callee = ("callee".to_string(), Attribute::Symbol("f".into()));
        assert!(function.operations[0].attributes.contains(&callee));
        assert_eq!(function.operations[1].operands[0].place.to_string(), "line 4, column 33");
    }

    #[test]
    fn what_is_not_read_is_told_where_it_stands() {
        let deep = format!("module attributes {{a = {}", "[".repeat(1_000_000));
        for (text, message) in [
            ("", ""),
            ("\0", "line 1, column 1: `\0` stands where a func.func was expected"),
            (deep.as_str(), "brackets are nested deeper than 100"),
            ("module {", "line 1, column 9: the text ends where a func.func was expected"),
            ("module {} }", "line 1, column 11: `}` stands where the end of the text was expected"),
            ("func.func @f()", "line 1, column 1: @f has no body"),
            ("func.func @f() {\n^bb0:\n}", "line 2, column 1: @f has several blocks"),
            ("func.func @f() { %0:2 = ", "an operation has several results"),
            ("func.func @f() { \"a\"() ({}) : () -> () }", "regions are not read"),
            (
                "func.func @f() { affine.for }",
                "`affine.for` stands where an operation was expected",
            ),
            ("module attributes {a = 1, a = 2} {}", "the attribute `a` is given twice"),
            ("module attributes {a = \"x} {}", "column 24: the string that begins here has no end"),
            ("module attributes {a = \"\\x\"} {}", "an escape that is none of"),
            ("module attributes {a = \"\\FF\"} {}", "a string is not UTF-8"),
            ("module attributes {a = 99999999999999999999} {}", "where a number was expected"),
            ("module attributes {a = @b::@c} {}", "a name inside another name is not read"),
            ("#map = affine_map<()>", "`#map` stands where a func.func was expected"),
        ] {
            let found = parse(text).map(|_| ()).map_err(|error| error.to_string());
            let found = found.err().unwrap_or_default();
            assert!(
                found.contains(message) && found.is_empty() == message.is_empty(),
                "{text}: {found}"
            );
        }
    }
}
