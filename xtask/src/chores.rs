//! The chores that follow the set-up.

use crate::nvidia_tools;
use crate::process::{built, cargo, run, workspace_root};
use crate::terminal::say;
use std::process::Command;

/// The architecture that the demonstration makes, and the image that it looks at.
const DEMO_FAMILY: &str = "siglip-base-patch16-224";
const DEMO_IMAGE: &str = "examples/images/harbour.jpg";

/// `cargo xtask test [ARGUMENTS]`: every test; the arguments go to `cargo test`.
pub fn test(arguments: &[&str]) -> Result<(), String> {
    let path = nvidia_tools::search_path();
    run(cargo().env("PATH", path).args(["test", "--workspace"]).args(arguments))
}

/// `cargo xtask demo`: from a config to the features of an image, each step an `ocellus` command that is shown.
pub fn demo() -> Result<(), String> {
    run(cargo().args([
        "build",
        "--release",
        "--package",
        "ocellus-cli",
        "--package",
        "ocellus-runtime",
    ]))?;
    let folder = workspace_root().join("demo");
    // What an earlier run left is made anew.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let (model, artifact, output) = (
        format!("demo/{DEMO_FAMILY}"),
        format!("demo/{DEMO_FAMILY}.ocellus.safetensors"),
        "demo/features.safetensors",
    );
    let steps: [(&str, Vec<&str>); 6] = [
        ("A model directory with random weights", vec!["init", DEMO_FAMILY, &model]),
        (
            "Compiled for this CPU",
            vec!["compile", &model, "-o", &artifact, "--range", "images=1..=8"],
        ),
        ("Pieces and kernels", vec!["explain", &artifact]),
        (
            "The features of an image",
            vec!["run", &artifact, "--image", DEMO_IMAGE, "--output", output],
        ),
        ("Checked against the reference", vec!["verify", &model, "--image", DEMO_IMAGE]),
        (
            "Latency, against the reference",
            vec!["bench", &model, "--image", DEMO_IMAGE, "--reference"],
        ),
    ];
    for (title, words) in &steps {
        say(format_args!("\n== {title}"));
        run(ocellus().args(words))?;
    }
    say(format_args!("\nThe features lie in {}", workspace_root().join(output).display()));
    Ok(())
}

fn ocellus() -> Command {
    let mut command = Command::new(built("ocellus"));
    command.current_dir(workspace_root());
    command
}
