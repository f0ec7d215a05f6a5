//! What stands in a kernel: registers, variables, labels, instructions. Scopes are resolved here: a register or a label of
//! an inner scope has a number of its own.

use super::Cursor;
use super::module::{space_of, variables};
use crate::ast::{
    Base, Body, Guard, Instruction, Label, Operand, Parameter, Register, Registers, Space, Special,
    Statement, Type,
};
use crate::lexer::Token;
use crate::{ParseError, Position};
use rustc_hash::FxHashMap;

/// More scopes in each other than this are not read.
const DEEPEST: usize = 64;

/// A label of a scope: its number, and where it stands once it was read.
struct OpenLabel {
    label: Label,
    defined_at: Option<Position>,
}

#[derive(Default)]
struct Scope {
    registers: FxHashMap<String, Register>,
    /// Prefix, how many, and the first of registers that are declared as a range.
    ranges: Vec<(String, u64, u64)>,
    labels: FxHashMap<String, OpenLabel>,
}

struct Reader<'a> {
    body: Body,
    scopes: Vec<Scope>,
    parameters: &'a [Parameter],
    next_register: u64,
}

/// The body of a kernel, braces included.
pub(super) fn body(cursor: &mut Cursor, parameters: &[Parameter]) -> Result<Body, ParseError> {
    let mut reader = Reader { body: Body::default(), scopes: vec![], parameters, next_register: 0 };
    cursor.expect('{')?;
    reader.open(cursor)?;
    while !reader.scopes.is_empty() {
        reader.statement(cursor)?;
    }
    Ok(reader.body)
}

