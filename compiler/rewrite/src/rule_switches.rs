//! [`RuleSwitches`]: the rules to rewrite with, and which of them a user turned off.

use super::error::RewriteError;
use super::rules::{self, Assumption, Group, Rule};
use std::collections::BTreeSet;

/// The rules to rewrite with, and which of them are off.
#[derive(Clone, Debug)]
pub struct RuleSwitches {
    rules: Vec<(Group, &'static Rule)>,
    disabled: BTreeSet<&'static str>,
    usual_schedules: bool,
    assumptions: BTreeSet<Assumption>,
}

impl Default for RuleSwitches {
    fn default() -> Self {
        RuleSwitches::of(rules::all())
    }
}

impl RuleSwitches {
    /// Those rules, all of them on. The soundness test knows the rules of [`rules`](super::rules) alone.
    pub fn of(rules: impl IntoIterator<Item = (Group, &'static Rule)>) -> Self {
        let rules = rules.into_iter().collect();
        RuleSwitches {
            rules,
            disabled: BTreeSet::new(),
            usual_schedules: false,
            assumptions: BTreeSet::new(),
        }
    }

    /// Every rule of Ocellus, with some turned off: see [`and_without`](Self::and_without).
    pub fn without(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, RewriteError> {
        RuleSwitches::default().and_without(names)
    }

    /// Turns rules off by name; the name of a group turns off all of it. `implementation` rules may be turned off one
    /// by one, as far as another kernel can do the work.
    pub fn and_without(
        mut self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, RewriteError> {
        for name in names {
            let name = name.as_ref().trim();
            let named: Vec<&'static str> = self
                .all()
                .filter(|(group, rule)| rule.name == name || group.name() == name)
                .map(|(_, rule)| rule.name)
                .collect();
            if named.is_empty() {
                return Err(RewriteError::UnknownRule {
                    name: name.to_string(),
                    hint: nearest(name, self.all().map(|(_, rule)| rule.name)),
                });
            }
            self.disabled.extend(named);
        }
        Ok(self)
    }

    /// Gives each launch its default schedule, whatever its size.
    pub fn with_default_schedules(mut self) -> Self {
        self.usual_schedules = true;
        self
    }

    /// Says something of the data, which rules may demand.
    pub fn and_assuming(mut self, assumptions: impl IntoIterator<Item = Assumption>) -> Self {
        self.assumptions.extend(assumptions);
        self
    }

    /// What was said of the data.
    pub fn assumptions(&self) -> &BTreeSet<Assumption> {
        &self.assumptions
    }

    /// Whether each launch has its default schedule.
    pub fn has_default_schedules(&self) -> bool {
        self.usual_schedules
    }

    /// Every rule, on or off.
    pub fn all(&self) -> impl Iterator<Item = (Group, &'static Rule)> + '_ {
        self.rules.iter().copied()
    }

    /// The rules that are on.
    pub fn enabled(&self) -> impl Iterator<Item = (Group, &'static Rule)> + '_ {
        self.all().filter(|(_, rule)| !self.disabled.contains(rule.name))
    }

    /// The rules that are off.
    pub fn disabled(&self) -> impl Iterator<Item = &'static str> {
        self.disabled.iter().copied()
    }
}

/// Of `names`, those that need the fewest edits to become `name`.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<(usize, &str)> =
        names.map(|known| (edit_distance(name, known), known)).collect();
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
        let error = RuleSwitches::without(["merge-qvk"]).unwrap_err().to_string();
        assert!(error.contains("no rule `merge-qvk`") && error.contains("`merge-qkv`"), "{error}");
    }

    #[test]
    fn a_group_turns_off_all_of_its_rules() {
        let switches = RuleSwitches::without(["fusion"]).unwrap();
        assert!(switches.enabled().all(|(group, _)| group != Group::Fusion));
        assert!(switches.enabled().any(|(group, _)| group == Group::Implementation));
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "ab"), 2);
    }
}
