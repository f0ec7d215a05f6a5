//! The programs of `tests/filetests/typing`: MLIR takes whatever the dialect takes, and every operation has a file.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::venc::{Activation, Module};
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
    let declared = include_str!("../venc.irdl").lines().filter_map(|line| {
        let name = line.trim().strip_prefix("irdl.operation @")?;
        name.split([' ', '{']).next()
    });
    let mut count = 0;
    for name in declared {
        let is_activation = Activation::from_name(name).is_some();
        let file = if is_activation { "activations" } else { name };
        let path = folder().join(file).with_extension("mlir");
        assert!(path.is_file(), "venc.{name} has no {}", path.display());
        count += 1;
    }
    assert!(count > 30, "{count}");
}
