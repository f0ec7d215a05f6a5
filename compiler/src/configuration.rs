//! [`CompilationConfig`]: what a compilation is asked for, beyond the model and the target.

use ocellus_rewrite::{Assumption, TargetDescription};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// What a compilation is asked for. Everything unset follows from the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompilationConfig {
    /// The name under which caches and reports know the model's component, such as `siglip.vision`.
    pub tag: Option<String>,
    /// The sizes of each symbol, by its name; a symbol that is not here keeps the model's own range.
    pub ranges: BTreeMap<String, RangeInclusive<i64>>,
    /// Rewrite rules and passes that are switched off, by name: see [`Switches`](crate::Switches).
    pub disabled: BTreeSet<String>,
    /// What is said of the data that the model will see, which some rules demand.
    pub assumptions: BTreeSet<Assumption>,
    /// The rates that kernels are chosen by; those of a machine like the target where it is unset.
    pub machine: Option<TargetDescription>,
    /// The most schedules of a launch that are compiled: the one that the rates choose, and others that may be faster.
    /// 0 is 1.
    pub schedules: usize,
}

impl CompilationConfig {
    /// A configuration that starts as `parent`: a vision tower that overrides only what differs from its text model.
    /// The tag is not inherited, since it names one component.
    pub fn inherit(parent: &CompilationConfig) -> Self {
        CompilationConfig { tag: None, ..parent.clone() }
    }

    /// Sets the range of a symbol.
    pub fn range(mut self, symbol: &str, range: RangeInclusive<i64>) -> Self {
        self.ranges.insert(symbol.to_string(), range);
        self
    }

    /// Switches a rewrite rule, a group of them, or a pass off.
    pub fn disable(mut self, name: &str) -> Self {
        self.disabled.insert(name.to_string());
        self
    }

    /// Says something of the data that the model will see.
    pub fn assume(mut self, assumption: Assumption) -> Self {
        self.assumptions.insert(assumption);
        self
    }

    /// Sets the rates that kernels are chosen by.
    pub fn machine(mut self, machine: TargetDescription) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Sets the most schedules of a launch.
    pub fn schedules(mut self, most: usize) -> Self {
        self.schedules = most;
        self
    }

    /// Sets the tag.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = Some(tag.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_overrides_only_what_differs() {
        let text =
            CompilationConfig::default().tag("text").range("images", 1..=8).disable("merge-qkv");
        let vision = CompilationConfig::inherit(&text).range("images", 1..=32);
        assert_eq!(vision.ranges["images"], 1..=32);
        assert!(vision.disabled.contains("merge-qkv"));
        assert_eq!(vision.tag, None);
    }
}
