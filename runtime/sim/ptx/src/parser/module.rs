//! What stands outside of kernels: directives, variables, and the head of a kernel.

use super::Cursor;
use super::body::body;
use crate::ast::{Entry, Module, Parameter, Space, Type, Value, Variable};
use crate::lexer::Token;
use crate::{ParseError, Position};

pub(super) fn module(cursor: &mut Cursor) -> Result<Module, ParseError> {
    let mut module = Module {
        version: (0, 0),
        target: String::new(),
        address_size: 32,
        variables: vec![],
        entries: vec![],
        functions: vec![],
    };
    while cursor.token() != Token::End {
        directive(cursor, &mut module)?;
    }
    if module.version == (0, 0) {
        return cursor.error("a module begins with `.version`");
    }
    Ok(module)
}

fn directive(cursor: &mut Cursor, module: &mut Module) -> Result<(), ParseError> {
    let position = cursor.position();
    let (mut is_extern, mut is_visible) = (false, false);
    loop {
        match cursor.token() {
            Token::Word(".extern") => is_extern = true,
            Token::Word(".visible" | ".weak" | ".common") => is_visible = true,
            _ => break,
        }
        cursor.at += 1;
    }
    let Token::Word(word) = cursor.token() else { return cursor.expected("a directive") };
    if let Some(space) = space_of(word) {
        cursor.at += 1;
        return variables(cursor, space, is_extern, position, &mut module.variables);
    }
    match word {
        ".entry" => {
            cursor.at += 1;
            module.entries.push(entry(cursor, position)?);
            Ok(())
        }
        ".func" => {
            cursor.at += 1;
            module.functions.push((function(cursor)?, position));
            Ok(())
        }
        _ if is_extern || is_visible => cursor.expected("a variable, `.entry` or `.func`"),
        ".version" => {
            cursor.at += 1;
            module.version = version(cursor)?;
            Ok(())
        }
        ".target" => {
            cursor.at += 1;
            module.target = cursor.name("a target")?.to_string();
            while cursor.eat(',') {
                cursor.name("an option of the target")?;
            }
            Ok(())
        }
        ".address_size" => {
            cursor.at += 1;
            module.address_size = cursor.small_natural("the bits of an address")?;
            Ok(())
        }
        ".file" | ".loc" => {
            let line = position.line;
            while cursor.token() != Token::End && cursor.position().line == line {
                cursor.at += 1;
            }
            Ok(())
        }
        ".section" => {
            skip_to(cursor, '{')?;
            skip_braces(cursor)
        }
        ".pragma" | ".alias" => {
            skip_to(cursor, ';')?;
            cursor.expect(';')
        }
        _ => cursor.expected("a directive of a module"),
    }
}

fn version(cursor: &mut Cursor) -> Result<(u32, u32), ParseError> {
    if let Token::Number(text) = cursor.token()
        && let Some((major, minor)) = text.split_once('.')
        && let (Ok(major), Ok(minor)) = (major.parse(), minor.parse())
    {
        cursor.at += 1;
        return Ok((major, minor));
    }
    cursor.expected("a version as 8.0")
}

fn skip_to(cursor: &mut Cursor, punctuation: char) -> Result<(), ParseError> {
    while cursor.token() != Token::Punctuation(punctuation) {
        if cursor.advance() == Token::End {
            return cursor.expected(&format!("`{punctuation}`"));
        }
    }
    Ok(())
}

