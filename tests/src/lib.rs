//! File tests: `tests/filetests/<stage>/*.mlir`, short programs, and beside each file a snapshot of what a stage makes of
//! them. A crate's test names the stage and says what becomes of one program:
//!
//! ```no_run
//! ocellus_filetests::run("typing", |program| format!("{} lines", program.lines().count()));
//! ```
//!
//! `INSTA_UPDATE=always` writes the snapshots anew.

#![allow(clippy::panic, reason = "a test that cannot be run fails")]

use std::path::{Path, PathBuf};

/// What stands between two programs of a file, as in MLIR's own tests.
const SPLIT: &str = "// -----\n";

/// The folder of a stage's files.
pub fn folder(stage: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests").join(stage)
}

/// Holds what `result` says of each program against the snapshot beside its file. Every file is looked at before the test
/// fails.
///
/// # Panics
///
/// Where a file cannot be read, the stage has none, or a snapshot differs.
pub fn run(stage: &str, result: impl Fn(&str) -> String) {
    let mut failed = vec![];
    for path in files(stage) {
        let text = read(&path);
        let results: Vec<String> = text.split(SPLIT).map(&result).collect();
        if !is_as_before(&path, &results.join("\n")) {
            failed.push(path.display().to_string());
        }
    }
    assert!(failed.is_empty(), "other than their snapshots:\n  {}", failed.join("\n  "));
}

/// Every program of a stage.
///
/// # Panics
///
/// Where a file cannot be read, or the stage has none.
pub fn programs(stage: &str) -> Vec<String> {
    let texts = files(stage).into_iter().map(|path| read(&path));
    texts.flat_map(|text| text.split(SPLIT).map(str::to_string).collect::<Vec<_>>()).collect()
}

fn files(stage: &str) -> Vec<PathBuf> {
    let folder = folder(stage);
    let entries = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_program = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "mlir");
    let mut files: Vec<PathBuf> = paths.filter(is_program).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no .mlir file", folder.display());
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Whether the snapshot of a file, `FILE.mlir.snap` beside it, says the same. Insta prints the difference.
fn is_as_before(path: &Path, results: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().unwrap_or(path));
    settings.set_prepend_module_to_snapshot(false);
    let compare = || settings.bind(|| insta::assert_snapshot!(name.as_ref(), results));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare)).is_ok()
}
