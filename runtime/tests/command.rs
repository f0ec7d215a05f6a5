//! `ocellus-run`, as a user runs it.

mod support;

use ocellus_runtime::{HostTensor, read_tensors, write_tensors};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{expected, input, write_artifact};
use tempfile::TempDir;

const OCELLUS_RUN: &str = env!("CARGO_BIN_EXE_ocellus-run");

/// A folder with an artifact and inputs for it.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new(rows: usize) -> Self {
        let case = Case { folder: tempfile::tempdir().expect("a temporary folder") };
        write_artifact(&case.path("artifact"));
        case.write_input("x", input(rows));
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_input(&self, name: &str, tensor: HostTensor) {
        write_tensors(&self.path("in"), &[(name.to_string(), tensor)]).expect("a writable folder");
    }

    /// `ocellus-run artifact --input in --output out`, and more.
    fn run(&self, more: &[&str]) -> Output {
        run(&self.path("artifact"), &self.path("in"), &self.path("out"), more)
    }

    /// The error of a run that must fail in an orderly way.
    fn error(&self, more: &[&str]) -> String {
        let text = orderly_error(&self.run(more));
        assert!(!self.path("out").exists());
        text
    }
}

fn run(artifact: &Path, input: &Path, output: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(OCELLUS_RUN);
    command.arg(artifact).arg("--input").arg(input).arg("--output").arg(output).args(more);
    command.output().expect("the binary starts")
}

fn orderly_error(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code == 1 || code == 2), "{text}");
    assert!(text.starts_with("error: ") && !text.contains("panicked"), "{text}");
    text
}

