//! The programs of `tests/filetests/typing`: MLIR takes whatever the dialect takes, and every operation has a file.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::kernel::{elementwise_irdl, view_irdl};
use ocellus_dialects::venc::{Module, Op, irdl};
use ocellus_mlir::Context;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/filetests/typing")
}

#[test]
fn mlir_takes_what_the_dialect_takes() {
    let context = Context::new().unwrap();
    let mut taken = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "mlir") {
            continue;
        }
        for program in std::fs::read_to_string(&path).unwrap().split("// -----\n") {
            if let Ok(module) = Module::parse(program) {
                assert_eq!(context.check(program), Ok(()), "{}", path.display());
                assert_eq!(context.check(&module.to_string()), Ok(()), "{}", path.display());
                taken += 1;
            }
        }
    }
    assert!(taken > 30, "{taken}");
}

#[test]
fn every_operation_has_a_file() {
    for declared in Op::DECLARATIONS {
        let file = if declared.name == "activate" { "activations" } else { declared.name };
        let path = folder().join(file).with_extension("mlir");
        assert!(path.is_file(), "venc.{} has no {}", declared.name, path.display());
    }
}

/// What `dialects` writes of its declarations is in the files, which are there for MLIR's own tools too.
/// `INSTA_UPDATE=always` writes it anew, as it does snapshots.
#[test]
fn the_irdl_files_say_what_is_declared() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    is_up_to_date(&folder.join("venc.irdl"), |_| irdl());
    is_up_to_date(&folder.join("kernel.irdl"), |text| {
        let text = with_part(text, ELEMENTWISE, &elementwise_irdl());
        with_part(&text, VIEWS, &view_irdl())
    });
}

/// The text with what stands between `head` and the next [`END`] written anew.
fn with_part(text: &str, head: &str, part: &str) -> String {
    let (before, rest) = text.split_once(head).unwrap();
    let (_, behind) = rest.split_once(END).unwrap();
    format!("{before}{head}{part}{END}{behind}")
}

/// What stands in `kernel.irdl` before the parts that are written there, and behind each.
const ELEMENTWISE: &str = "  // Functions of one element, written from the declarations in `dialects/src/venc/operations`.\n";
const VIEWS: &str = "  // Values read differently, written from the declarations in `dialects/src/venc/operations`.\n";
const END: &str = "  // Here they end.\n";

fn is_up_to_date(path: &Path, written: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        return std::fs::write(path, written(&text)).unwrap();
    }
    assert!(text == written(&text), "{}: run the test with INSTA_UPDATE=always", path.display());
}
