//! [`Encoder`]: a compiled model, loaded and ready to run.

use crate::stages::Stages;
use ocellus_explain::Explanation;
use ocellus_runtime::artifact::{Artifact, ArtifactError};
use ocellus_runtime::{
    AnyTensor, HostTensor, LoadError, NonFinite, Options, Outputs, RunError, Session,
};
use std::path::Path;

/// A compiled model.
pub struct Encoder {
    program: Stages,
    session: Session,
}

impl Encoder {
    /// Loads what the compiler has just written, for one target at least.
    pub(crate) fn new(
        mut programs: Vec<Stages>,
        artifact: Artifact,
        options: Options,
    ) -> Result<Self, LoadError> {
        // SAFETY: the compiler of this process has just written the artifact, into memory of its own.
        let session = unsafe { Session::new(artifact, options) }?;
        let runs = |program: &Stages| program.target.name() == session.target().name;
        let program = programs.swap_remove(programs.iter().position(runs).unwrap_or(0));
        Ok(Encoder { program, session })
    }

    /// Runs the model: inputs by the names of the Hugging Face forward, results by name.
    pub fn run<T: AnyTensor + ?Sized>(
        &self,
        inputs: &[(&str, &T)],
    ) -> Result<Vec<(String, HostTensor)>, RunError> {
        self.session.run(inputs)
    }

    /// Where the outputs of a run stopped being numbers, if they did: see [`Session::find_non_finite`].
    pub fn find_non_finite<T: AnyTensor + ?Sized>(
        &self,
        inputs: &[(&str, &T)],
        outputs: &Outputs,
    ) -> Result<Option<NonFinite>, RunError> {
        self.session.find_non_finite(inputs, outputs)
    }

    /// What was compiled, stage by stage, for the target that runs here.
    pub fn program(&self) -> &Stages {
        &self.program
    }

    /// What runs it.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Writes the artifact to a file, for `ocellus run` and `ocellus-run`.
    pub fn save(&self, path: &Path) -> Result<(), ArtifactError> {
        self.session.artifact().save(path)
    }

    /// Which pieces there are, which kernels they launch, and why these.
    pub fn explain(&self) -> &Explanation {
        &self.program.explanation
    }
}
