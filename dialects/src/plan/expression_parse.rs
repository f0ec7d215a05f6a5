//! Reads the text of an [`Expression`]: what [`describe`](Expression::describe) writes.

use super::{Expression, SymbolEntry};

/// How deep parentheses may nest: more than in any plan of ours, and less than what overflows a stack.
const MAX_NESTED: usize = 100;

type Result<T> = std::result::Result<T, String>;

impl Expression {
    /// The expression of a text, over symbols by their names. A sum or a product of other than several is none of its own:
    /// what is written `3` is a constant. Of products in products, the factors are those of one.
    pub fn parse(text: &str, symbols: &[SymbolEntry]) -> Result<Expression> {
        let mut reader = Reader { text, rest: text.trim(), symbols };
        let expression = reader.expression(0)?;
        match reader.rest.is_empty() {
            true => Ok(expression),
            false => Err(reader.error()),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    symbols: &'t [SymbolEntry],
}

impl Reader<'_> {
    fn error(&self) -> String {
        format!(
            "`{}` is no expression: write sums, products, `x floordiv 16` and `x ceildiv 96` of numbers and symbols, with \
             parentheses around a sum or a quotient in another",
            self.text
        )
    }

    /// Goes past a sign or a word, if it comes next.
    fn accept(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.map_or(self.rest, str::trim_start);
        rest.is_some()
    }

    fn expression(&mut self, depth: usize) -> Result<Expression> {
        if depth > MAX_NESTED {
            return Err(format!("parentheses are nested deeper than {MAX_NESTED}"));
        }
        let mut first = self.factors(depth)?;
        for (word, divide) in [
            ("floordiv", Expression::FloorDiv as fn(Box<Expression>, i64) -> Expression),
            ("ceildiv", Expression::CeilDiv),
        ] {
            if self.accept(word) {
                return match (first.pop(), first.is_empty(), self.number()) {
                    (Some(dividend), true, Some(divisor)) => {
                        Ok(divide(Box::new(dividend), divisor))
                    }
                    _ => Err(self.error()),
                };
            }
        }
        let mut terms = vec![single_or(first, Expression::Product)];
        while self.accept("+") {
            terms.push(single_or(self.factors(depth)?, Expression::Product));
        }
        Ok(single_or(terms, Expression::Sum))
    }

    /// At least one.
    fn factors(&mut self, depth: usize) -> Result<Vec<Expression>> {
        let mut factors = vec![self.atom(depth)?];
        while self.accept("*") {
            factors.push(self.atom(depth)?);
        }
        Ok(factors)
    }

    fn atom(&mut self, depth: usize) -> Result<Expression> {
        if self.accept("(") {
            let inner = self.expression(depth + 1)?;
            return if self.accept(")") { Ok(inner) } else { Err(self.error()) };
        }
        if let Some(number) = self.number() {
            return Ok(Expression::Constant(number));
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() {
            return Err(self.error());
        }
        let position = self.symbols.iter().position(|symbol| symbol.name == name);
        let position = position.ok_or_else(|| format!("there is no symbol `{name}`"))?;
        self.rest = rest.trim_start();
        Ok(Expression::Symbol(position))
    }

    /// The number that comes next.
    fn number(&mut self) -> Option<i64> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(sign + digits);
        let number = number.parse().ok()?;
        self.rest = rest.trim_start();
        Some(number)
    }
}

fn single_or(
    mut expressions: Vec<Expression>,
    several: fn(Vec<Expression>) -> Expression,
) -> Expression {
    match expressions.len() {
        1 => expressions.remove(0),
        _ => several(expressions),
    }
}
