//! Programs of a few lines, `// -----` between them, and beside each file what is said of them: the program as it is
//! printed, or the error. In `tests/filetests/typing` there is a file for each operation of `venc`; in `kernel` and `plan` one
//! for what their texts have.

use ocellus_dialects::{kernel, plan::Plan, venc};
use std::path::Path;

/// What stands between two programs of a file, as in MLIR's own tests.
const SPLIT: &str = "// -----\n";

/// Holds what is said of the programs of a file against its snapshot.
fn compare(path: &Path, said: impl Fn(&str) -> Result<String, String>) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    let verdicts: Vec<String> = text.split(SPLIT).map(|program| verdict(program, &said)).collect();
    let name = path.file_name().expect("a file has a name").to_string_lossy();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().expect("a file is in a folder"));
    settings.set_prepend_module_to_snapshot(false);
    settings.remove_snapshot_suffix();
    settings.bind(|| insta::assert_snapshot!(name.as_ref(), verdicts.join("\n")));
}

/// The first line of a program that says what it shows, and what becomes of it.
fn verdict(program: &str, said: impl Fn(&str) -> Result<String, String>) -> String {
    let comment = program.lines().find(|line| line.starts_with("// "));
    let verdict = said(program).unwrap_or_else(|error| format!("error: {error}\n"));
    comment.into_iter().chain([verdict.as_str()]).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_operation_takes_what_it_is_for_and_says_what_else_is_wrong() {
    insta::glob!("../../tests/filetests/typing", "*.mlir", |path| {
        compare(path, |program| {
            let module = venc::Module::parse(program).map_err(|error| error.to_string())?;
            Ok(module.to_string())
        });
    });
}

#[test]
fn launches_take_what_they_are_for_and_say_what_else_is_wrong() {
    insta::glob!("../../tests/filetests/kernel", "*.mlir", |path| {
        compare(path, |program| {
            let module = kernel::Module::parse(program).map_err(|error| error.to_string())?;
            let text = module.to_string();
            assert_eq!(kernel::Module::parse(&text), Ok(module));
            Ok(text)
        });
    });
}

#[test]
fn plans_are_read_and_what_is_wrong_with_others_is_said() {
    insta::glob!("../../tests/filetests/plan", "*.mlir", |path| {
        compare(path, |program| {
            let plan = Plan::parse(program).map_err(|error| error.to_string())?;
            let text = plan.to_string();
            assert_eq!(Plan::parse(&text), Ok(plan));
            Ok(text)
        });
    });
}
