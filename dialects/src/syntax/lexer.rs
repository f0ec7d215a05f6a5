//! [`Cursor`]: the words and signs of a text, one after the other.

use super::tree::Place;

/// A text that is not of the form that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SyntaxError {
    /// Where it is not.
    pub place: Place,
    /// What stands there, and what was expected.
    pub message: String,
}

/// A place in a text, behind what was read.
pub struct Cursor<'t> {
    rest: &'t str,
    place: Place,
}

impl<'t> Cursor<'t> {
    /// The first word of a text.
    pub fn new(text: &'t str) -> Self {
        let mut cursor = Cursor { rest: text, place: Place { line: 1, column: 1 } };
        cursor.skip_blank();
        cursor
    }

    /// Where the next word begins.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error here.
    pub fn error(&self, expected: &str) -> SyntaxError {
        let word: String = self.rest.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
        let found =
            if word.is_empty() { "the text ends".into() } else { format!("`{word}` stands") };
        self.error_that(format!("{found} where {expected} was expected"))
    }

    /// An error here, in other words.
    pub fn error_that(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { place: self.place, message: message.into() }
    }

    /// Whether a sign comes next.
    pub fn is_at(&self, sign: &str) -> bool {
        self.rest.starts_with(sign)
    }

    /// Goes past a sign, if it comes next.
    pub fn accept(&mut self, sign: &str) -> bool {
        let is_there = self.is_at(sign);
        if is_there {
            self.advance(sign.len());
            self.skip_blank();
        }
        is_there
    }

    /// Goes past a sign, which must come next.
    pub fn expect(&mut self, sign: &str) -> Result<(), SyntaxError> {
        if self.accept(sign) { Ok(()) } else { Err(self.error(&format!("`{sign}`"))) }
    }

    /// Goes past a word, if it comes next and ends there.
    pub fn accept_word(&mut self, word: &str) -> bool {
        self.peek_word() == word && self.accept(word)
    }

    /// The word that comes next, such as `func.return`; empty where none does.
    pub fn peek_word(&self) -> &'t str {
        let end = self.rest.find(|c| !is_in_word(c)).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        // The line of an arrow is in no word.
        if self.rest[end..].starts_with('>') { word.trim_end_matches('-') } else { word }
    }

    /// The word that comes next.
    pub fn word(&mut self, expected: &str) -> Result<&'t str, SyntaxError> {
        let word = self.peek_word();
        if word.is_empty() {
            return Err(self.error(expected));
        }
        self.advance(word.len());
        self.skip_blank();
        Ok(word)
    }

    /// The characters before any of some signs, without blanks.
    pub fn until(&mut self, signs: &[char]) -> String {
        let end = self.rest.find(signs).unwrap_or(self.rest.len());
        let read = self.rest[..end].chars().filter(|c| !c.is_whitespace()).collect();
        self.advance(end);
        self.skip_blank();
        read
    }

    /// The text of a string literal.
    pub fn string(&mut self) -> Result<String, SyntaxError> {
        let begin = self.place;
        let open = || SyntaxError {
            place: begin,
            message: "the string that begins here has no end".into(),
        };
        if !self.is_at("\"") {
            return Err(self.error("a string"));
        }
        let mut bytes: Vec<u8> = vec![];
        let mut characters = self.rest.char_indices().skip(1);
        let end = loop {
            match characters.next().ok_or_else(open)? {
                (at, '"') => break at + 1,
                (_, '\n') => return Err(open()),
                (_, '\\') => match characters.next().ok_or_else(open)?.1 {
                    'n' => bytes.push(b'\n'),
                    't' => bytes.push(b'\t'),
                    plain @ ('"' | '\\') => bytes.push(plain as u8),
                    high => {
                        let low = characters.next().ok_or_else(open)?.1;
                        let digits = [high, low].map(|digit| digit.to_digit(16));
                        let [Some(high), Some(low)] = digits else {
                            return Err(self.error_that("a string has an escape that is none of \\n, \\t, \\\", \\\\ and two hexadecimal digits"));
                        };
                        bytes.push((high * 16 + low) as u8);
                    }
                },
                (_, character) => {
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        };
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| self.error_that("a string is not UTF-8"))?;
        self.advance(end);
        self.skip_blank();
        Ok(text)
    }

    fn advance(&mut self, bytes: usize) {
        let (read, rest) = self.rest.split_at(bytes);
        for character in read.chars() {
            match character {
                '\n' => self.place = Place { line: self.place.line + 1, column: 1 },
                _ => self.place.column += 1,
            }
        }
        self.rest = rest;
    }

    /// Goes past blanks and comments.
    fn skip_blank(&mut self) {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.advance(blank);
            if !self.is_at("//") {
                return;
            }
            self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }
}

fn is_in_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '$' | '-')
}
