//! Where results go: whole or not at all, in the place of nothing that is read, with the rights of what they replace,
//! and through pipes as through files.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Checkpoint, Outcome, command, goldens, ocellus};

const OCELLUS: &str = env!("CARGO_BIN_EXE_ocellus");
const GOLDEN: &str = "siglip-published-names";

fn model() -> PathBuf {
    goldens().join(GOLDEN).join("model")
}

fn input() -> PathBuf {
    goldens().join(GOLDEN).join("in.safetensors")
}

fn compile(output: &Path) -> Outcome {
    ocellus(["compile".as_ref(), model().as_path(), "-o".as_ref(), output])
}

fn run(subject: &Path, output: &Path) -> Outcome {
    run_on(subject, &input(), output)
}

fn run_on(subject: &Path, input: &Path, output: &Path) -> Outcome {
    ocellus(["run".as_ref(), subject, "--input".as_ref(), input, "-o".as_ref(), output])
}

fn explain(subject: &Path, html: &Path) -> Outcome {
    ocellus(["explain".as_ref(), subject, "--html".as_ref(), html])
}

fn pipe_in(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn no_result_takes_the_place_of_what_is_read() {
    let checkpoint = Checkpoint::of(GOLDEN);
    let (weights, config) = (checkpoint.path("model.safetensors"), checkpoint.path("config.json"));
    let (hard, soft) = (checkpoint.path("hard"), checkpoint.path("soft"));
    std::fs::hard_link(&weights, &hard).unwrap();
    symlink("model.safetensors", &soft).unwrap();
    let (folder, before) = (checkpoint.path(""), std::fs::read(&weights).unwrap());
    let refused = |outcome: Outcome| {
        assert!(!outcome.stderr.contains("choose kernels"), "before the work: {}", outcome.stderr);
        outcome.failure(1, &["which is read: give another"]);
    };
    for output in [&weights, &config, &hard, &soft] {
        refused(ocellus(["compile".as_ref(), folder.as_path(), "-o".as_ref(), output]));
        refused(run(&folder, output));
        refused(explain(&folder, output));
    }
    let artifact = checkpoint.path("a.ocellus");
    ocellus(["compile".as_ref(), folder.as_path(), "-o".as_ref(), &artifact]).success();
    refused(run(&artifact, &artifact));
    refused(explain(&artifact, &artifact));
    let own_input = checkpoint.path("in.safetensors");
    std::fs::copy(input(), &own_input).unwrap();
    refused(run_on(&artifact, &own_input, &own_input));
    assert_eq!(std::fs::read(&weights).unwrap(), before);
    // Another file of the folder is free: an artifact may lie beside its model, and be made anew.
    ocellus(["compile".as_ref(), folder.as_path(), "-o".as_ref(), &artifact]).success();
}

#[test]
fn a_replaced_file_keeps_its_rights_and_a_new_one_has_those_of_any_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let [artifact, page, features] =
        ["artifact", "page.html", "features"].map(|name| folder.path().join(name));
    for path in [&artifact, &page, &features] {
        std::fs::write(path, "old").unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
    }
    compile(&artifact).success();
    explain(&artifact, &page).success();
    run(&artifact, &features).success();
    for path in [&artifact, &page, &features] {
        assert_eq!(mode(path), 0o640, "{}", path.display());
        assert_ne!(std::fs::read(path).unwrap(), b"old");
        std::fs::remove_file(path).unwrap();
    }
    let masked = |words: &[&std::ffi::OsStr]| {
        let mut shell = command("sh");
        shell.args(["-c", "umask 027; exec \"$0\" \"$@\"", OCELLUS]).args(words);
        assert!(shell.stderr(Stdio::null()).status().unwrap().success());
    };
    let model = model();
    masked(&["compile".as_ref(), model.as_ref(), "-o".as_ref(), artifact.as_ref()]);
    masked(&["explain".as_ref(), artifact.as_ref(), "--html".as_ref(), page.as_ref()]);
    assert_eq!([mode(&artifact), mode(&page)], [0o640, 0o640]);
    assert_eq!(entries(folder.path()), ["artifact", "page.html"]);
}

