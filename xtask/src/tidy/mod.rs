//! `cargo xtask tidy`: what ARCHITECTURE.md says must stay true of the repository's structure, as far as a look at its files
//! can tell.

mod circles;
mod modules;
mod names;
mod targets;
mod wildcards;

use crate::process::workspace_root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use targets::targets_named;

/// A crate, by its folder, of which the last part is its name.
struct Crate {
    folder: &'static str,
    /// The crates of the workspace that it may use. Each stands before it in the list, so that there is no circle.
    uses: &'static [&'static str],
    /// Whether it may call LLVM or MLIR.
    calls_llvm: bool,
}

const CRATES: &[Crate] = &[
    Crate { folder: "dialects", uses: &[], calls_llvm: false },
    Crate { folder: "mlir", uses: &[], calls_llvm: true },
    Crate { folder: "runtime", uses: &["dialects"], calls_llvm: false },
    Crate { folder: "runtime/sim/ptx", uses: &[], calls_llvm: false },
    Crate { folder: "runtime/sim", uses: &["ptx"], calls_llvm: false },
    Crate { folder: "runtime/sim/driver", uses: &["sim"], calls_llvm: false },
    Crate { folder: "kernels", uses: &["dialects", "runtime"], calls_llvm: false },
    Crate { folder: "compiler/checkpoint", uses: &["dialects", "runtime"], calls_llvm: false },
    Crate { folder: "compiler/preprocess", uses: &["checkpoint", "dialects"], calls_llvm: false },
    Crate {
        folder: "compiler/hub",
        uses: &["checkpoint", "preprocess", "runtime"],
        calls_llvm: false,
    },
    Crate { folder: "compiler/reference", uses: &["checkpoint", "dialects"], calls_llvm: false },
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
    Crate { folder: "compiler/explain", uses: &["dialects", "runtime"], calls_llvm: false },
    Crate {
        folder: "compiler",
        uses: &[
            "checkpoint",
            "codegen",
            "dialects",
            "explain",
            "frontend",
            "kernels",
            "reference",
            "rewrite",
            "runtime",
            "sim",
        ],
        calls_llvm: false,
    },
    Crate {
        folder: "ocellus",
        uses: &[
            "checkpoint",
            "codegen",
            "compiler",
            "dialects",
            "explain",
            "frontend",
            "hub",
            "preprocess",
            "reference",
            "rewrite",
            "runtime",
        ],
        calls_llvm: false,
    },
    Crate { folder: "driver", uses: &["ocellus"], calls_llvm: false },
    Crate { folder: "tests", uses: &[], calls_llvm: false },
    Crate { folder: "xtask", uses: &[], calls_llvm: false },
];

/// Crates that link LLVM or MLIR.
const LLVM: [&str; 5] = ["inkwell", "llvm-sys", "melior", "mlir-sys", "tblgen"];

/// More lines than this, and a file holds more than one idea.
const MAX_LINES: usize = 600;

/// Documents whose words about files are held against the files.
const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"];

/// Says everything that is not so.
pub fn tidy() -> Result<(), String> {
    let root = workspace_root();
    let mut faults = vec![];
    let mut all = vec![];
    let paths = paths(root)?;
    for document in DOCUMENTS {
        faults.extend(lost_paths(document, &read(&root.join(document))?, &paths));
    }
    for member in CRATES {
        let folder = root.join(member.folder);
        let manifest = read(&folder.join("Cargo.toml"))?;
        faults.extend(edges(member, &manifest));
        faults.extend(llvm_in_tests(member, &manifest));
        for file in rust_files(&folder.join("src"))? {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            let text = read(&file)?;
            faults.extend(of_file(&name, &text));
            faults.extend(targets_named(&name, &text));
        }
        for modules in modules::targets(root, &folder.join("src"))? {
            faults.extend(wildcards::wildcards(&modules));
            faults.extend(circles::circles(&modules));
            all.push(modules);
        }
    }
    faults.extend(circles::allowed_in_vain(&all));
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
        if let Some(other) = of_the_workspace(dependency)
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

/// What a crate that builds without LLVM brings it in by for its tests.
fn llvm_in_tests(member: &Crate, manifest: &str) -> Vec<String> {
    let folder = member.folder;
    if needs_llvm(member) {
        return vec![];
    }
    let others = of_tests(manifest).into_iter().filter(|dependency| {
        let other = of_the_workspace(dependency).and_then(crate_named);
        LLVM.contains(dependency) || other.is_some_and(needs_llvm)
    });
    let fault = |other: &str| {
        format!("{folder}/Cargo.toml: the tests of {folder} must build without {other}")
    };
    others.map(fault).collect()
}

impl Crate {
    fn name(&self) -> &str {
        self.folder.rsplit('/').next().unwrap_or(self.folder)
    }
}

/// The crate of the workspace that a dependency is: `kernels` of `ocellus-kernels`; the facade is `ocellus` itself.
fn of_the_workspace(dependency: &str) -> Option<&str> {
    match dependency {
        "ocellus" => Some(dependency),
        _ => dependency.strip_prefix("ocellus-"),
    }
}

fn crate_named(name: &str) -> Option<&'static Crate> {
    CRATES.iter().find(|member| member.name() == name)
}

