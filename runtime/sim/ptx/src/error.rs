//! Where in a text something is, and what is wrong there.

/// A place in a text, both counted from one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text is not PTX that can be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{position}: {message}")]
pub struct ParseError {
    /// Where it was noticed.
    pub position: Position,
    /// What is wrong, in words.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }
}
