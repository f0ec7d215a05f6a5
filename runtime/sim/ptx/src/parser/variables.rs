//! Declarations of variables: their space, type, extents and what is in them at first.

use super::Cursor;
use crate::ast::{Space, Type, Value, Variable};
use crate::lexer::Token;
use crate::{ParseError, Position};

/// The state space that a word declares a variable in.
pub(super) fn space_of(word: &str) -> Option<Space> {
    Space::of(word.strip_prefix('.')?)
}

/// One variable or several of the same type, after their space, to the semicolon.
pub(super) fn variables(
    cursor: &mut Cursor,
    space: Space,
    is_extern: bool,
    position: Position,
    into: &mut Vec<Variable>,
) -> Result<(), ParseError> {
    let (ty, align, elements) = declared_type(cursor)?;
    loop {
        let name = cursor.name("the name of a variable")?.to_string();
        let (count, mut is_open) = dimensions(cursor, elements)?;
        let values = match cursor.eat('=') {
            true => initializer(cursor)?,
            false => vec![],
        };
        let mut count = count;
        if is_open && !values.is_empty() {
            (count, is_open) = (values.len() as u64, false);
        }
        if values.len() as u64 > count && !is_open {
            return cursor.error(format!("`{name}` has {count} elements, and more values"));
        }
        let count = (!is_open).then_some(count);
        into.push(Variable { name, space, align, ty, count, is_extern, values, position });
        if !cursor.eat(',') {
            return cursor.expect(';');
        }
    }
}

/// `.align 16 .v4 .b8`: the type, the alignment in bytes, the elements of a vector.
pub(super) fn declared_type(cursor: &mut Cursor) -> Result<(Type, u64, u64), ParseError> {
    let (mut align, mut elements) = (None, 1);
    loop {
        let Token::Word(word) = cursor.token() else { return cursor.expected("a type") };
        cursor.at += 1;
        match word {
            ".align" => align = Some(alignment(cursor)?),
            ".v2" => elements = 2,
            ".v4" => elements = 4,
            ".ptr" | ".global" | ".shared" | ".const" | ".local" => {}
            _ => {
                let ty = word.strip_prefix('.').and_then(Type::of);
                let Some(ty) = ty.filter(|ty| *ty != Type::Pred) else {
                    cursor.at -= 1;
                    return cursor.expected("a type of memory");
                };
                return Ok((ty, align.unwrap_or(ty.bytes() * elements), elements));
            }
        }
    }
}

pub(super) fn alignment(cursor: &mut Cursor) -> Result<u64, ParseError> {
    let start = cursor.at;
    let align = cursor.natural("an alignment")?;
    if align.is_power_of_two() && align <= 1 << 20 {
        return Ok(align);
    }
    cursor.at = start;
    cursor.error(format!("{align} is no alignment"))
}

/// `[4][8]`, as elements in all, and whether the first is left open.
pub(super) fn dimensions(cursor: &mut Cursor, elements: u64) -> Result<(u64, bool), ParseError> {
    let (mut count, mut is_open) = (elements, false);
    while cursor.eat('[') {
        if cursor.eat(']') {
            is_open = true;
            continue;
        }
        let dimension = cursor.natural("a size")?;
        let Some(product) = count.checked_mul(dimension).filter(|count| *count < 1 << 40) else {
            return cursor.error("a variable of more than 2^40 elements");
        };
        count = product;
        cursor.expect(']')?;
    }
    Ok((count, is_open))
}

fn initializer(cursor: &mut Cursor) -> Result<Vec<Value>, ParseError> {
    let (mut values, mut depth) = (vec![], 0usize);
    loop {
        if cursor.eat('{') {
            depth += 1;
            continue;
        }
        if cursor.token() != Token::Punctuation('}') {
            values.push(value(cursor)?);
        }
        while depth > 0 && cursor.eat('}') {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(values);
        }
        cursor.expect(',')?;
    }
}

fn value(cursor: &mut Cursor) -> Result<Value, ParseError> {
    if !matches!(cursor.token(), Token::Word(_)) {
        return Ok(Value::Immediate(cursor.immediate()?));
    }
    let mut name = cursor.name("a number or the name of a variable")?;
    let is_generic = name == "generic" && cursor.eat('(');
    if is_generic {
        name = cursor.name("the name of a variable")?;
        cursor.expect(')')?;
    }
    let offset = if cursor.eat('+') { cursor.offset()? } else { 0 };
    Ok(Value::Address(name.to_string(), offset))
}
