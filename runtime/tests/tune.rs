//! `ocellus-run tune`: the fastest schedules are found, remembered, and used by whoever loads the artifact on the same
//! machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod support;

use ocellus_runtime::tuning::TuningFile;
use ocellus_runtime::{HostTensor, Options, Session};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{contents, expected, input, plan, plan_with_schedules, write_artifact_of};
use tempfile::TempDir;

/// A folder with an artifact whose launches have two schedules.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        write_artifact_of(&case.artifact(), contents(plan_with_schedules()));
        case
    }

    fn artifact(&self) -> PathBuf {
        self.folder.path().join("artifact")
    }

    /// What is remembered.
    fn tuning(&self) -> PathBuf {
        TuningFile::path_for(&self.artifact())
    }

    fn tune(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocellus-run"));
        command
            .arg("tune")
            .arg(self.artifact())
            .args(["--threads", "2"])
            .args(more)
            .output()
            .unwrap()
    }

    fn tuned(&self, more: &[&str]) -> String {
        let output = self.tune(more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn error(&self, more: &[&str]) -> String {
        let output = self.tune(more);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains("error: "), "{text}");
        text
    }

    fn load(&self, threads: usize) -> Session {
        let options = Options { threads, ..Options::default() };
        // SAFETY: the kernels are what their signatures say, and nobody else writes into the file.
        unsafe { Session::load(&self.artifact(), options) }.unwrap()
    }
}

/// The kernels that a session runs at so many rows, whose answers are right.
fn kernels(session: &Session, rows: usize) -> Vec<String> {
    let input = input(rows);
    let (outputs, times) = session.run_profiled(&[("x", &input)]).unwrap();
    assert_eq!(outputs[0].1.data, expected(&input).1);
    times.into_iter().map(|time| time.symbol).collect()
}

#[test]
fn the_fastest_schedule_is_found_and_remembered() {
    let case = Case::new();
    assert_eq!(kernels(&case.load(2), 8)[0], "scale_rows_slowly");
    let table = case.tuned(&[]);
    assert!(table.contains("  scale_rows\n") && table.contains("rows=1; "), "{table}");
    for rows in [1, 32, 33, 64] {
        assert_eq!(kernels(&case.load(2), rows)[0], "scale_rows");
    }
    // Another number of threads is another machine.
    let other = case.load(1);
    assert!(other.notes()[0].contains("has no tuning for"), "{:?}", other.notes());
    assert_eq!(kernels(&other, 8)[0], "scale_rows_slowly");
}

#[test]
fn a_part_of_the_range_that_was_not_measured_keeps_the_compilers_schedules() {
    let case = Case::new();
    case.tuned(&["--size", "rows=8"]);
    let session = case.load(2);
    assert_eq!(kernels(&session, 8)[0], "scale_rows");
    assert_eq!(kernels(&session, 64)[0], "scale_rows_slowly");
}

#[test]
fn a_session_goes_on_with_what_it_measured() {
    let case = Case::new();
    let mut session = case.load(2);
    let inputs = [input(3), input(50)];
    let calls: Vec<Vec<(&str, &HostTensor)>> = inputs.iter().map(|x| vec![("x", x)]).collect();
    let (tuning, launches) = session.tune(&calls).unwrap();
    assert_eq!(tuning.schedules, [[1, 0, 0], [1, 0, 0]]);
    assert_eq!(launches.len(), 2);
    assert!(launches.iter().all(|launch| launch.chosen == 1 && launch.launches == 1));
    assert_eq!(kernels(&session, 3)[0], "scale_rows");
    // A call that cannot be measured leaves a session that runs.
    let stranger = input(65);
    session.tune(&[vec![("x", &stranger)]]).unwrap_err();
    assert_eq!(kernels(&session, 3)[0], "scale_rows_slowly");
}

#[test]
fn what_cannot_be_tuned_is_told() {
    let case = Case::new();
    assert!(case.error(&["--size", "columns=8"]).contains("no symbol `columns`"));
    assert!(case.error(&["--size", "rows=many"]).contains("is no size"));
    assert!(case.error(&["--size", "rows=65"]).contains("rows"));
    assert!(case.error(&["--runs", "3"]).contains("leave out"));
    assert!(!case.tuning().exists());
    write_artifact_of(&case.artifact(), contents(plan()));
    assert!(case.error(&[]).contains("ocellus compile --schedules"));
}

#[test]
fn a_tuning_of_another_artifact_is_not_used() {
    let case = Case::new();
    case.tuned(&["--size", "rows=8"]);
    let mut other = plan_with_schedules();
    other.programs.pop();
    other.pieces.pop();
    write_artifact_of(&case.artifact(), contents(other));
    let session = case.load(2);
    assert!(session.notes()[0].contains("made for another artifact"), "{:?}", session.notes());
    assert_eq!(kernels(&session, 8)[0], "scale_rows_slowly");
    // To tune again replaces it.
    case.tuned(&["--size", "rows=8"]);
    assert_eq!(kernels(&case.load(2), 8)[0], "scale_rows");
}

#[test]
fn each_variant_of_an_artifact_has_its_own_tuning() {
    let case = Case::new();
    let mut both = contents(plan_with_schedules());
    let mut other = both.variants[0].clone();
    both.variants[0].target.name = "cpu:a".to_string();
    other.target.name = "cpu:b".to_string();
    other.plan.symbols[1].name = "half-rows".to_string();
    both.variants.push(other);
    write_artifact_of(&case.artifact(), both);
    let load = |target: &str| {
        let options =
            Options { threads: 2, target: Some(target.to_string()), ..Options::default() };
        // SAFETY: the kernels are what their signatures say, and nobody else writes into the file.
        unsafe { Session::load(&case.artifact(), options) }.unwrap()
    };
    case.tuned(&["--size", "rows=8", "--target", "cpu:a"]);
    assert_eq!(kernels(&load("cpu:a"), 8)[0], "scale_rows");
    let untuned = load("cpu:b");
    assert_eq!(kernels(&untuned, 8)[0], "scale_rows_slowly");
    let [note] = &untuned.notes()[..] else { panic!("{:?}", untuned.notes()) };
    assert!(note.contains("has no tuning for") && note.contains("for `cpu:b`"), "{note}");
    // The one does not take the place of the other.
    case.tuned(&["--size", "rows=8", "--target", "cpu:b"]);
    for target in ["cpu:a", "cpu:b"] {
        assert_eq!(kernels(&load(target), 8)[0], "scale_rows", "{target}");
    }
}

#[test]
fn a_damaged_tuning_is_an_error_and_stays() {
    let case = Case::new();
    std::fs::write(case.tuning(), "{").unwrap();
    assert!(case.error(&[]).contains("is damaged: remove it"));
    assert_eq!(std::fs::read(case.tuning()).unwrap(), b"{");
    let lying = |path: &Path| {
        let mut file = TuningFile::read(path).unwrap().unwrap();
        file.machines[0].schedules = vec![vec![usize::MAX; 9]; 9];
        file.write(path).unwrap();
    };
    std::fs::remove_file(case.tuning()).unwrap();
    case.tuned(&["--size", "rows=8"]);
    lying(&case.tuning());
    // A number of no schedule is the compiler's.
    assert_eq!(kernels(&case.load(2), 8)[0], "scale_rows_slowly");
}
