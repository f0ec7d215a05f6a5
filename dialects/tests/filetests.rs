//! Programs of a few lines, `// -----` between them, and beside each file what is said of them: the program as it is
//! printed, or the error. In `tests/filetests/typing` there is a file for each operation of `venc`; in `kernel` and `plan` one
//! for what their texts have.

use ocellus_dialects::{kernel, plan::Plan, venc};

/// The first line of a program that says what it shows, and what becomes of it.
fn verdict(program: &str, said: impl Fn(&str) -> Result<String, String>) -> String {
    let comment = program.lines().find(|line| line.starts_with("// "));
    let verdict = said(program).unwrap_or_else(|error| format!("error: {error}\n"));
    comment.into_iter().chain([verdict.as_str()]).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_operation_takes_what_it_is_for_and_says_what_else_is_wrong() {
    ocellus_filetests::run("typing", |program| {
        verdict(program, |program| {
            let module = venc::Module::parse(program).map_err(|error| error.to_string())?;
            Ok(module.to_string())
        })
    });
}

#[test]
fn launches_take_what_they_are_for_and_say_what_else_is_wrong() {
    ocellus_filetests::run("kernel", |program| {
        verdict(program, |program| {
            let module = kernel::Module::parse(program).map_err(|error| error.to_string())?;
            let text = module.to_string();
            assert_eq!(kernel::Module::parse(&text), Ok(module));
            Ok(text)
        })
    });
}

#[test]
fn plans_are_read_and_what_is_wrong_with_others_is_said() {
    ocellus_filetests::run("plan", |program| {
        verdict(program, |program| {
            let plan = Plan::parse(program).map_err(|error| error.to_string())?;
            let text = plan.to_string();
            assert_eq!(Plan::parse(&text), Ok(plan));
            Ok(text)
        })
    });
}
