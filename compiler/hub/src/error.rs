//! [`HubError`]: why a model was not fetched, and what to do about it.

use std::error::Error;
use std::fmt;

/// Why a model was not fetched.
#[derive(Debug)]
pub struct HubError {
    what: String,
    /// The error that says so, where another does.
    of: Option<Box<dyn Error + Send + Sync>>,
    place: Option<String>,
    advice: Option<String>,
}

impl HubError {
    /// A failure, in words.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        HubError { what: what.into(), of: None, place: None, advice: None }
    }

    /// What another error says; its causes are this one's.
    pub(crate) fn of(error: impl Error + Send + Sync + 'static) -> Self {
        let what = error.to_string();
        HubError { of: Some(Box::new(error)), ..HubError::new(what) }
    }

    /// Adds where it happened.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Adds what to do.
    pub(crate) fn help(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The file that it is about, where it is about one.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for HubError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.of.as_ref()?.source()
    }
}