#[test]
fn runs_an_artifact() {
    for more in [&[][..], &["--threads", "2"], &["--profile"], &["--copy-weights"]] {
        let case = Case::new(40);
        let output = case.run(more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        let outputs = read_tensors(&case.path("out"), |_| false).expect("a safetensors file");
        assert_eq!(outputs["y"].data, expected(&input(40)).1);
        assert_eq!(text.contains("scale_rows  scaled"), more == ["--profile"], "{text}");
    }
}

#[test]
fn needs_no_llvm() {
    let output = Command::new("ldd").arg(OCELLUS_RUN).output().expect("ldd");
    let libraries = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(libraries.contains("libc.so"), "{libraries}");
    for foreign in ["llvm", "mlir", "python", "cuda"] {
        assert!(!libraries.contains(foreign), "{libraries}");
    }
}

#[test]
fn the_command_line_is_checked() {
    let case = Case::new(1);
    for threads in ["0", "1025", "99999999999999999999", "two"] {
        let text = case.error(&["--threads", threads]);
        assert!(text.contains("give a number of threads in 1..=1024"), "{text}");
    }
    assert!(case.error(&["--nonsense"]).contains("invalid option '--nonsense'"));
    assert!(case.error(&["another"]).contains("another"));
    let nothing = Command::new(OCELLUS_RUN).output().expect("the binary starts");
    // Once, and not as its own cause.
    assert_eq!(orderly_error(&nothing).matches("ARTIFACT is missing").count(), 1);
    let help = Command::new(OCELLUS_RUN).arg("--help").output().expect("the binary starts");
    assert!(help.status.success() && help.stdout.starts_with(b"Usage: ocellus-run"));
}

#[test]
fn what_has_no_meaning_is_no_word_to_pass_over() {
    let case = Case::new(1);
    for twice in [&["--input", "in"][..], &["--runs", "1", "--runs", "2"]] {
        let text = case.error(twice);
        assert!(text.contains(&format!("`{}` is given twice", twice[0])), "{text}");
    }
    let text = case.error(&["--on-device"]);
    assert!(text.contains("say how many to make by `--runs`"), "{text}");
    let text = case.error(&["--devices"]);
    assert!(text.contains("leave out `ARTIFACT`, `--input`, `--output`"), "{text}");
    let artifact = case.path("artifact");
    for run_only in [
        &["--on-device"][..],
        &["--copy-weights"],
        &["--profile"],
        &["--runs", "1"],
        &["--input", "in"],
    ] {
        let mut command = Command::new(OCELLUS_RUN);
        let tuned = command.arg("tune").arg(&artifact).args(run_only);
        let text = orderly_error(&tuned.output().expect("the binary starts"));
        assert!(text.contains(&format!("leave out `{}`", run_only[0])), "{text}");
    }
}

#[test]
fn inputs_outside_the_range_are_explained() {
    let text = Case::new(65).error(&[]);
    assert!(text.contains("`rows` = 65") && text.contains("--range rows=1..=65"), "{text}");
    // `--range` takes no 0.
    let text = Case::new(0).error(&[]);
    assert!(text.contains("`rows` = 0") && text.contains("at least 1"), "{text}");
    assert!(!text.contains("--range"), "{text}");
}

#[test]
fn inputs_of_another_name_are_explained() {
    let case = Case::new(1);
    case.write_input("pixels", input(1));
    let text = case.error(&[]);
    assert!(text.contains("no input `pixels`: it takes `x` [rows, 4]"), "{text}");
}

#[test]
fn files_that_are_missing_or_damaged_are_named() {
    let case = Case::new(1);
    std::fs::write(case.path("in"), b"\x10\0\0\0\0\0\0\0{}").expect("a writable folder");
    assert!(case.error(&[]).contains("damaged, or no safetensors file"));
    // What repeats its cause is said once.
    std::fs::write(case.path("in"), b"\x02\0\0\0\0\0\0\0{ ").expect("a writable folder");
    assert_eq!(case.error(&[]).matches("EOF while parsing").count(), 1);
    std::fs::remove_file(case.path("in")).expect("the input");
    assert!(case.error(&[]).contains("cannot read the tensors"));

    let mut artifact = std::fs::read(case.path("artifact")).expect("the artifact");
    *artifact.last_mut().expect("bytes") ^= 1;
    std::fs::write(case.path("artifact"), &artifact).expect("a writable folder");
    assert!(case.error(&[]).contains("the section `weight` is damaged"));
    artifact.truncate(1000);
    std::fs::write(case.path("artifact"), &artifact).expect("a writable folder");
    assert!(case.error(&[]).contains("the header is damaged, or this is not a safetensors file"));
    std::fs::write(case.path("artifact"), b"").expect("a writable folder");
    assert!(case.error(&[]).contains("not a safetensors file"));
    std::fs::remove_file(case.path("artifact")).expect("the artifact");
    assert!(case.error(&[]).contains("cannot read the artifact"));
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let case = Case::new(1);
    let nowhere = case.path("no/such/folder/out");
    let output = run(&case.path("artifact"), &case.path("in"), &nowhere, &[]);
    let text = orderly_error(&output);
    assert!(text.contains("cannot write the tensors to") && text.contains("caused by:"), "{text}");
}

#[test]
fn outputs_take_the_place_of_nothing_that_is_read() {
    let case = Case::new(1);
    let before = std::fs::read(case.path("artifact")).expect("the artifact");
    for own in ["artifact", "in"] {
        let text =
            orderly_error(&run(&case.path("artifact"), &case.path("in"), &case.path(own), &[]));
        assert!(text.contains("which is read: give another"), "{text}");
    }
    assert_eq!(std::fs::read(case.path("artifact")).expect("the artifact"), before);
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_has_to_read_what_is_said() {
    use std::process::Stdio;
    let case = Case::new(4);
    let full = || Stdio::from(std::fs::File::create("/dev/full").expect("Linux has it"));
    let mut command = Command::new(OCELLUS_RUN);
    command.arg(case.path("artifact")).arg("--input").arg(case.path("in")).arg("--profile");
    command.arg("--output").arg(case.path("out")).stderr(full());
    assert!(command.status().expect("the binary starts").success());
    assert!(case.path("out").exists());
    let help = Command::new(OCELLUS_RUN).arg("--help").stdout(full()).output();
    let help = help.expect("the binary starts");
    assert_eq!(help.status.code(), Some(1), "the help that was asked for is lost");
    let mut wrong = Command::new(OCELLUS_RUN);
    assert_eq!(wrong.stderr(full()).status().expect("the binary starts").code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn outputs_go_through_pipes_and_artifacts_do_not() {
    let case = Case::new(4);
    assert!(case.run(&[]).status.success());
    let to_stdout = run(&case.path("artifact"), &case.path("in"), Path::new("/dev/stdout"), &[]);
    assert!(to_stdout.status.success());
    assert_eq!(to_stdout.stdout, std::fs::read(case.path("out")).expect("the output"));

    let pipe = case.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let text = orderly_error(&run(&pipe, &case.path("in"), &case.path("again"), &[]));
    assert!(text.contains("read out of order: write it to a file first"), "{text}");
}