impl Reader<'_> {
    fn open(&mut self, cursor: &mut Cursor) -> Result<(), ParseError> {
        if self.scopes.len() >= DEEPEST {
            return cursor.error("too many scopes in each other");
        }
        self.scopes
            .push(Scope { labels: declared_labels(cursor, &mut self.body), ..Scope::default() });
        Ok(())
    }

    fn statement(&mut self, cursor: &mut Cursor) -> Result<(), ParseError> {
        if cursor.eat('{') {
            return self.open(cursor);
        }
        if cursor.eat('}') {
            self.scopes.pop();
            return Ok(());
        }
        if cursor.eat(';') {
            return Ok(());
        }
        let position = cursor.position();
        match cursor.token() {
            Token::Word(".reg") => {
                cursor.at += 1;
                self.registers(cursor)
            }
            Token::Word(word) if space_of(word).is_some() => {
                let space = space_of(word).unwrap_or(Space::Local);
                cursor.at += 1;
                variables(cursor, space, false, position, &mut self.body.variables)
            }
            Token::Word(".pragma" | ".branchtargets" | ".callprototype" | ".calltargets") => {
                while !cursor.eat(';') {
                    if cursor.advance() == Token::End {
                        return cursor.expected("`;`");
                    }
                }
                Ok(())
            }
            Token::Word(".loc") => {
                let line = position.line;
                while cursor.position().line == line && cursor.token() != Token::End {
                    cursor.at += 1;
                }
                Ok(())
            }
            Token::Word(name) if cursor.following() == Token::Punctuation(':') => {
                cursor.at += 2;
                self.label(name, position)
            }
            _ => {
                let instruction = self.instruction(cursor)?;
                self.body.statements.push(Statement::Instruction(instruction));
                Ok(())
            }
        }
    }

    fn label(&mut self, name: &str, position: Position) -> Result<(), ParseError> {
        let open = self.scopes.last_mut().and_then(|scope| scope.labels.get_mut(name));
        match open {
            Some(OpenLabel { label, defined_at }) if defined_at.is_none() => {
                *defined_at = Some(position);
                let label = *label;
                self.body.statements.push(Statement::Label(label));
                Ok(())
            }
            _ => Err(ParseError::new(
                position,
                format!("the label `{name}` stands here a second time"),
            )),
        }
    }

    fn registers(&mut self, cursor: &mut Cursor) -> Result<(), ParseError> {
        let word = cursor.word("a type")?;
        let Some(ty) = word.strip_prefix('.').and_then(Type::of) else {
            cursor.at -= 1;
            return cursor.expected("a type of registers");
        };
        loop {
            let position = cursor.position();
            let prefix = cursor.name("the name of a register")?.to_string();
            let (mut count, is_numbered) = (1, cursor.eat('<'));
            if is_numbered {
                count = u64::from(cursor.small_natural("a number of registers")?);
                cursor.expect('>')?;
            }
            let first = self.next_register;
            self.next_register += count.max(1);
            let scope = self.scopes.last_mut();
            let taken = scope.is_some_and(|scope| match is_numbered {
                true => {
                    scope.ranges.push((prefix.clone(), count, first));
                    false
                }
                false => scope.registers.insert(prefix.clone(), Register(first)).is_some(),
            });
            if taken {
                let message = format!("the register `{prefix}` is declared a second time");
                return Err(ParseError::new(position, message));
            }
            self.body.registers.push(Registers { prefix, is_numbered, ty, first, count });
            if !cursor.eat(',') {
                return cursor.expect(';');
            }
        }
    }

    fn register(&self, name: &str) -> Option<Register> {
        self.scopes.iter().rev().find_map(|scope| {
            scope.registers.get(name).copied().or_else(|| {
                scope.ranges.iter().find_map(|(prefix, count, first)| {
                    let digits = name.strip_prefix(prefix.as_str())?;
                    let is_plain = digits == "0" || !digits.starts_with('0');
                    let number: u64 = digits.parse().ok()?;
                    (is_plain && number < *count).then_some(Register(first + number))
                })
            })
        })
    }

    fn is_symbol(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
            || self.body.variables.iter().any(|variable| variable.name == name)
    }

    fn known_register(&self, cursor: &mut Cursor) -> Result<Register, ParseError> {
        let start = cursor.at;
        let name = cursor.name("a register")?;
        if let Some(register) = self.register(name) {
            return Ok(register);
        }
        cursor.at = start;
        cursor.error(format!("the register `{name}` is not declared"))
    }

    fn instruction(&mut self, cursor: &mut Cursor) -> Result<Instruction, ParseError> {
        let position = cursor.position();
        let guard = match cursor.eat('@') {
            true => {
                let is_negated = cursor.eat('!');
                Some(Guard { register: self.known_register(cursor)?, is_negated })
            }
            false => None,
        };
        let opcode = cursor.name("an instruction")?.to_string();
        let mut operands = vec![];
        if !cursor.eat(';') {
            loop {
                operands.push(self.operand(cursor, 0)?);
                if !cursor.eat(',') {
                    break;
                }
            }
            cursor.expect(';')?;
        }
        Ok(Instruction { guard, opcode, operands, position })
    }

    fn operand(&mut self, cursor: &mut Cursor, depth: usize) -> Result<Operand, ParseError> {
        if depth > 2 {
            return cursor.error("vectors of vectors");
        }
        if cursor.eat('{') {
            return self.elements(cursor, depth, '}');
        }
        // The arguments of a call.
        if cursor.eat('(') {
            return self.elements(cursor, depth, ')');
        }
        if cursor.eat('[') {
            let address = self.address(cursor)?;
            cursor.expect(']')?;
            return Ok(address);
        }
        if cursor.eat('!') {
            return Ok(Operand::Negated(self.known_register(cursor)?));
        }
        let name = match cursor.token() {
            Token::Word(name) => name,
            Token::Number(_) | Token::Punctuation('-') => {
                return Ok(Operand::Immediate(cursor.immediate()?));
            }
            Token::Punctuation(_) | Token::Text(_) | Token::End => {
                return cursor.expected("an operand");
            }
        };
        let first = self.named(cursor, name)?;
        if cursor.eat('|') {
            let Token::Word(name) = cursor.token() else { return cursor.expected("a register") };
            let second = self.named(cursor, name)?;
            return Ok(Operand::Pair(Box::new(first), Box::new(second)));
        }
        Ok(first)
    }

    /// The operands up to the end of a vector.
    fn elements(
        &mut self,
        cursor: &mut Cursor,
        depth: usize,
        end: char,
    ) -> Result<Operand, ParseError> {
        let mut elements = vec![];
        if cursor.eat(end) {
            return Ok(Operand::Vector(elements));
        }
        loop {
            elements.push(self.operand(cursor, depth + 1)?);
            if !cursor.eat(',') {
                break;
            }
        }
        cursor.expect(end)?;
        Ok(Operand::Vector(elements))
    }

    /// An operand that is a name.
    fn named(&mut self, cursor: &mut Cursor, name: &str) -> Result<Operand, ParseError> {
        let operand = if name == "_" {
            Operand::Sink
        } else if let Some(register) = self.register(name) {
            Operand::Register(register)
        } else if let Some(special) = Special::of(name) {
            Operand::Special(special)
        } else if name == "WARP_SZ" {
            Operand::Immediate(crate::ast::Immediate::Integer(32))
        } else if let Some(label) = self.label_named(name) {
            Operand::Label(label)
        } else if name.starts_with('%') {
            return cursor.error(format!("the register `{name}` is not declared"));
        } else if name.starts_with('.') {
            return cursor.expected("an operand");
        } else {
            Operand::Symbol(name.to_string())
        };
        cursor.at += 1;
        Ok(operand)
    }

    fn label_named(&self, name: &str) -> Option<Label> {
        if self.is_symbol(name) {
            return None;
        }
        self.scopes.iter().rev().find_map(|scope| scope.labels.get(name)).map(|open| open.label)
    }

    fn address(&mut self, cursor: &mut Cursor) -> Result<Operand, ParseError> {
        if !matches!(cursor.token(), Token::Word(_)) {
            return Ok(Operand::Address(Base::Zero, cursor.offset()?));
        }
        let start = cursor.at;
        let name = cursor.name("an address")?;
        let base = match self.register(name) {
            Some(register) => Base::Register(register),
            None if name.starts_with('%') => {
                cursor.at = start;
                return cursor.error(format!("the register `{name}` is not declared"));
            }
            None => Base::Symbol(name.to_string()),
        };
        let offset = match cursor.token() {
            Token::Punctuation('+') => {
                cursor.at += 1;
                cursor.offset()?
            }
            Token::Punctuation('-') => cursor.offset()?,
            _ => 0,
        };
        Ok(Operand::Address(base, offset))
    }
}

