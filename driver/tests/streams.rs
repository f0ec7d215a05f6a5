//! The work does not depend on whether somebody reads what a command says. What was asked for on standard output, and
//! cannot be kept, is an error; a reader that has seen enough is none.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{command, goldens, ocellus};

const GOLDEN: &str = "siglip-published-names";

/// A stream on which nothing can be written.
#[derive(Clone, Copy, Debug)]
enum Deaf {
    /// A pipe whose reader is gone: `| head -1`.
    ReaderGone,
    /// `>/dev/full`.
    Full,
    /// `>&-`.
    Closed,
}

const DEAF: [Deaf; 3] = [Deaf::ReaderGone, Deaf::Full, Deaf::Closed];

/// Which streams are deaf: standard output, standard error.
type Streams = (Option<Deaf>, Option<Deaf>);

/// The exit code of `ocellus` with such streams; `None` where a signal ended it.
fn exit_code<S: AsRef<OsStr>>((stdout, stderr): Streams, arguments: &[S]) -> Option<i32> {
    let closed = |stream: Option<Deaf>, number| match stream {
        Some(Deaf::Closed) => format!(" {number}>&-"),
        _ => String::new(),
    };
    let line = format!("exec \"$0\" \"$@\" <&-{}{}", closed(stdout, 1), closed(stderr, 2));
    let mut shell = command("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_ocellus")]).args(arguments);
    shell.stdout(deaf(stdout)).stderr(deaf(stderr));
    shell.spawn().unwrap().wait().unwrap().code()
}

fn deaf(stream: Option<Deaf>) -> Stdio {
    match stream {
        Some(Deaf::ReaderGone) => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer.into()
        }
        Some(Deaf::Full) => OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
        Some(Deaf::Closed) | None => Stdio::null(),
    }
}

fn model() -> std::path::PathBuf {
    goldens().join(GOLDEN).join("model")
}

#[test]
fn nobody_has_to_read_what_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, artifact) = (folder.path().join("expected"), folder.path().join("artifact"));
    let compile = |file: &Path| {
        [OsStr::new("compile"), model().as_os_str(), "-o".as_ref(), file.as_os_str()]
            .map(OsStr::to_os_string)
    };
    ocellus(compile(&expected)).success();
    for stderr in DEAF {
        let streams = (Some(stderr), Some(stderr));
        assert_eq!(exit_code(streams, &compile(&artifact)), Some(0), "{stderr:?}");
        assert_eq!(std::fs::read(&artifact).unwrap(), std::fs::read(&expected).unwrap());
        std::fs::remove_file(&artifact).unwrap();
    }
}

#[test]
fn an_error_keeps_its_exit_code_where_nobody_reads_it() {
    for stderr in DEAF {
        let streams = (None, Some(stderr));
        assert_eq!(exit_code(streams, &["verify", "no/such/folder"]), Some(1), "{stderr:?}");
        assert_eq!(exit_code(streams, &["no-such-command"]), Some(2), "{stderr:?}");
        assert_eq!(exit_code(streams, &[""; 0]), Some(2), "{stderr:?}");
    }
}

#[test]
fn a_result_that_cannot_be_kept_is_an_error_and_a_reader_that_is_gone_is_none() {
    let model = model();
    let model = model.to_str().unwrap();
    let commands: [&[&str]; 9] = [
        &["--help"],
        &["--version"],
        &["compile", "--help"],
        &["doctor"],
        &["doctor", "--json"],
        &["init", "--list"],
        &["explain", model],
        &["explain", model, "--json"],
        &["compile", model, "--emit", "plan"],
    ];
    for command in commands {
        let code = |stdout, stderr| exit_code((Some(stdout), stderr), command);
        assert_eq!(code(Deaf::Full, None), Some(1), "{command:?}");
        assert_eq!(code(Deaf::Full, Some(Deaf::Full)), Some(1), "{command:?}");
        assert_eq!(code(Deaf::ReaderGone, Some(Deaf::ReaderGone)), Some(0), "{command:?}");
        assert_eq!(code(Deaf::Closed, Some(Deaf::Closed)), Some(0), "{command:?}");
    }
}

#[test]
fn a_full_disk_under_standard_output_is_named() {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_ocellus"));
    let output = doctor.arg("doctor").stdout(deaf(Some(Deaf::Full))).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("No space left on device") && text.contains("standard output"), "{text}");
}
