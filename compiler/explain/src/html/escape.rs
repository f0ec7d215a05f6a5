//! [`Text`]: text of a model, such as a name, as text of a page, whatever is in it.

use ocellus_runtime::terminal::is_hidden;
use std::fmt;

/// Text that cannot become markup, in an element or in a quoted attribute.
pub struct Text<T>(pub T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // HTML has no place for control characters; what turns or hides text would do so here too.
                hidden if is_hidden(hidden) => f.write_str("\u{fffd}")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let text = Text("</title><script>alert('x')</script>\0\"&\u{202e}\r").to_string();
        assert_eq!(
            text,
            "&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\u{fffd}&quot;&amp;\u{fffd}\u{fffd}"
        );
    }
}
