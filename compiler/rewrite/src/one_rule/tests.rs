//! `tests/filetests/rules/*.mlir`: a file a rule, named like it, with a program that it rewrites; and
//! `tests/filetests/conditions/*.mlir`: programs of which it is said why a rule is not used.

use super::example::write_missing;
use super::{Rewritten, apply_rule};
use crate::rule_switches::RuleSwitches;
use crate::rules::{Assumption, Condition, all};
use crate::target_description::TargetDescription;
use ocellus_dialects::venc::Module;
use ocellus_kernels::CpuTarget;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/filetests").join(name)
}

/// The program after what its first line says: `// opt --rule NAME --assume NAME`.
fn rewritten(program: &str) -> String {
    let first = program.lines().next().unwrap();
    let words: Vec<&str> = first.strip_prefix("// opt ").expect(first).split(' ').collect();
    let options = |name| words.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1]);
    let assumptions = options("--assume").map(|name| name.parse::<Assumption>().unwrap());
    let switches = RuleSwitches::default().and_assuming(assumptions);
    let target = TargetDescription::of_cpu(&CpuTarget::X86_64_V4).unwrap();
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

fn compare(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let results: Vec<String> = text.split("// -----\n").map(rewritten).collect();
    let name = path.file_name().unwrap().to_string_lossy();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().unwrap());
    settings.set_prepend_module_to_snapshot(false);
    settings.remove_snapshot_suffix();
    settings.bind(|| insta::assert_snapshot!(name.as_ref(), results.join("\n")));
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
    insta::glob!("../../../../tests/filetests/rules", "*.mlir", compare);
}

/// Two scales are made one, and the third stays: some conditions let a rule be used at a place and not at another.
#[test]
fn every_condition_keeps_a_rule_from_being_used() {
    let folder = folder("conditions");
    for condition in all().flat_map(|(_, rule)| rule.conditions) {
        let path = folder.join(name_of(condition)).with_extension("mlir");
        assert!(path.is_file(), "{condition:?} has no {}", path.display());
    }
    insta::glob!("../../../../tests/filetests/conditions", "*.mlir", compare);
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
