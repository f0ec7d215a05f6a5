//! `cargo xtask tidy`: what ARCHITECTURE.md says must stay true of the repository's structure, as far as a look at its files
//! can tell.

use crate::process::workspace_root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A crate, by its folder, of which the last part is its name.
struct Crate {
    folder: &'static str,
    /// The crates of the workspace that it may use. Each stands before it in the list, so that there is no circle.
    uses: &'static [&'static str],
    /// Whether it may call LLVM or MLIR.
    calls_llvm: bool,
}

const CRATES: [Crate; 14] = [
    Crate { folder: "dialects", uses: &[], calls_llvm: false },
    Crate { folder: "mlir", uses: &[], calls_llvm: true },
    Crate { folder: "runtime", uses: &[], calls_llvm: false },
    Crate { folder: "kernels", uses: &["dialects", "runtime"], calls_llvm: false },
    Crate { folder: "compiler/checkpoint", uses: &["dialects", "runtime"], calls_llvm: false },
    Crate { folder: "compiler/preprocess", uses: &["checkpoint", "runtime"], calls_llvm: false },
    Crate {
        folder: "compiler/reference",
        uses: &["checkpoint", "dialects", "runtime"],
        calls_llvm: false,
    },
    Crate {
        folder: "compiler/frontend",
        uses: &["checkpoint", "dialects", "preprocess", "runtime"],
        calls_llvm: false,
    },
    Crate { folder: "compiler/rewrite", uses: &["dialects", "kernels"], calls_llvm: false },
    Crate {
        folder: "compiler/codegen",
        uses: &["dialects", "kernels", "runtime"],
        calls_llvm: true,
    },
    Crate {
        folder: "compiler",
        uses: &[
            "checkpoint",
            "codegen",
            "dialects",
            "frontend",
            "kernels",
            "reference",
            "rewrite",
            "runtime",
        ],
        calls_llvm: false,
    },
    Crate {
        folder: "ocellus",
        uses: &[
            "checkpoint",
            "compiler",
            "dialects",
            "frontend",
            "preprocess",
            "reference",
            "runtime",
        ],
        calls_llvm: false,
    },
    Crate {
        folder: "driver",
        uses: &[
            "checkpoint",
            "codegen",
            "compiler",
            "dialects",
            "frontend",
            "preprocess",
            "reference",
            "rewrite",
            "runtime",
        ],
        calls_llvm: false,
    },
    Crate { folder: "xtask", uses: &[], calls_llvm: false },
];

/// Crates that link LLVM or MLIR.
const LLVM: [&str; 5] = ["inkwell", "llvm-sys", "melior", "mlir-sys", "tblgen"];

/// More lines than this, and a file holds more than one idea.
const MOST_LINES: usize = 600;

/// Says everything that is not so.
pub fn tidy() -> Result<(), String> {
    let root = workspace_root();
    let mut faults = vec![];
    for member in &CRATES {
        let folder = root.join(member.folder);
        let manifest = read(&folder.join("Cargo.toml"))?;
        faults.extend(edges(member, &manifest));
        for file in rust_files(&folder.join("src"))? {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            faults.extend(of_file(&name, &read(&file)?));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("the repository is not tidy:\n  {}", faults.join("\n  "))),
    }
}

/// What a crate uses and may not.
fn edges(member: &Crate, manifest: &str) -> Vec<String> {
    let folder = member.folder;
    let mut faults = vec![];
    for dependency in dependencies(manifest) {
        if let Some(other) = dependency.strip_prefix("ocellus-")
            && !member.uses.contains(&other)
        {
            faults.push(format!("{folder}/Cargo.toml: {folder} may not use {other}"));
        }
        if LLVM.contains(&dependency) && !member.calls_llvm {
            faults.push(format!("{folder}/Cargo.toml: {folder} must build without {dependency}"));
        }
    }
    faults
}

/// The names of the dependencies of a crate, those of its tests aside.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            is_inside = section.trim_end_matches(']').ends_with("dependencies")
                && !section.contains("dev-dependencies");
        } else if let Some(end) = line.find(['.', ' ', '=']).filter(|_| is_inside) {
            names.insert(&line[..end]);
        }
    }
    names
}

/// What is wrong with a file.
fn of_file(name: &str, text: &str) -> Vec<String> {
    let mut faults = vec![];
    let lines = text.lines().count();
    if lines > MOST_LINES {
        faults.push(format!(
            "{name} has {lines} lines, and {MOST_LINES} is the most: it holds two ideas"
        ));
    }
    if !text.starts_with("//!") {
        faults.push(format!("{name} does not open with a `//!` that says what it holds"));
    }
    faults
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// The Rust files in a folder and those in it.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = vec![];
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        assert_eq!(tidy(), Ok(()));
    }

    #[test]
    fn what_is_not_tidy_is_said() {
        let manifest = "\
            [package]\nname = \"ocellus-kernels\"\n\
            [dependencies]\nocellus-compiler.workspace = true\nmelior = \"0.27\"\nocellus-dialects.workspace = true\n\
            [dev-dependencies]\ninkwell = \"1\"\n";
        let kernels = CRATES.iter().find(|member| member.folder == "kernels").unwrap();
        assert_eq!(
            edges(kernels, manifest),
            [
                "kernels/Cargo.toml: kernels must build without melior",
                "kernels/Cargo.toml: kernels may not use compiler"
            ]
        );
        assert!(of_file("a.rs", "fn main() {}")[0].contains("does not open with"));
        assert!(of_file("a.rs", &"//! x\n".repeat(601))[0].contains("601 lines"));
    }

    #[test]
    fn no_crate_uses_one_behind_it() {
        for (position, member) in CRATES.iter().enumerate() {
            let is_named = |c: &Crate, name: &str| c.folder.rsplit('/').next() == Some(name);
            let before = |other: &&str| CRATES[..position].iter().any(|c| is_named(c, other));
            assert!(member.uses.iter().all(before), "{}", member.folder);
        }
    }
}
