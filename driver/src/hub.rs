//! Fetches a model from the hub, with a bar on a terminal.

use crate::diagnostic::Diagnostic;
use indicatif::{ProgressBar, ProgressStyle};
use ocellus::hf::{HubError, Observer};
use ocellus::runtime::terminal::say;
use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The longest file that no bar is shown for, in bytes.
const QUICK: u64 = 1 << 20;

/// The folder that holds the model of that name, fetched where it is not there yet.
pub fn fetch(name: &str) -> Result<PathBuf, Diagnostic> {
    let observer = Bar(RefCell::new(None));
    ocellus::hf::fetch(name, &observer).map_err(diagnostic)
}

fn diagnostic(error: HubError) -> Diagnostic {
    let (place, advice) = (error.place().map(String::from), error.advice().map(String::from));
    let mut diagnostic = Diagnostic::from(error);
    if let Some(place) = place {
        diagnostic = diagnostic.within(place);
    }
    match advice {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}

/// The bar of the file that is coming.
struct Bar(RefCell<Option<ProgressBar>>);

impl Observer for Bar {
    fn downloaded(&self, file: &str, bytes: u64, length: Option<u64>, is_done: bool) {
        let is_long = length.is_some_and(|length| length > QUICK);
        if !is_long || !std::io::stderr().is_terminal() {
            return;
        }
        let mut current = self.0.borrow_mut();
        if is_done {
            if let Some(bar) = current.take() {
                bar.finish_and_clear();
            }
            return;
        }
        current.get_or_insert_with(|| bar(file, length)).set_position(bytes);
    }

    /// A warning is worth a line; where nobody can read it, it is not worth a failure.
    fn warning(&self, text: &str) {
        say(format_args!("warning: {text}"));
    }
}

fn bar(file: &str, length: Option<u64>) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:24} {bytes} of {total_bytes} ({eta})")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style);
    bar.with_message(file.to_string())
}
