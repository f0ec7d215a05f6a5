//! What a command says: what was asked for on standard output, everything else on standard error.
//!
//! The work never depends on whether somebody listens. What standard error cannot take is lost without a word, and a
//! reader of standard output that has seen enough (`ocellus explain MODEL | head -1`) is no error. An output that cannot
//! be kept, as on a full disk, is one. A stream that is closed when the command starts is `/dev/null` to it.
//!
//! Names and texts come from models, artifacts and configs, so what is meant for people is shown with control characters
//! made [`Visible`]: no file can move the cursor, hide a line, or write from right to left.

use std::fmt::{self, Display, Write as _};
use std::io::{ErrorKind, IsTerminal, Write};

/// Prints text for people on standard output.
///
/// # Errors
/// Where standard output cannot be written; a reader that is gone is none.
pub fn print(text: &str) -> std::io::Result<()> {
    write_out(&Visible(text).to_string())
}

/// Prints text for programs on standard output, byte for byte; on a terminal as [`print`] does.
///
/// # Errors
/// As [`print`].
pub fn print_exactly(text: &str) -> std::io::Result<()> {
    if std::io::stdout().is_terminal() { print(text) } else { write_out(text) }
}

/// Says a line on standard error. That nobody can read it changes nothing.
pub fn say(line: impl Display) {
    // In one piece, so that lines of several processes do not mix.
    let line = format!("{}\n", Visible(line));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// What became of text for standard output: that its reader has gone away is no error.
///
/// # Errors
/// Every other error of the stream.
pub fn heard(outcome: std::io::Result<()>) -> std::io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn write_out(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    heard(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Text with its control characters as `\u{1b}`. Line breaks and tabs stay.
pub struct Visible<T>(pub T);

impl<T: Display> Display for Visible<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            if is_hidden(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Whether a terminal obeys a character rather than shows it: control characters, and those that Unicode has for the
/// direction, the joining and the tagging of text.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        let visible = |text: &str| Visible(text).to_string();
        assert_eq!(visible("\x1b[31mred\x1b[0m"), "\\u{1b}[31mred\\u{1b}[0m");
        // The same sequence as one byte of C1, a right-to-left override, a title, a line overwritten.
        assert_eq!(visible("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(visible("gnp.\u{202e}exe"), "gnp.\\u{202e}exe");
        assert_eq!(visible("\x1b]0;x\x07"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(visible("error\rfine\0\x7f"), "error\\u{d}fine\\u{0}\\u{7f}");
        assert_eq!(visible("a\u{2028}b\u{200b}\u{e0041}"), "a\\u{2028}b\\u{200b}\\u{e0041}");
    }

    #[test]
    fn text_stays_text() {
        for text in ["layers.0\n\tattention", "größe, 高さ, μs, ×, 👁"] {
            assert_eq!(Visible(text).to_string(), text);
        }
    }

    #[test]
    fn only_a_reader_that_is_gone_is_no_error() {
        assert!(heard(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(heard(Err(ErrorKind::StorageFull.into())).is_err());
        assert!(heard(Ok(())).is_ok());
    }
}
