//! The programs of `tests/filetests/typing`: MLIR takes whatever the dialect takes, and every operation has a file.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

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

/// The file is there for MLIR's own tools. `INSTA_UPDATE=always` writes it anew, as it does snapshots.
#[test]
fn the_irdl_file_is_what_the_declarations_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("venc.irdl");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, irdl()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), irdl());
}
