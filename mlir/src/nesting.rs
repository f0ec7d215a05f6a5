//! How deep the brackets of a text nest. MLIR's parser recurses on them and has no limit of its own, so a hostile text
//! of a hundred thousand brackets would end the process.

/// More than any module of ours has; less than what overflows a stack.
pub(super) const LIMIT: usize = 100;

/// Whether brackets nest deeper than [`LIMIT`] somewhere. Strings and comments are skipped as MLIR's lexer does.
pub(super) fn is_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    // One depth for each kind of bracket, so that one closed wrongly cannot hide one left open.
    let mut depths = [0usize; 4];
    let mut position = 0;
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'"' => position = end_of_string(bytes, position + 1),
            b'/' if bytes.get(position + 1) == Some(&b'/') => {
                position = end_of_line(bytes, position)
            }
            // An arrow is no bracket.
            b'-' if bytes.get(position + 1) == Some(&b'>') => position += 1,
            _ => {
                if let Some(kind) = b"([{<".iter().position(|open| open == byte) {
                    depths[kind] += 1;
                } else if let Some(kind) = b")]}>".iter().position(|close| close == byte) {
                    depths[kind] = depths[kind].saturating_sub(1);
                }
            }
        }
        if depths.iter().any(|depth| *depth > LIMIT) {
            return true;
        }
        position += 1;
    }
    false
}

/// The position of the quote that ends a string; a string does not go past its line.
fn end_of_string(bytes: &[u8], mut position: usize) -> usize {
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'"' | b'\n' => break,
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    position
}

fn end_of_line(bytes: &[u8], position: usize) -> usize {
    bytes[position..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |end| position + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_open_brackets_of_one_kind() {
        assert!(!is_too_deep(&"[".repeat(LIMIT)));
        assert!(is_too_deep(&"[".repeat(LIMIT + 1)));
        assert!(is_too_deep(&"<->".repeat(LIMIT + 1)));
        assert!(!is_too_deep(&"[]".repeat(LIMIT + 1)));
        assert!(!is_too_deep(&"() -> ".repeat(LIMIT + 1)));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert!(!is_too_deep(&format!("\"{}\\\"[\"", "[".repeat(LIMIT))));
        assert!(!is_too_deep(&format!("// {}", "[".repeat(2 * LIMIT))));
        assert!(is_too_deep(&"\"]\" [".repeat(LIMIT + 1)));
        assert!(is_too_deep(&"// ]\n [".repeat(LIMIT + 1)));
    }
}
