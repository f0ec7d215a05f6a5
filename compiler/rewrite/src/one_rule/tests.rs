//! `tests/filetests/rules/*.mlir`: a file a rule, named like it, with a program that it rewrites; and
//! `tests/filetests/conditions/*.mlir`: programs of which it is said why a rule is not used.

use super::example::write_missing;
use super::{Rewritten, apply_rule};
use crate::rule_switches::RuleSwitches;
use crate::rules::{Assumption, Condition, all};
use crate::target_description::TargetDescription;
use ocellus_dialects::venc::Module;
use ocellus_filetests::folder;
use ocellus_kernels::CpuTarget;

/// The program after what its first line says: `// opt --rule NAME --assume NAME`.
fn rewritten(program: &str) -> String {
    let first = program.lines().next().unwrap();
    let words: Vec<&str> = first.strip_prefix("// opt ").expect(first).split(' ').collect();
    let options = |name| words.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1]);
    let assumptions = options("--assume").map(|name| name.parse::<Assumption>().unwrap());
    let switches = RuleSwitches::default().and_assuming(assumptions);
    let target = TargetDescription::of(CpuTarget::X86_64_V4).unwrap();
    let module = Module::parse(program).unwrap();
    let rewritten =
        options("--rule").next().map(|rule| apply_rule(&module, rule, &target, &switches));
    let text = match rewritten.expect(first) {
        Ok(Rewritten::Mathematics(module)) => module.to_string(),
        Ok(Rewritten::Kernels(module)) => module.to_string(),
        Err(error) => format!("error: {error}\n"),
    };
    format!("{first}\n{text}")
}

#[test]
fn every_rule_makes_of_its_start_its_goal() {
    let folder = folder("rules");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        write_missing(&folder);
    }
    for (_, rule) in all() {
        let path = folder.join(rule.name).with_extension("mlir");
        assert!(path.is_file(), "{}: run the test with INSTA_UPDATE=always", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("// opt --rule {}", rule.name)), "{}", path.display());
    }
    ocellus_filetests::run("rules", rewritten);
}

/// Two scales are made one, and the third stays: some conditions let a rule be used at a place and not at another.
#[test]
fn every_condition_keeps_a_rule_from_being_used() {
    let folder = folder("conditions");
    for condition in all().flat_map(|(_, rule)| rule.conditions) {
        let path = folder.join(name_of(condition)).with_extension("mlir");
        assert!(path.is_file(), "{condition:?} has no {}", path.display());
    }
    ocellus_filetests::run("conditions", rewritten);
}

/// `weight-only` of `WeightOnly("?w")`.
fn name_of(condition: &Condition) -> String {
    let text = format!("{condition:?}");
    let mut name = String::new();
    for letter in text.chars().take_while(char::is_ascii_alphabetic) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
