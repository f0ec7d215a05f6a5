//! Which texts are names on the hub.

/// Whether a name could be one of the hub: `name` or `owner/name`.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (1..=96).contains(&part.len())
            && part.chars().all(|c| is_word(c) || c == '-' || c == '.')
            && part.starts_with(is_word)
            && part.ends_with(is_word)
    };
    let is_allowed = !text.contains("--") && !text.contains("..") && !text.ends_with(".git");
    is_allowed
        && match text.split_once('/') {
            Some((owner, name)) => part(owner) && part(name),
            None => part(text),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        for name in ["google/siglip-base-patch16-224", "gpt2", "a/b.c_d", "_a/b_"] {
            assert!(is_name(name), "{name}");
        }
        let long = format!("a/{}", "b".repeat(97));
        for path in [
            "./model", "../x/y", "a/b/c", "/abs", "a b", "", "a/", "a/../b", "a..b", "a--b",
            "a.git", "-a", "a-", "a/b.", ".a/b", "é/b", &long,
        ] {
            assert!(!is_name(path), "{path}");
        }
    }
}
