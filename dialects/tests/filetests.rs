//! `tests/filetests/typing/*.mlir`: a file an operation, with right and wrong uses of it, `// -----` between them. Beside each
//! stands what is said: the program as it is printed, or the error.

use ocellus_dialects::venc::Module;

/// What stands between two programs of a file, as in MLIR's own tests.
const SPLIT: &str = "// -----\n";

/// The first line of a program that says what it shows, and what becomes of it.
fn verdict(program: &str) -> String {
    let comment = program.lines().find(|line| line.starts_with("// "));
    let verdict = match Module::parse(program) {
        Ok(module) => module.to_string(),
        Err(error) => format!("error: {error}\n"),
    };
    comment.into_iter().chain([verdict.as_str()]).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_operation_takes_what_it_is_for_and_says_what_else_is_wrong() {
    insta::glob!("../../tests/filetests/typing", "*.mlir", |path| {
        let text = std::fs::read_to_string(path).expect("the file is there");
        let verdicts: Vec<String> = text.split(SPLIT).map(verdict).collect();
        let name = path.file_name().expect("a file has a name").to_string_lossy();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../tests/filetests/typing");
        settings.set_prepend_module_to_snapshot(false);
        settings.remove_snapshot_suffix();
        settings.bind(|| insta::assert_snapshot!(name.as_ref(), verdicts.join("\n")));
    });
}
