//! Text to tokens.

use crate::{ParseError, Position};

/// The kinds of tokens, each with its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Token<'a> {
    /// A name, a directive or an opcode with its suffixes: `%r1`, `.reg`, `shared::cta`, `add.s32`.
    Word(&'a str),
    /// A literal as it stands in the text, which begins with a digit.
    Number(&'a str),
    /// What is between quotes.
    Text(&'a str),
    /// A single character of punctuation.
    Punctuation(char),
    /// The end of the text.
    End,
}

impl Token<'_> {
    /// How an error speaks of the token.
    pub(crate) fn describe(self) -> String {
        match self {
            Token::Word(word) | Token::Number(word) => format!("`{word}`"),
            Token::Text(_) => "a text in quotes".to_string(),
            Token::Punctuation(character) => format!("`{character}`"),
            Token::End => "the end of the text".to_string(),
        }
    }
}

/// All tokens of a text, the end as the last.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Position)>, ParseError> {
    let mut lexer = Lexer { rest: text, position: Position { line: 1, column: 1 } };
    let mut found = vec![];
    loop {
        lexer.skip_blank()?;
        let position = lexer.position;
        let token = lexer.token()?;
        found.push((token, position));
        if token == Token::End {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    /// Takes so many bytes, which end between two characters.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        for character in taken.chars() {
            if character == '\n' {
                self.position.line = self.position.line.saturating_add(1);
                self.position.column = 1;
            } else {
                self.position.column = self.position.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken
    }

    fn skip_blank(&mut self) -> Result<(), ParseError> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let Some(end) = self.rest.find("*/") else {
                    return Err(ParseError::new(self.position, "a comment that does not end"));
                };
                self.take(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, ParseError> {
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        if first.is_ascii_digit() {
            return Ok(Token::Number(self.take(self.number_length())));
        }
        if is_word_start(first) {
            return Ok(Token::Word(self.take(self.word_length())));
        }
        if first == '"' {
            return self.quoted();
        }
        if "()[]{}<>,;:=+-|@!*".contains(first) {
            self.take(1);
            return Ok(Token::Punctuation(first));
        }
        Err(ParseError::new(self.position, format!("`{first}` is no character of PTX")))
    }

    fn quoted(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.position;
        self.take(1);
        let Some(end) = self.rest.find('"') else {
            return Err(ParseError::new(start, "a quotation that does not end"));
        };
        let text = self.take(end);
        self.take(1);
        Ok(Token::Text(text))
    }

    /// The bytes of the word that the rest begins with. Two colons are part of it, one is not.
    fn word_length(&self) -> usize {
        let bytes = self.rest.as_bytes();
        let mut end = 1;
        while let Some(&byte) = bytes.get(end) {
            if is_word_part(byte) {
                end += 1;
            } else if byte == b':' && bytes.get(end + 1) == Some(&b':') {
                end += 2;
            } else {
                break;
            }
        }
        end
    }

    /// The bytes of the number that the rest begins with; a sign belongs to it behind an exponent.
    fn number_length(&self) -> usize {
        let bytes = self.rest.as_bytes();
        let is_hexadecimal = matches!(bytes.get(1), Some(b'x' | b'X' | b'f' | b'F' | b'd' | b'D'))
            && bytes.first() == Some(&b'0');
        let mut end = 1;
        while let Some(&byte) = bytes.get(end) {
            let after_exponent = !is_hexadecimal && matches!(bytes.get(end - 1), Some(b'e' | b'E'));
            let is_part = byte.is_ascii_alphanumeric()
                || (byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit))
                || (matches!(byte, b'+' | b'-') && after_exponent);
            if !is_part {
                break;
            }
            end += 1;
        }
        end
    }
}

fn is_word_start(character: char) -> bool {
    character.is_ascii_alphabetic() || "%$_.".contains(character)
}

fn is_word_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$_.%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token<'_>> {
        tokens(text).unwrap().into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn an_instruction_is_cut_at_its_punctuation() {
        use Token::{End, Number, Punctuation, Word};
        assert_eq!(
            words("L1: @!%p1 ld.shared::cta.b32 %r1, [%rd2+-16]; // 0x1"),
            [
                Word("L1"),
                Punctuation(':'),
                Punctuation('@'),
                Punctuation('!'),
                Word("%p1"),
                Word("ld.shared::cta.b32"),
                Word("%r1"),
                Punctuation(','),
                Punctuation('['),
                Word("%rd2"),
                Punctuation('+'),
                Punctuation('-'),
                Number("16"),
                Punctuation(']'),
                Punctuation(';'),
                End
            ]
        );
        assert_eq!(
            words("0f3F800000 1.5e-3 0x1e-3"),
            [
                Number("0f3F800000"),
                Number("1.5e-3"),
                Number("0x1e"),
                Punctuation('-'),
                Number("3"),
                End
            ]
        );
    }

    #[test]
    fn a_place_is_counted_in_characters() {
        let found = tokens("/* é */ a\n  b").unwrap();
        assert_eq!(found[0].1, Position { line: 1, column: 9 });
        assert_eq!(found[1].1, Position { line: 2, column: 3 });
        assert_eq!(tokens("a\n ?").unwrap_err().to_string(), "2:2: `?` is no character of PTX");
        assert_eq!(tokens(" /* a").unwrap_err().to_string(), "1:2: a comment that does not end");
    }
}
