//! Tokens to a syntax tree. Here is what walks over the tokens; `module` reads what stands outside of kernels, `body` what
//! stands in them.

mod body;
mod module;
mod number;

use crate::ast::Module;
use crate::lexer::{Token, tokens};
use crate::{ParseError, Position};

/// Reads a module.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    module::module(&mut Cursor { tokens: tokens(text)?, at: 0 })
}

/// A place among the tokens of a text.
struct Cursor<'a> {
    tokens: Vec<(Token<'a>, Position)>,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn token(&self) -> Token<'a> {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| *token)
    }

    fn following(&self) -> Token<'a> {
        self.tokens.get(self.at + 1).map_or(Token::End, |(token, _)| *token)
    }

    fn position(&self) -> Position {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.at.min(last)).map_or_else(Position::default, |(_, position)| *position)
    }

    fn advance(&mut self) -> Token<'a> {
        let token = self.token();
        self.at += 1;
        token
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError::new(self.position(), message))
    }

    fn expected<T>(&self, what: &str) -> Result<T, ParseError> {
        self.error(format!("expected {what}, found {}", self.token().describe()))
    }

    fn eat(&mut self, punctuation: char) -> bool {
        let is_there = self.token() == Token::Punctuation(punctuation);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, punctuation: char) -> Result<(), ParseError> {
        match self.eat(punctuation) {
            true => Ok(()),
            false => self.expected(&format!("`{punctuation}`")),
        }
    }

    fn eat_word(&mut self, wanted: &str) -> bool {
        let is_there = self.token() == Token::Word(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn word(&mut self, what: &str) -> Result<&'a str, ParseError> {
        match self.token() {
            Token::Word(word) => {
                self.at += 1;
                Ok(word)
            }
            _ => self.expected(what),
        }
    }

    /// A name that no directive is.
    fn name(&mut self, what: &str) -> Result<&'a str, ParseError> {
        match self.token() {
            Token::Word(word) if !word.starts_with('.') => self.word(what),
            _ => self.expected(what),
        }
    }
}
