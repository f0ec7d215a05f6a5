//! A crate outside the repository that copies what the README says builds and runs; so does one that only runs artifacts,
//! by the lines that the runtime's documentation opens with, and without LLVM. Every crate can be packaged.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A crate where the repository's own settings do not reach. What it is built of is kept with the repository's builds.
struct Outside {
    folder: TempDir,
}

impl Outside {
    fn new(name: &str, dependencies: &str, main: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{dependencies}"
        );
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        std::fs::write(folder.path().join("src/main.rs"), main).unwrap();
        // The versions that the repository is tested with, so that nothing is fetched that it has not.
        std::fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        Outside { folder }
    }

    /// What it prints.
    fn run(&self) -> String {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--target-dir"]);
        cargo.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside"));
        cargo.current_dir(self.folder.path());
        // What the repository sets for itself, another crate does not have.
        for name in ["LLVM_SYS_221_PREFIX", "MLIR_SYS_220_PREFIX", "TABLEGEN_220_PREFIX"] {
            cargo.env_remove(name);
        }
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
        let output = cargo.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// The fenced blocks of a text in that language, in order.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A checkpoint as `transformers` saves it: a golden, and the config of its image processor.
fn checkpoint_with_processor() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checkpoint");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(root().join("tests/goldens/vit-base/model")).unwrap() {
        let file = entry.unwrap().path();
        std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let config =
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE}}"#;
    let model = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let side = model.split("\"image_size\": ").nth(1).unwrap();
    let side: String = side.chars().take_while(char::is_ascii_digit).collect();
    std::fs::write(folder.join("preprocessor_config.json"), config.replace("SIDE", &side)).unwrap();
    folder
}

#[test]
fn the_lines_of_the_readme_build_and_run() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let [manifest, config] = blocks(&readme, "toml")[..2] else { panic!("no two blocks of TOML") };
    let lines = blocks(&readme, "rust")[0];
    let path = |folder: &str| root().join(folder).display().to_string();
    let manifest = manifest.replace("../ocellus/ocellus", &path("ocellus"));
    let checkpoint = checkpoint_with_processor();
    let lines = lines
        .replace("path/to/checkpoint", &checkpoint.display().to_string())
        .replace("a.jpg", &path("examples/images/harbour.jpg"));
    let main =
        format!("fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{lines}Ok(())\n}}\n");
    let outside = Outside::new("copies-the-readme", &manifest, &main);
    std::fs::create_dir(outside.folder.path().join(".cargo")).unwrap();
    std::fs::write(outside.folder.path().join(".cargo/config.toml"), config).unwrap();
    let printed = outside.run();
    assert!(printed.contains("gemm"), "{printed}");
}

#[test]
fn the_lines_of_the_runtime_build_and_run_without_llvm() {
    let source = std::fs::read_to_string(root().join("runtime/src/lib.rs")).unwrap();
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let documentation: String =
        lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
    let lines = blocks(&documentation, "no_run")[0];
    let lines: String = lines
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    let artifact = "no/such/encoder.safetensors";
    let lines = lines.replace("encoder.safetensors", artifact);
    // There is no artifact here: that it says so is the answer.
    let main = lines.replace("fn main()", "fn opened()")
        + "fn main() {\n    println!(\"{}\", opened().unwrap_err());\n}\n";
    let runtime = root().join("runtime");
    let manifest = format!("[dependencies]\nocellus-runtime = {{ path = {runtime:?} }}\n");
    let printed = Outside::new("only-runs", &manifest, &main).run();
    assert!(printed.contains(artifact), "{printed}");
}

#[test]
fn every_crate_can_be_packaged() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "ocellus-filetests",
        "--no-verify",
        "--allow-dirty",
    ]);
    cargo.arg("--target-dir").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages"));
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