#[test]
fn a_pipe_gets_what_a_file_gets() {
    let folder = tempfile::tempdir().unwrap();
    let [artifact, features, read] =
        ["artifact", "features", "read"].map(|name| folder.path().join(name));
    compile(&artifact).success();
    run(&artifact, &features).success();
    let pipe = pipe_in(folder.path());
    let through_pipe = |work: &dyn Fn(&Path) -> Outcome| {
        let read = std::fs::File::create(&read).unwrap();
        let mut reader = Command::new("cat").arg(&pipe).stdout(read).spawn().unwrap();
        work(&pipe).success();
        assert!(reader.wait().unwrap().success());
    };
    through_pipe(&|pipe| run(&artifact, pipe));
    assert_eq!(std::fs::read(&read).unwrap(), std::fs::read(&features).unwrap());
    through_pipe(&compile);
    assert_eq!(std::fs::read(&read).unwrap(), std::fs::read(&artifact).unwrap());

    let mut to_stdout = command(OCELLUS);
    to_stdout.arg("compile").arg(model()).args(["-o", "/dev/stdout"]);
    let output = to_stdout.output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, std::fs::read(&artifact).unwrap());
}

#[test]
fn a_file_behind_standard_output_is_written_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let [artifact, features, log] =
        ["artifact", "features", "log"].map(|name| folder.path().join(name));
    compile(&artifact).success();
    run(&artifact, &features).success();
    std::fs::write(&log, "before").unwrap();
    let appended = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    let mut run = command(OCELLUS);
    run.arg("run").arg(&artifact).arg("--input").arg(input()).args(["-o", "/dev/stdout"]);
    assert!(run.stdout(appended).stderr(Stdio::null()).status().unwrap().success());
    let expected = [b"before".as_slice(), &std::fs::read(&features).unwrap()].concat();
    assert_eq!(std::fs::read(&log).unwrap(), expected);
}

#[test]
fn inputs_come_through_pipes_and_what_is_mapped_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let [artifact, features, again] =
        ["artifact", "features", "again"].map(|name| folder.path().join(name));
    compile(&artifact).success();
    run(&artifact, &features).success();
    let pipe = pipe_in(folder.path());
    let written = |file: &Path| {
        let line = format!("cat '{}' > '{}'", file.display(), pipe.display());
        Command::new("sh").args(["-c", &line]).spawn().unwrap()
    };
    let mut writer = written(&input());
    run_on(&artifact, &pipe, &again).success();
    writer.wait().unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&features).unwrap());

    let machine = support::workspace_root().join("compiler/rewrite/targets/x86-64-v3.toml");
    let mut writer = written(&machine);
    let model = model();
    // The rates are for one target, which this machine need not be.
    let target = ["--target".as_ref(), Path::new("cpu:x86-64-v3")];
    let words = ["explain".as_ref(), model.as_path(), "--machine".as_ref(), &pipe];
    ocellus(words.into_iter().chain(target)).success();
    writer.wait().unwrap();

    let start = Instant::now();
    run_on(&artifact, &pipe, &again).failure(1, &["nothing writes to this pipe"]);
    assert!(start.elapsed() < Duration::from_secs(60));
    run(&artifact, &pipe).failure(1, &["nothing reads from this pipe"]);
}

#[test]
fn what_is_no_file_is_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let features = folder.path().join("features");
    run_on(&model(), Path::new("/dev/zero"), &features).failure(1, &["no safetensors file"]);
    let zero = ["explain", model().to_str().unwrap(), "--machine", "/dev/zero"].map(str::to_string);
    ocellus(zero).failure(1, &["/dev/zero", "longer than", "ocellus calibrate"]);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn two_tensors_of_one_name_are_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    let entry = r#""pixel_values":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{entry},{entry}}}");
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(&path, [&length, header.as_bytes(), &[0; 4]].concat()).unwrap();
    run_on(&model(), &path, Path::new("/dev/null"))
        .failure(1, &["two tensors of the name `pixel_values`"]);
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_work() {
    let missing = Path::new("/no/such/folder/file");
    for outcome in [compile(missing), run(&model(), missing), explain(&model(), missing)] {
        assert!(!outcome.stderr.contains("load"), "{}", outcome.stderr);
        outcome.failure(1, &["cannot be written", "there is no folder `/no/such/folder`"]);
    }
    ocellus(["calibrate", "-o", "/no/such/folder/file"]).failure(1, &["cannot be written"]);
    run(&model(), Path::new("/dev/full")).failure(1, &["No space left on device"]);
}