/// Whether a crate calls LLVM or uses one that does.
fn needs_llvm(member: &Crate) -> bool {
    member.calls_llvm || member.uses.iter().filter_map(|name| crate_named(name)).any(needs_llvm)
}

/// The names of the dependencies of a crate, those of its tests aside.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    names_in(manifest, |section| {
        section.ends_with("dependencies") && !section.ends_with("dev-dependencies")
    })
}

/// The names of the dependencies of a crate's tests.
fn of_tests(manifest: &str) -> BTreeSet<&str> {
    names_in(manifest, |section| section.ends_with("dev-dependencies"))
}

/// The names of the entries of those sections of a manifest.
fn names_in(manifest: &str, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            is_inside = is_wanted(section.trim_end_matches(']'));
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
    if lines > MAX_LINES {
        faults.push(format!(
            "{name} has {lines} lines, and {MAX_LINES} is the most: it holds two ideas"
        ));
    }
    if !text.starts_with("//!") {
        faults.push(format!("{name} does not open with a `//!` that says what it holds"));
    }
    faults
}

/// The paths in a document, in backquotes or as links, that are the end of no path of the repository.
fn lost_paths(document: &str, text: &str, paths: &BTreeSet<String>) -> Vec<String> {
    let is_path = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        is_plain
            && word.contains('/')
            && (name.is_empty() || ENDINGS.iter().any(|e| name.ends_with(e)))
    };
    let is_there = |word: &&str| {
        let end = format!("/{word}");
        paths.contains(*word) || paths.iter().any(|path| path.ends_with(&end))
    };
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let lost = quoted.chain(linked).filter(is_path).filter(|word| !is_there(word));
    lost.map(|word| format!("{document} names {word}, which is not there")).collect()
}

/// The ends of the names of files that documents speak of.
const ENDINGS: [&str; 6] = [".rs", ".toml", ".md", ".py", ".irdl", ".mlir"];

/// The files and folders of the repository from its root, folders with a slash behind them.
fn paths(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if path.is_dir() && !["target", ".git", ".venv", "demo"].contains(&name.as_str()) {
                found.insert(format!("{name}/"));
                open.push(path);
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
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
        assert_eq!(
            llvm_in_tests(kernels, manifest),
            ["kernels/Cargo.toml: the tests of kernels must build without inkwell"]
        );
        let paths = BTreeSet::from(["a/b/c.rs".to_string(), "a/b/".to_string()]);
        let text =
            "`c.rs`, `b/c.rs`, `b/`, `venc.add`, `images*rows/2`, `x/c.rs` and [this](a/d.md)";
        assert_eq!(
            lost_paths("README.md", text, &paths),
            [
                "README.md names x/c.rs, which is not there",
                "README.md names a/d.md, which is not there"
            ]
        );
        assert!(of_file("a.rs", "fn main() {}")[0].contains("does not open with"));
        assert!(of_file("a.rs", &"//! x\n".repeat(601))[0].contains("601 lines"));
    }

    #[test]
    fn no_crate_uses_one_behind_it() {
        for (position, member) in CRATES.iter().enumerate() {
            let before = |other: &&str| CRATES[..position].iter().any(|c| c.name() == *other);
            assert!(member.uses.iter().all(before), "{}", member.folder);
        }
    }
}
