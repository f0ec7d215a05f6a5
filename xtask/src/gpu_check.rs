//! `cargo xtask gpu-check FOLDER`: all that a machine with a GPU needs to check this version and measure it, in one folder: the
//! runtime, artifacts, inputs, and what runs them. That machine needs no LLVM and no Rust.

use crate::process::{built, cargo, run, workspace_root};
use crate::terminal::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every GPU from this one on runs the code, if not the fastest that it could.
const TARGET: &str = "sm_80";

/// What whole models are compiled for: the same, and GPUs whose launches may overlap.
const TIMED_TARGETS: [&str; 2] = [TARGET, "sm_90"];

/// Schedules of each launch, of which the GPU finds the fastest.
const SCHEDULES: &str = "3";

/// How goldens are stored and multiplied.
const DTYPES: [&str; 3] = ["bf16", "f32", "tf32"];

/// Whole models, whose calls are timed.
const MODELS: [Timed; 2] = [
    Timed {
        name: "ViT-B/16",
        architecture: "vit-base-patch16-224",
        side: 224,
        gflop_an_image: 35.1,
    },
    Timed {
        name: "so400m/14-384",
        architecture: "siglip-so400m-patch14-384",
        side: 384,
        gflop_an_image: 666.4,
    },
];

/// A model whose calls are timed.
struct Timed {
    /// What `benches/nvidia/peers.py` calls it.
    name: &'static str,
    architecture: &'static str,
    /// Pixels along a side of an image.
    side: u32,
    /// Of its matrix products.
    gflop_an_image: f64,
}

/// Makes the folder; where this machine has a GPU, checks it.
pub fn gpu_check(folder: &Path) -> Result<(), String> {
    let packages = ["ocellus-cli", "ocellus-runtime", "ocellus-sim-driver"];
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    run(cargo().args(["build", "--release"]).args(packages))?;
    make(folder)?;
    for program in ["ocellus-run", "libocellus_cuda_sim.so"] {
        copy(&built(program), &folder.join(program))?;
    }
    for script in ["check.py", "costs.py", "peers.py"] {
        copy(&workspace_root().join("benches/nvidia").join(script), &folder.join(script))?;
    }
    for golden in goldens()? {
        put_golden(&golden, &folder.join("goldens"))?;
    }
    for model in &MODELS {
        put_model(model, &folder.join("models"))?;
    }
    match Path::new("/dev/nvidia0").exists() {
        true => run(Command::new("python3").arg("check.py").current_dir(folder)),
        false => {
            say(format_args!(
                "\nThere is no NVIDIA GPU here. Carry {} to a machine with one, and run `python3 check.py` in it: Python needs \
                 numpy and safetensors there.",
                folder.display()
            ));
            Ok(())
        }
    }
}

/// The folders of `tests/goldens` that have a golden.
fn goldens() -> Result<Vec<PathBuf>, String> {
    let folder = workspace_root().join("tests/goldens");
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut goldens: Vec<PathBuf> =
        folders.filter(|golden| golden.join("golden.json").is_file()).collect();
    goldens.sort();
    Ok(goldens)
}

fn put_golden(golden: &Path, goldens: &Path) -> Result<(), String> {
    let place = goldens.join(golden.file_name().unwrap_or_default());
    make(&place)?;
    for file in ["golden.json", "in.safetensors", "out.safetensors"] {
        copy(&golden.join(file), &place.join(file))?;
    }
    DTYPES.iter().try_for_each(|dtype| {
        let artifact = place.join(format!("{dtype}.ocellus"));
        compile(&golden.join("model"), &artifact, &["--target", TARGET, "--dtype", dtype])
    })
}

fn put_model(model: &Timed, models: &Path) -> Result<(), String> {
    let Timed { name, architecture, side, gflop_an_image } = model;
    make(models)?;
    let source = models.join(format!("{architecture}.model"));
    if !source.exists() {
        run(Command::new(built("ocellus")).args(["init", architecture]).arg(&source))?;
    }
    for target in TIMED_TARGETS {
        let artifact = models.join(format!("{architecture}.{target}.ocellus"));
        let options = ["--target", target, "--dtype", "bf16", "--range", "images=1..=32"];
        compile(&source, &artifact, &[&options[..], &["--schedules", SCHEDULES]].concat())?;
    }
    std::fs::remove_dir_all(&source)
        .map_err(|error| format!("{} cannot be removed: {error}", source.display()))?;
    let description = format!(
        "{{\"name\": \"{name}\", \"side\": {side}, \"gflop_an_image\": {gflop_an_image}, \"images\": [1, 4, 8, 32]}}\n"
    );
    let file = models.join(format!("{architecture}.json"));
    std::fs::write(&file, description)
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

fn compile(model: &Path, artifact: &Path, options: &[&str]) -> Result<(), String> {
    let mut command = Command::new(built("ocellus"));
    run(command.arg("compile").args(options).arg("--output").arg(artifact).arg(model))
}

fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = std::fs::copy(from, to);
    copied.map(|_bytes| ()).map_err(|error| format!("{} cannot be copied: {error}", from.display()))
}
