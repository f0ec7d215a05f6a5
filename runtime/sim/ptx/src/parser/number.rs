//! Literals.

use super::Cursor;
use crate::ParseError;
use crate::ast::Immediate;
use crate::lexer::Token;

impl Cursor<'_> {
    /// A number, a sign before it or not.
    pub(super) fn immediate(&mut self) -> Result<Immediate, ParseError> {
        let is_negative = self.eat('-');
        let Token::Number(text) = self.token() else { return self.expected("a number") };
        let Some(value) = immediate(text, is_negative) else {
            return self.error(format!("`{text}` is no number of PTX"));
        };
        self.at += 1;
        Ok(value)
    }

    /// An integer of the text that is not negative.
    pub(super) fn natural(&mut self, what: &str) -> Result<u64, ParseError> {
        let start = self.at;
        if let Token::Number(_) = self.token()
            && let Immediate::Integer(value) = self.immediate()?
            && let Ok(value) = u64::try_from(value)
        {
            return Ok(value);
        }
        self.at = start;
        self.expected(what)
    }

    /// An integer of the text that is not negative and fits 32 bits.
    pub(super) fn small_natural(&mut self, what: &str) -> Result<u32, ParseError> {
        let start = self.at;
        if let Ok(value) = u32::try_from(self.natural(what)?) {
            return Ok(value);
        }
        self.at = start;
        self.expected(what)
    }
}

fn immediate(text: &str, is_negative: bool) -> Option<Immediate> {
    let of_prefix = |prefixes: [&str; 2]| prefixes.iter().find_map(|p| text.strip_prefix(p));
    if let Some(digits) = of_prefix(["0f", "0F"]) {
        let bits = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)?;
        return Some(Immediate::F32(bits ^ (u32::from(is_negative) << 31)));
    }
    if let Some(digits) = of_prefix(["0d", "0D"]) {
        let bits = u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16)?;
        return Some(Immediate::F64(bits ^ (u64::from(is_negative) << 63)));
    }
    let sign = if is_negative { -1 } else { 1 };
    let whole = text.strip_suffix(['u', 'U']).unwrap_or(text);
    let integer = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(i128::from);
    let value = if let Some(digits) = of_prefix(["0x", "0X"]) {
        integer(digits.strip_suffix(['u', 'U']).unwrap_or(digits), 16)
    } else if let Some(digits) = of_prefix(["0b", "0B"]) {
        integer(digits.strip_suffix(['u', 'U']).unwrap_or(digits), 2)
    } else if whole.len() > 1 && whole.starts_with('0') && whole.bytes().all(|b| b.is_ascii_digit())
    {
        integer(whole, 8)
    } else if whole.bytes().all(|b| b.is_ascii_digit()) {
        integer(whole, 10)
    } else {
        let value: f64 = text.parse().ok()?;
        return Some(Immediate::F64((f64::from(sign) * value).to_bits()));
    };
    value.map(|value| Immediate::Integer(i128::from(sign) * value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_a_number_is_read() {
        for (text, is_negative, value) in [
            ("0", false, Some(Immediate::Integer(0))),
            ("17", true, Some(Immediate::Integer(-17))),
            ("0x1F", false, Some(Immediate::Integer(31))),
            ("0x1FU", false, Some(Immediate::Integer(31))),
            ("017", false, Some(Immediate::Integer(15))),
            ("0b101", false, Some(Immediate::Integer(5))),
            ("0f3F800000", false, Some(Immediate::F32(0x3f80_0000))),
            ("0f3F800000", true, Some(Immediate::F32(0xbf80_0000))),
            ("0d3FF0000000000000", false, Some(Immediate::F64(1f64.to_bits()))),
            ("1.5", true, Some(Immediate::F64((-1.5f64).to_bits()))),
            ("0f3F8", false, None),
            ("18446744073709551616", false, None),
            ("0xg", false, None),
            ("09", false, None),
        ] {
            assert_eq!(immediate(text, is_negative), value, "{text}");
        }
    }
}
