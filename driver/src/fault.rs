//! Finds the rewrite rule that makes a compiled model wrong.

use crate::compilation;
use crate::diagnostic::Diagnostic;
use crate::options::CompileOptions;
use ocellus_compiler::frontend::Model;
use ocellus_compiler::rewrite::{self, Group};
use ocellus_compiler::verify::{Verdict, bisect};
use std::collections::BTreeSet;

/// Compiles again and again with rules switched off, and says which are at fault. `faulty` compiles with those options
/// and says whether the answer is wrong.
pub fn find(
    model: &Model,
    options: &CompileOptions,
    faulty: impl Fn(&CompileOptions) -> Result<bool, Diagnostic>,
) -> Result<String, Diagnostic> {
    let fired = rules_that_fired(model, options)?;
    let without = |rules: &[String]| CompileOptions {
        disable: options.disable.iter().chain(rules).cloned().collect(),
        ..options.clone()
    };
    let verdict = bisect(&switchable(&fired), |rules| {
        eprintln!("without {}", if rules.is_empty() { "nothing".into() } else { rules.join(", ") });
        faulty(&without(rules))
    })?;
    let guilty = match verdict {
        Verdict::Guilty(rules) => rules,
        Verdict::NoFault => return Ok("compiled again, it does not differ".to_string()),
        Verdict::NotSwitchable => lone_implementation(&fired, |rule| faulty(&without(&[rule]))),
    };
    Ok(match &guilty[..] {
        [] => "no rewrite rule is at fault: look at the kernels, the passes and code generation"
            .into(),
        rules => {
            format!("at fault: {}; `--disable {}` leaves it out", rules.join(", "), rules.join(","))
        }
    })
}

fn rules_that_fired(
    model: &Model,
    options: &CompileOptions,
) -> Result<BTreeSet<String>, Diagnostic> {
    let program = compilation::compiler(options)?.lower(model)?;
    let functions = program.reports.iter().flat_map(|report| &report.functions);
    let rules = functions.flat_map(|function| &function.saturation.rules);
    Ok(rules.filter(|(_, rule)| rule.fired > 0).map(|(name, _)| name.to_string()).collect())
}

/// All that fired but the implementations, without which there is no program.
fn switchable(fired: &BTreeSet<String>) -> Vec<String> {
    let rules = rewrite::rules().filter(|(group, _)| *group != Group::Implementation);
    rules.map(|(_, rule)| rule.name.to_string()).filter(|name| fired.contains(name)).collect()
}

/// An implementation without which the answer is right. Where no other kernel can do the work, there is no program, and
/// nothing is known of it.
fn lone_implementation(
    fired: &BTreeSet<String>,
    faulty: impl Fn(String) -> Result<bool, Diagnostic>,
) -> Vec<String> {
    let rules = rewrite::rules().filter(|(group, _)| *group == Group::Implementation);
    let mut names =
        rules.map(|(_, rule)| rule.name.to_string()).filter(|name| fired.contains(name));
    names.find(|name| faulty(name.clone()).is_ok_and(|faulty| !faulty)).into_iter().collect()
}
