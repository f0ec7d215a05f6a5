//! [`Switches`]: what of a compilation may be left out by name, to be without it or to see whether it is at fault.

use crate::error::CompileError;
use ocellus_rewrite::{self as rewrite, RewriteError};
use std::collections::BTreeSet;

/// A pass that a compilation can do without: the program is as right, and slower or larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// A symbol of one value becomes that value.
    Specialize,
    /// The range is cut into pieces; without, one program serves all of it.
    CutRange,
    /// Each launch gets the schedule that suits its size; without, the default.
    ChooseSchedules,
    /// Intermediates take turns in the buffers of the arena; without, each has its own.
    ShareBuffers,
    /// LLVM optimizes the kernels; without, only its backend sees them.
    OptimizeCode,
    /// NVIDIA's assembler, where it is found, makes machine code of the kernels for a GPU; without, the driver does when it
    /// loads them.
    Assemble,
}

impl Pass {
    /// Every pass, in the order in which they run.
    pub const ALL: [Pass; 6] = [
        Pass::Specialize,
        Pass::CutRange,
        Pass::ChooseSchedules,
        Pass::ShareBuffers,
        Pass::OptimizeCode,
        Pass::Assemble,
    ];

    /// The name that `--disable` takes.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Specialize => "specialize",
            Pass::CutRange => "cut-range",
            Pass::ChooseSchedules => "choose-schedules",
            Pass::ShareBuffers => "share-buffers",
            Pass::OptimizeCode => "optimize-code",
            Pass::Assemble => "assemble",
        }
    }

    /// The pass of that name.
    pub fn from_name(name: &str) -> Option<Pass> {
        Pass::ALL.into_iter().find(|pass| pass.name() == name)
    }
}

/// The rules and passes of a compilation, and which of them are off.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    rules: rewrite::RuleSwitches,
    off: BTreeSet<Pass>,
}

impl Switches {
    /// Those rules, and every pass.
    pub fn of(rules: rewrite::RuleSwitches) -> Self {
        Switches { rules, off: BTreeSet::new() }
    }

    /// Everything that Ocellus has, with some turned off: see [`and_without`](Self::and_without).
    pub fn without(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, CompileError> {
        Switches::default().and_without(names)
    }

    /// Turns off rules, groups of rules and passes by name.
    pub fn and_without(
        mut self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, CompileError> {
        for name in names {
            let name = name.as_ref().trim();
            if let Some(pass) = Pass::from_name(name) {
                self.off.insert(pass);
                continue;
            }
            self.rules = self.rules.and_without([name]).map_err(|error| match error {
                RewriteError::UnknownRule { name, .. } => unknown(name),
                other => other.into(),
            })?;
        }
        if !self.is_on(Pass::ChooseSchedules) {
            self.rules = self.rules.with_default_schedules();
        }
        Ok(self)
    }

    /// The rewrite rules.
    pub fn rules(&self) -> &rewrite::RuleSwitches {
        &self.rules
    }

    /// Whether a pass runs.
    pub fn is_on(&self, pass: Pass) -> bool {
        !self.off.contains(&pass)
    }

    /// The passes that are left out.
    pub fn passes_off(&self) -> impl Iterator<Item = Pass> {
        self.off.iter().copied()
    }
}

fn unknown(name: String) -> CompileError {
    let rules = rewrite::rules().map(|(_, rule)| rule.name);
    let hint = rewrite::nearest(&name, rules.chain(Pass::ALL.map(Pass::name)));
    CompileError::UnknownSwitch { name, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_groups_and_passes_are_turned_off_by_name() {
        let switches = Switches::without(["share-buffers", "fusion", "merge-qkv"]).unwrap();
        assert!(!switches.is_on(Pass::ShareBuffers) && switches.is_on(Pass::Specialize));
        assert!(switches.rules().disabled().any(|rule| rule == "merge-qkv"));
        assert!(switches.rules().disabled().count() > 3);
    }

    #[test]
    fn of_an_unknown_name_the_nearest_are_said_of_both_kinds() {
        for (wrong, near) in [("merge-qvk", "`merge-qkv`"), ("shared-buffers", "`share-buffers`")] {
            let error = Switches::without([wrong]).unwrap_err().to_string();
            assert!(error.contains(&format!("no rule or pass `{wrong}`")), "{error}");
            assert!(error.contains(near), "{error}");
        }
    }
}