/// Starts the command, and sends it a signal when `ready`.
fn stopped(words: &[&std::ffi::OsStr], signal: &str, ready: impl Fn() -> bool) -> Option<i32> {
    let mut started = command(OCELLUS).args(words).stderr(Stdio::null()).spawn().unwrap();
    while !ready() && started.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = started.id().to_string();
    let _ = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status();
    started.wait().unwrap().signal()
}

/// Whether this process, and whatever it starts, ignores a signal.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & (1 << (signal - 1)) != 0
}

#[test]
fn a_command_that_is_stopped_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (new, artifact) = (folder.path().join("new/model"), folder.path().join("artifact"));
    // A job of the background is started with INT ignored, and so would be the command.
    let signals = [("INT", 2), ("TERM", 15), ("HUP", 1)].into_iter();
    for (signal, number) in signals.filter(|(_, number)| !is_ignored(*number)) {
        let words = ["init".as_ref(), "dinov2-giant".as_ref(), new.as_os_str()];
        // While it writes gigabytes.
        let begun = || !entries(folder.path()).is_empty();
        assert_eq!(stopped(&words, signal, begun), Some(number));
        assert!(entries(folder.path()).is_empty(), "{signal}: {:?}", entries(folder.path()));
    }
    let model = model();
    let words = ["compile".as_ref(), model.as_os_str(), "-o".as_ref(), artifact.as_os_str()];
    for milliseconds in [0, 30, 100, 300, 600] {
        let start = Instant::now();
        let later = || start.elapsed() > Duration::from_millis(milliseconds);
        stopped(&words, "KILL", later);
        let left = entries(folder.path());
        assert!(left.is_empty() || left == ["artifact"], "{milliseconds} ms: {left:?}");
        let _ = std::fs::remove_file(&artifact);
    }
}

#[test]
fn names_from_files_do_not_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = folder.path().join("artifact");
    let tag = "evil\u{1b}[2J\u{9b}31m\u{202e}name";
    let model = model();
    let words = ["compile".as_ref(), model.as_os_str(), "-o".as_ref(), artifact.as_os_str()];
    let tagged = words.into_iter().chain(["--tag".as_ref(), tag.as_ref()]);
    ocellus(tagged).success();
    let steers = |text: &str| text.contains(['\u{1b}', '\u{9b}', '\u{202e}']);
    let page = folder.path().join("page");
    explain(&artifact, &page).success();
    assert!(!steers(&std::fs::read_to_string(&page).unwrap()));
    let explained = ocellus(["explain".as_ref(), artifact.as_os_str()]).success();
    assert!(!steers(&explained.stdout), "{}", explained.stdout);
    assert!(explained.stdout.contains("evil\\u{1b}[2J\\u{9b}31m\\u{202e}name"));
    let json = ocellus(["explain".as_ref(), artifact.as_os_str(), "--json".as_ref()]).success();
    assert!(!steers(&json.stdout));
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["model"], tag);

    let evil = folder.path().join("a\u{1b}[2Jb.safetensors");
    let refused = run_on(&artifact, &evil, Path::new("/dev/null"));
    assert!(!steers(&refused.stderr), "{}", refused.stderr);
    refused.failure(1, &["a\\u{1b}[2Jb.safetensors"]);
    let no_command = ocellus(["no\u{1b}[2J\u{202e}command"]);
    assert!(!steers(&no_command.stderr), "{}", no_command.stderr);
    no_command.failure(2, &["Usage: ocellus"]);
}

#[test]
fn numbers_have_bounds_that_are_told() {
    let model = model();
    let model = model.to_str().unwrap();
    for command in ["bench", "verify", "run"] {
        for threads in ["0", "1025", "100000000000000000000", "many"] {
            ocellus([command, model, "--threads", threads]).failure(2, &["1..=1024"]);
        }
    }
    ocellus(["bench", model, "--runs", "1000000000"]).failure(2, &["1..=1000000"]);
    ocellus(["bench", model, "--size", "images=9000000000000000000"])
        .failure(2, &["1..=2147483647"]);
    ocellus(["calibrate", "--threads", "5000"]).failure(2, &["1..=1024"]);
    ocellus(["explain", model, "--range", "images=0..=8"])
        .failure(2, &["`images=MIN..=MAX` with 1 <= MIN <= MAX"]);
}
