//! [`Diagnostic`]: what went wrong, where, and what to do about it.

use std::error::Error;
use std::fmt;

/// An error as a person reads it.
///
/// ```text
/// error: the checkpoint has no tensor `vision_model.post_layernorm.weight`
///   in: models/siglip
///   help: the config asks for 12 layers; is this file of the same model?
/// ```
///
/// It is not an [`Error`] itself, so that every error turns into one by `?`.
#[derive(Debug, PartialEq)]
pub struct Diagnostic {
    what: String,
    places: Vec<String>,
    help: Option<String>,
    /// The exit code: 2 where the command line itself is at fault, 1 otherwise.
    pub exit_code: u8,
}

impl Diagnostic {
    /// The exit code of a command line that is at fault.
    pub const USAGE: u8 = 2;

    /// A failure of the work itself.
    pub fn new(what: impl Into<String>) -> Self {
        Diagnostic { what: what.into(), places: Vec::new(), help: None, exit_code: 1 }
    }

    /// A command line that asks for what cannot be.
    pub fn usage(what: impl Into<String>) -> Self {
        Diagnostic { exit_code: Self::USAGE, ..Diagnostic::new(what) }
    }

    /// Adds where it happened, from the inside out.
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.places.push(place.to_string());
        self
    }

    /// Adds what to do. The innermost advice knows best, so it stays.
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| advice.into());
        self
    }
}

impl<E: Error> From<E> for Diagnostic {
    fn from(error: E) -> Self {
        let mut what = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Some errors repeat their cause in their own text.
            let cause_text = cause.to_string();
            if !what.contains(&cause_text) {
                what = format!("{what}: {cause_text}");
            }
            source = cause.source();
        }
        Diagnostic::new(what)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", indented(&self.what))?;
        for place in &self.places {
            write!(f, "\n  in: {}", indented(place))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", indented(help))?;
        }
        Ok(())
    }
}

/// Later lines stand under the first.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

/// Adds a place or advice to the error of a result.
pub trait Explained<T> {
    /// See [`Diagnostic::within`].
    fn within(self, place: impl fmt::Display) -> Result<T, Diagnostic>;
    /// See [`Diagnostic::help`].
    fn help(self, advice: impl Into<String>) -> Result<T, Diagnostic>;
}

impl<T, E: Into<Diagnostic>> Explained<T> for Result<T, E> {
    fn within(self, place: impl fmt::Display) -> Result<T, Diagnostic> {
        self.map_err(|error| error.into().within(place))
    }

    fn help(self, advice: impl Into<String>) -> Result<T, Diagnostic> {
        self.map_err(|error| error.into().help(advice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_from_what_to_where_to_help() {
        let diagnostic = Diagnostic::new("the header is cut short\nafter 8 bytes")
            .within("model.safetensors")
            .within("models/siglip")
            .help("fetch it again")
            .help("never shown");
        let expected = "error: the header is cut short\n    after 8 bytes\n  in: model.safetensors\n  in: models/siglip\n  \
                        help: fetch it again";
        assert_eq!(diagnostic.to_string(), expected);
        assert_eq!(diagnostic.exit_code, 1);
        assert_eq!(Diagnostic::usage("no").exit_code, 2);
    }

    #[test]
    fn tells_the_causes_of_an_error_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the config cannot be read")]
        struct Outer(#[source] std::num::ParseIntError);
        let Err(cause) = "x".parse::<i32>() else { panic!("x is no number") };
        let text = Diagnostic::from(Outer(cause)).to_string();
        assert_eq!(text, "error: the config cannot be read: invalid digit found in string");
    }
}
