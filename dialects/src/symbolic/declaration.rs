//! Symbols as text: `images in 1..=32`, `height in 16..=512 step 16`, `rows = height floordiv 16`.

use super::{Definition, Dim, Symbol, SymbolError, SymbolRange, Symbols};
use std::fmt;

/// A text that declares no symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSymbolError {
    /// Words in another order.
    #[error(
        "`{0}` declares no symbol: write `images in 1..=32`, `height in 16..=512 step 16` or \
         `rows = height floordiv 16`"
    )]
    Syntax(String),
    /// A declaration that the symbols do not take.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
}

/// A symbol and what it is.
pub struct Declaration<'a>(pub &'a Symbol, pub &'a Definition);

impl fmt::Display for Declaration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Declaration(symbol, definition) = self;
        match definition {
            Definition::Free(range) => write!(f, "{symbol} in {range}"),
            Definition::FloorDiv { numerator, divisor } => {
                write!(f, "{symbol} = {numerator} floordiv {divisor}")
            }
        }
    }
}

impl Symbols {
    /// Every declaration, in order.
    pub fn declarations(&self) -> impl Iterator<Item = Declaration<'_>> {
        self.iter().map(|(symbol, definition)| Declaration(symbol, definition))
    }

    /// Declares what a text says: what [`Declaration`] displays.
    pub fn declare_text(&mut self, text: &str) -> Result<Dim, ParseSymbolError> {
        let syntax = || ParseSymbolError::Syntax(text.to_string());
        if let Some((name, range)) = text.split_once(" in ") {
            let range = parse_range(range).ok_or_else(syntax)?;
            return Ok(self.declare(name.trim(), range)?);
        }
        let (name, quotient) = text.split_once('=').ok_or_else(syntax)?;
        let (numerator, divisor) = quotient.split_once(" floordiv ").ok_or_else(syntax)?;
        let numerator = numerator.parse().map_err(|_| syntax())?;
        let divisor = divisor.trim().parse().map_err(|_| syntax())?;
        Ok(self.declare_floor_div(name.trim(), numerator, divisor)?)
    }
}

fn parse_range(text: &str) -> Option<SymbolRange> {
    let (bounds, step) = match text.split_once(" step ") {
        Some((bounds, step)) => (bounds, step.trim().parse().ok()?),
        None => (text, 1),
    };
    let (min, max) = bounds.split_once("..=")?;
    Some(SymbolRange { min: min.trim().parse().ok()?, max: max.trim().parse().ok()?, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_read_back() {
        let texts = ["images in 1..=32", "height in 16..=512 step 16", "rows = height floordiv 16"];
        let mut symbols = Symbols::default();
        for text in texts {
            symbols.declare_text(text).unwrap();
        }
        let displayed: Vec<String> = symbols.declarations().map(|d| d.to_string()).collect();
        assert_eq!(displayed, texts);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("images", "`images` declares no symbol: write `images in 1..=32`"),
            ("images in 1..32", "declares no symbol"),
            ("images in 5..=3", "the range 5..=3 of the symbol `images` is empty"),
            ("rows = height floordiv 16", "`rows` is defined by undeclared symbols"),
            ("9x in 1..=2", "`9x` is no name for a symbol"),
        ] {
            let error = Symbols::default().declare_text(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
