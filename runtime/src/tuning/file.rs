//! [`TuningFile`]: `ARTIFACT.tuning.json`, where the machines that an artifact was tuned on remember it.

use super::Tuning;
use crate::artifact::Artifact;
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

/// How machines run the plans of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuningFile {
    /// The tunings of each machine that was tuned on, one for each plan.
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

    /// Whether one of its tunings is of a plan of the artifact.
    pub fn is_of(&self, artifact: &Artifact) -> bool {
        let plans = plans(artifact);
        self.machines.iter().any(|tuning| plans.contains(&tuning.plan))
    }

    /// Forgets tunings of plans that the artifact does not have.
    pub fn keep_those_of(&mut self, artifact: &Artifact) {
        let plans = plans(artifact);
        self.machines.retain(|tuning| plans.contains(&tuning.plan));
    }

    /// The tuning of a plan on a machine.
    pub fn of(&self, plan: &Plan, device: &str) -> Option<&Tuning> {
        let plan = plan_hash(plan);
        self.machines.iter().find(|tuning| tuning.plan == plan && tuning.device == device)
    }

    /// Remembers a tuning, in the place of what there was of its plan on its machine.
    pub fn remember(&mut self, tuning: Tuning) {
        let is_other =
            |known: &Tuning| (&known.plan, &known.device) != (&tuning.plan, &tuning.device);
        self.machines.retain(is_other);
        self.machines.push(tuning);
    }
}

/// The hashes of an artifact's plans.
fn plans(artifact: &Artifact) -> Vec<String> {
    artifact.variants().iter().map(|variant| plan_hash(&variant.plan)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::test_support::{artifact, contents, plan, plan_with_schedules};

    fn tuning(plan: &Plan, device: &str, schedule: usize) -> Tuning {
        let plan = plan_hash(plan);
        Tuning { plan, device: device.into(), schedules: vec![vec![0, schedule]] }
    }

    #[test]
    fn each_plan_is_remembered_once_of_each_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = TuningFile::path_for(&folder.path().join("model"));
        assert_eq!(path, folder.path().join("model.tuning.json"));
        assert_eq!(TuningFile::read(&path).unwrap(), None);
        let (plan, other) = (plan(), plan_with_schedules());
        let mut file = TuningFile::default();
        let tunings = [(&plan, "a", 1), (&plan, "b", 2), (&other, "a", 4), (&plan, "a", 3)];
        for (plan, device, schedule) in tunings {
            file.remember(tuning(plan, device, schedule));
        }
        file.write(&path).unwrap();
        let read = TuningFile::read(&path).unwrap().unwrap();
        assert_eq!(read, file);
        assert_eq!(read.machines.len(), 3);
        assert_eq!(read.of(&plan, "a"), Some(&tuning(&plan, "a", 3)));
        assert_eq!(read.of(&other, "a"), Some(&tuning(&other, "a", 4)));
        assert_eq!(read.of(&other, "b"), None);
    }

    #[test]
    fn tunings_of_other_plans_are_forgotten() {
        let artifact = artifact(contents(plan()));
        let mut file = TuningFile::default();
        file.remember(tuning(&plan_with_schedules(), "a", 1));
        assert!(!file.is_of(&artifact));
        file.remember(tuning(&plan(), "a", 2));
        assert!(file.is_of(&artifact));
        file.keep_those_of(&artifact);
        assert_eq!(file.machines, [tuning(&plan(), "a", 2)]);
    }

    #[test]
    fn a_file_of_an_older_version_is_of_no_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning");
        let text = r#"{"plan": "a hash", "machines": [{"device": "a", "schedules": [[0, 1]]}]}"#;
        std::fs::write(&path, text).unwrap();
        let file = TuningFile::read(&path).unwrap().unwrap();
        assert!(!file.is_of(&artifact(contents(plan()))));
    }

    #[test]
    fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning");
        std::fs::write(&path, "{\"machines\": 3}").unwrap();
        let error = TuningFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("is damaged: remove it"), "{error}");
        assert!(matches!(TuningFile::read(folder.path()), Err(TuningError::Read { .. })));
    }
}