fn skip_braces(cursor: &mut Cursor) -> Result<(), ParseError> {
    let mut depth = 0u32;
    loop {
        match cursor.advance() {
            Token::Punctuation('{') => depth += 1,
            Token::Punctuation('}') if depth <= 1 => return Ok(()),
            Token::Punctuation('}') => depth -= 1,
            Token::End => return cursor.expected("`}`"),
            Token::Word(_) | Token::Number(_) | Token::Text(_) | Token::Punctuation(_) => {}
        }
    }
}

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
fn declared_type(cursor: &mut Cursor) -> Result<(Type, u64, u64), ParseError> {
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

fn alignment(cursor: &mut Cursor) -> Result<u64, ParseError> {
    let start = cursor.at;
    let align = cursor.natural("an alignment")?;
    if align.is_power_of_two() && align <= 1 << 20 {
        return Ok(align);
    }
    cursor.at = start;
    cursor.error(format!("{align} is no alignment"))
}

/// `[4][8]`, as elements in all, and whether the first is left open.
fn dimensions(cursor: &mut Cursor, elements: u64) -> Result<(u64, bool), ParseError> {
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

fn entry(cursor: &mut Cursor, position: Position) -> Result<Entry, ParseError> {
    let name = cursor.name("the name of a kernel")?.to_string();
    let mut entry = Entry {
        name,
        parameters: vec![],
        required_threads: None,
        most_threads: None,
        least_blocks: None,
        most_registers: None,
        body: Default::default(),
        position,
    };
    if cursor.eat('(') && !cursor.eat(')') {
        loop {
            entry.parameters.push(parameter(cursor)?);
            if !cursor.eat(',') {
                break;
            }
        }
        cursor.expect(')')?;
    }
    loop {
        match cursor.token() {
            Token::Punctuation('{') => break,
            Token::Word(word) => {
                cursor.at += 1;
                performance(cursor, word, &mut entry)?;
            }
            _ => return cursor.expected("`{`"),
        }
    }
    entry.body = body(cursor, &entry.parameters)?;
    Ok(entry)
}

/// A directive between a kernel's head and its body.
fn performance(cursor: &mut Cursor, word: &str, entry: &mut Entry) -> Result<(), ParseError> {
    match word {
        ".reqntid" => entry.required_threads = Some(extents(cursor)?),
        ".maxntid" => entry.most_threads = Some(extents(cursor)?),
        ".minnctapersm" => entry.least_blocks = Some(cursor.small_natural("a number of blocks")?),
        ".maxnreg" => entry.most_registers = Some(cursor.small_natural("a number of registers")?),
        ".maxnctapersm" => {
            cursor.small_natural("a number of blocks")?;
        }
        ".noreturn" => {}
        ".pragma" => {
            cursor.advance();
            cursor.expect(';')?;
        }
        _ => {
            cursor.at -= 1;
            return cursor.expected("a directive of a kernel or `{`");
        }
    }
    Ok(())
}

fn extents(cursor: &mut Cursor) -> Result<[u32; 3], ParseError> {
    let mut found = [1; 3];
    for (index, extent) in found.iter_mut().enumerate() {
        if index > 0 && !cursor.eat(',') {
            break;
        }
        *extent = cursor.small_natural("a number of threads")?;
    }
    Ok(found)
}

fn parameter(cursor: &mut Cursor) -> Result<Parameter, ParseError> {
    if !cursor.eat_word(".param") {
        return cursor.expected("`.param`");
    }
    // `.align` stands before the type for an array, and behind it for what a pointer points to.
    let mut align = None;
    if cursor.eat_word(".align") {
        align = Some(alignment(cursor)?);
    }
    let (ty, natural, elements) = declared_type(cursor)?;
    while let Token::Word(".ptr" | ".global" | ".shared" | ".const" | ".local" | ".align") =
        cursor.token()
    {
        if cursor.advance() == Token::Word(".align") {
            alignment(cursor)?;
        }
    }
    let name = cursor.name("the name of a parameter")?.to_string();
    let (count, is_open) = dimensions(cursor, elements)?;
    if is_open {
        return cursor.error(format!("the parameter `{name}` has no size"));
    }
    Ok(Parameter { name, ty, align: align.unwrap_or(natural), count })
}

/// The name of a function; its body is skipped.
fn function(cursor: &mut Cursor) -> Result<String, ParseError> {
    if cursor.eat('(') {
        skip_to(cursor, ')')?;
        cursor.expect(')')?;
    }
    let name = cursor.name("the name of a function")?.to_string();
    while !matches!(cursor.token(), Token::Punctuation('{' | ';') | Token::End) {
        cursor.advance();
    }
    match cursor.eat(';') {
        true => {}
        false => skip_braces(cursor)?,
    }
    Ok(name)
}
