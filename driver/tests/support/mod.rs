//! Runs the real `ocellus` binary, and says what it must print.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]
#![allow(dead_code, reason = "each test file uses its part")]

pub mod hub;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The goldens of the repository.
pub fn goldens() -> PathBuf {
    workspace_root().join("tests/goldens")
}

/// The root of the repository.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What a run of the command left behind.
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program that a test runs: it never reaches the hub.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    // A port that nothing listens on.
    command.env("HF_ENDPOINT", "http://127.0.0.1:9").env_remove("RUST_BACKTRACE");
    command
}

/// Runs `ocellus` with those arguments, offline.
pub fn ocellus<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    Outcome::of(command(env!("CARGO_BIN_EXE_ocellus")).args(arguments))
}

impl Outcome {
    /// What a command leaves behind when it has ended.
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        Outcome {
            code: status.code().expect("the command was killed by a signal"),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// It succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// It failed with a diagnostic that holds each of `parts`, and nothing else went wrong.
    #[track_caller]
    pub fn failure(self, code: i32, parts: &[&str]) -> Self {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in:\n{}", self.stderr);
        }
        self
    }
}

/// A golden's model in a folder of its own, to be spoilt.
pub struct Checkpoint {
    folder: tempfile::TempDir,
    golden: PathBuf,
}

impl Checkpoint {
    /// A copy of that golden's model.
    pub fn of(golden: &str) -> Self {
        let golden = goldens().join(golden);
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(golden.join("model")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Checkpoint { folder, golden }
    }

    /// A file of the model.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Changes the config.
    pub fn edit_config(&self, edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
        let path = self.path("config.json");
        let mut config: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        edit(config.as_object_mut().unwrap());
        std::fs::write(path, config.to_string()).unwrap();
    }

    /// Changes the tensors: name, type, shape, bytes.
    pub fn edit_weights(&self, edit: impl FnOnce(&mut Vec<Tensor>)) {
        let path = self.path("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        let mut tensors = deserialize(&bytes);
        edit(&mut tensors);
        std::fs::write(path, serialize(&tensors)).unwrap();
    }

    /// Runs it on the golden's input.
    pub fn run(&self) -> Outcome {
        let (input, output) = (self.golden.join("in.safetensors"), self.path("out.safetensors"));
        ocellus([
            "run".as_ref(),
            self.folder.path(),
            "--input".as_ref(),
            &input,
            "--output".as_ref(),
            &output,
        ])
    }
}

/// A tensor of a safetensors file.
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// How it is stored.
    pub dtype: safetensors::Dtype,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The tensors of a safetensors file's bytes.
pub fn deserialize(bytes: &[u8]) -> Vec<Tensor> {
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    file.iter()
        .map(|(name, view)| Tensor {
            name: name.to_string(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect()
}

/// A safetensors file of those tensors.
pub fn serialize(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|tensor| {
        let view =
            safetensors::tensor::TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        (tensor.name.as_str(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
