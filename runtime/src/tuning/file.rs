//! [`TuningFile`]: `ARTIFACT.tuning.json`, where the machines that an artifact was tuned on remember it.

use super::Tuning;
use crate::output::Output;
use crate::pipe::read_text;
use crate::signature::plan_hash;
use ocellus_dialects::plan::Plan;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is behind the artifact's name in that of the file.
const EXTENSION: &str = ".tuning.json";

/// More than the tunings of any plan on many machines.
const MAX_BYTES: u64 = 64 << 20;

/// How machines run the plan of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuningFile {
    /// The hash of the plan whose launches these are.
    pub plan: String,
    /// The tuning of each machine that was tuned on.
    pub machines: Vec<Tuning>,
}

/// A tuning that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// Its file cannot be read.
    #[error("cannot read the tuning `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its file is damaged.
    #[error("the tuning `{}` is damaged: remove it, or tune the artifact again", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
    /// Its file cannot be written.
    #[error("cannot write the tuning `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl TuningFile {
    /// Where the tunings of an artifact are remembered: beside it.
    pub fn path_for(artifact: &Path) -> PathBuf {
        let mut path = artifact.as_os_str().to_owned();
        path.push(EXTENSION);
        path.into()
    }

    /// A file without a tuning, of a plan.
    pub fn new(plan: &Plan) -> Self {
        TuningFile { plan: plan_hash(plan), machines: vec![] }
    }

    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// Where it is there, and cannot be read or is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, TuningError> {
        let text = match read_text(path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TuningError::Read { path: path.into(), source }),
        };
        let file = serde_json::from_str(&text);
        file.map(Some).map_err(|source| TuningError::Syntax { path: path.into(), source })
    }

    /// Writes the file, all of it or nothing.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn write(&self, path: &Path) -> Result<(), TuningError> {
        self.write_to(Self::place(path)?, path)
    }

    /// A place for the file, for who wants to know that there is one before there is something to be written.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn place(path: &Path) -> Result<Output, TuningError> {
        Output::open(path).map_err(|source| TuningError::Write { path: path.into(), source })
    }

    /// Writes the file to its [place](Self::place).
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn write_to(&self, place: Output, path: &Path) -> Result<(), TuningError> {
        let write = || {
            let text = serde_json::to_string(self)?;
            place.write(format!("{text}\n").as_bytes())
        };
        write().map_err(|source| TuningError::Write { path: path.into(), source })
    }

    /// Whether its tunings are those of a plan.
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.plan == plan_hash(plan)
    }

    /// The tuning of a machine.
    pub fn of(&self, device: &str) -> Option<&Tuning> {
        self.machines.iter().find(|tuning| tuning.device == device)
    }

    /// Remembers a tuning, in the place of what there was of its machine.
    pub fn remember(&mut self, tuning: Tuning) {
        self.machines.retain(|known| known.device != tuning.device);
        self.machines.push(tuning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(device: &str, schedule: usize) -> Tuning {
        Tuning { device: device.into(), schedules: vec![vec![0, schedule]] }
    }

    #[test]
    fn each_machine_is_remembered_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = TuningFile::path_for(&folder.path().join("model"));
        assert_eq!(path, folder.path().join("model.tuning.json"));
        assert_eq!(TuningFile::read(&path).unwrap(), None);
        let mut file = TuningFile { plan: "hash".into(), machines: vec![] };
        for tuning in [tuning("a", 1), tuning("b", 2), tuning("a", 3)] {
            file.remember(tuning);
        }
        file.write(&path).unwrap();
        let read = TuningFile::read(&path).unwrap().unwrap();
        assert_eq!(read, file);
        assert_eq!(read.machines.len(), 2);
        assert_eq!(read.of("a"), Some(&tuning("a", 3)));
        assert_eq!(read.of("c"), None);
    }

    #[test]
    fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning");
        std::fs::write(&path, "{\"plan\": 3}").unwrap();
        let error = TuningFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("is damaged: remove it"), "{error}");
        assert!(matches!(TuningFile::read(folder.path()), Err(TuningError::Read { .. })));
    }
}