impl Cursor<'_> {
    /// The bytes from a base to an address.
    pub(super) fn offset(&mut self) -> Result<i64, ParseError> {
        let start = self.at;
        if let crate::ast::Immediate::Integer(value) = self.immediate()?
            && let Ok(offset) = i64::try_from(value)
        {
            return Ok(offset);
        }
        self.at = start;
        self.error("an offset of an address is an integer of 64 bits")
    }
}

/// The labels of the scope that begins at the cursor: a branch may come before its label.
fn declared_labels(cursor: &Cursor, body: &mut Body) -> FxHashMap<String, OpenLabel> {
    let mut found = FxHashMap::default();
    let (mut depth, mut at) = (0usize, cursor.at);
    let token = |at: usize| cursor.tokens.get(at).map_or(Token::End, |(token, _)| *token);
    loop {
        match token(at) {
            Token::End => return found,
            Token::Punctuation('{') => depth += 1,
            Token::Punctuation('}') if depth == 0 => return found,
            Token::Punctuation('}') => depth -= 1,
            Token::Word(name) if depth == 0 && token(at + 1) == Token::Punctuation(':') => {
                found.entry(name.to_string()).or_insert_with(|| {
                    let label = Label(body.labels.len() as u32);
                    body.labels.push(name.to_string());
                    OpenLabel { label, defined_at: None }
                });
            }
            Token::Word(_) | Token::Number(_) | Token::Text(_) | Token::Punctuation(_) => {}
        }
        at += 1;
    }
}
