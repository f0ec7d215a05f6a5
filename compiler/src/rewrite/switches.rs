//! [`Switches`]: rules that a user turned off.

use super::error::RewriteError;
use super::rules::{self, Group, Rule};
use std::collections::BTreeSet;

/// Which rules are off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    disabled: BTreeSet<&'static str>,
}

impl Switches {
    /// Turns rules off by name; the name of a group turns off all of it. `implementation` rules may be turned off one
    /// by one, as far as another kernel can do the work.
    pub fn without(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, RewriteError> {
        let mut disabled = BTreeSet::new();
        for name in names {
            let name = name.as_ref().trim();
            let named: Vec<&'static str> = rules::all()
                .filter(|(group, rule)| rule.name == name || group.name() == name)
                .map(|(_, rule)| rule.name)
                .collect();
            if named.is_empty() {
                return Err(RewriteError::UnknownRule {
                    name: name.to_string(),
                    hint: nearest_names(name),
                });
            }
            disabled.extend(named);
        }
        Ok(Switches { disabled })
    }

    /// The rules that are on.
    pub fn enabled(&self) -> impl Iterator<Item = (Group, &'static Rule)> {
        rules::all().filter(|(_, rule)| !self.disabled.contains(rule.name))
    }

    /// The rules that are off.
    pub fn disabled(&self) -> impl Iterator<Item = &'static str> {
        self.disabled.iter().copied()
    }
}

/// The names that need the fewest edits to become `name`.
fn nearest_names(name: &str) -> String {
    let mut names: Vec<(usize, &str)> =
        rules::all().map(|(_, rule)| (edit_distance(name, rule.name), rule.name)).collect();
    names.sort();
    let near: Vec<String> = names.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    format!("near it are {}", near.join(", "))
}

/// Levenshtein's distance: insertions, deletions and substitutions.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_not_there_is_an_error_with_near_names() {
        let error = Switches::without(["merge-qvk"]).unwrap_err().to_string();
        assert!(error.contains("no rule `merge-qvk`") && error.contains("`merge-qkv`"), "{error}");
    }

    #[test]
    fn a_group_turns_off_all_of_its_rules() {
        let switches = Switches::without(["fusion"]).unwrap();
        assert!(switches.enabled().all(|(group, _)| group != Group::Fusion));
        assert!(switches.enabled().any(|(group, _)| group == Group::Implementation));
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "ab"), 2);
    }
}
