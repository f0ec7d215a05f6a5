//! [`Session`]: an artifact that is ready to run.

mod binding;
mod bound_program;
mod call_addresses;
mod compiled_program;
mod dispatch;
mod error;
mod fit;
mod given;
mod indices;
mod layout;
mod observers;
mod places;
mod staging;
#[cfg(test)]
mod tests;
mod tune;
mod weights;
mod workspace;
mod workspaces;

use crate::artifact::{Artifact, ArtifactError};
use crate::devices::{Device, DeviceError, DeviceKind, Stream, UnfitMachine};
use crate::memory::may_fail;
use crate::options::Options;
use crate::signature::Signature;
use crate::tuning::{TuningError, TuningFile};
use binding::{Call, bind};
use bound_program::{BoundProgram, EvaluatedProgram, Programs};
use call_addresses::CallAddresses;
use compiled_program::CompiledProgram;
pub(crate) use dispatch::Dispatch;
pub use error::RunError;
pub use fit::UnfitLaunch;
use fit::check_launches;
use given::{Given, Prepared, prepare};
use observers::{Launched, Observer, Results, Times};
use ocellus_dialects::kernel::Family;
use ocellus_dialects::{AnyTensor, HostTensor};
use staging::{InFlight, download, upload};
use std::path::Path;
use std::sync::Arc;
use weights::Weights;
use workspace::Workspace;
use workspaces::Workspaces;

/// An artifact that cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// It is for another machine.
    #[error(transparent)]
    Machine(#[from] UnfitMachine),
    /// Its code cannot be loaded.
    #[error("cannot load the kernels")]
    Device(#[from] DeviceError),
    /// Its weights cannot be put where its kernels read them.
    #[error("cannot put the weights into the memory of the device")]
    Weights(#[source] DeviceError),
    /// What it was tuned to cannot be read.
    #[error(transparent)]
    Tuning(#[from] TuningError),
    /// Its plan is not one for its code.
    #[error("the artifact's plan does not fit its kernels: compile the model again")]
    Plan(#[from] UnfitLaunch),
}

/// Output tensors by name, in the plan's order.
pub type Outputs = Vec<(String, HostTensor)>;

/// How long a launch took.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchTime {
    /// The kernel's symbol.
    pub symbol: String,
    /// The kernel's family.
    pub family: Family,
    /// The name of its result, where the model has one.
    pub label: Option<String>,
    /// How many tiles there were.
    pub tiles: u32,
    /// Microseconds.
    pub microseconds: f64,
}

/// An artifact that is ready to run. It may be called from several threads at once: each call has memory and a stream of its
/// own, and none waits for another.
pub struct Session {
    // Dropped in this order: workspaces hold addresses of weights, and weights may be those of the artifact.
    workspaces: Workspaces,
    programs: Programs,
    artifact: Artifact,
    /// What should be known of its tuning.
    note: Option<String>,
}

impl Session {
    /// Loads the artifact at `path`. Where it was [tuned](crate::tuning) on this machine, its launches have the schedules
    /// that this gave.
    ///
    /// # Safety
    /// As for [`Artifact::open`], for as long as the session lives, and for [`Session::new`].
    pub unsafe fn load(path: &Path, options: Options) -> Result<Self, LoadError> {
        // SAFETY: by the contract of this function.
        let mut session = unsafe { Self::new(Artifact::open(path)?, options) }?;
        let path = TuningFile::path_for(path);
        if let Some(file) = TuningFile::read(&path)? {
            session.take_tuning(&file, &path);
        }
        Ok(session)
    }

    /// Takes the schedules that a file remembers for this machine, if it does.
    fn take_tuning(&mut self, file: &TuningFile, path: &Path) {
        let (path, device) = (path.display(), self.device_name());
        if !file.is_of(self.artifact.plan()) {
            self.note = Some(format!(
                "`{path}` was made for another artifact and is not used: tune this one again"
            ));
        } else if let Some(tuning) = file.of(&device) {
            self.set_schedules(tuning.schedules.clone());
        } else {
            self.note =
                Some(format!("`{path}` has no tuning for `{device}`: tune the artifact here"));
        }
    }

    /// Makes an artifact ready.
    ///
    /// # Safety
    /// The code object of the artifact is machine code, which becomes part of this process and runs in it: it must be one
    /// that the compiler wrote. That cannot be checked, so the caller says whose artifacts to trust. All else is checked,
    /// here and when sizes are bound: whatever the plan says, kernels that are what their signatures say stay inside the
    /// memory that they are given, and write no input and no weight.
    pub unsafe fn new(artifact: Artifact, options: Options) -> Result<Self, LoadError> {
        let kind = DeviceKind::of(&artifact.provenance().target, options.device)?;
        // SAFETY: by the contract of this function.
        let (device, signatures) = unsafe { kind.load(artifact.code(), artifact.plan(), options) }?;
        Self::on(device, signatures, artifact)
    }

    /// Makes an artifact ready on a device that has loaded its code.
    fn on(
        device: Arc<dyn Device>,
        signatures: Vec<Signature>,
        artifact: Artifact,
    ) -> Result<Self, LoadError> {
        let plan = artifact.plan();
        check_launches(plan, &signatures)?;
        let programs = plan.programs.iter();
        let programs = Programs {
            dispatch: Dispatch::new(plan),
            programs: programs.map(|program| CompiledProgram::new(plan, program, &[])).collect(),
            signatures,
            weights: Weights::new(&artifact, &*device)?,
            space: device.memory_space(),
        };
        Ok(Session { workspaces: Workspaces::new(device), programs, artifact, note: None })
    }

    /// What was loaded.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// How many bytes of memory are kept for the next calls: an arena for each of the calls that lately ran at once, of the
    /// largest size that ran in it.
    pub fn arena_bytes(&self) -> usize {
        self.workspaces.arena_bytes()
    }

    /// What the machine calls itself that it runs on.
    pub fn device_name(&self) -> String {
        self.workspaces.device().name()
    }

    /// What should be known of how it was loaded, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.workspaces.device().notes().into_iter().chain(self.note.clone()).collect()
    }

    /// Runs the model on inputs by name. The outputs come in the plan's order.
    ///
    /// Numbers may be f32, which are used where they lie, bf16 or f16; indices i32, which are used where they lie, i64, or
    /// whole f32. Inputs of several types are given as `&dyn AnyTensor`.
    pub fn run<T: AnyTensor + ?Sized>(&self, inputs: &[(&str, &T)]) -> Result<Outputs, RunError> {
        self.execute(&given(inputs), None)
    }

    /// Runs, and shows each labeled result as f32 after its launch.
    pub fn run_observed<T: AnyTensor + ?Sized>(
        &self,
        inputs: &[(&str, &T)],
        observe: &mut dyn FnMut(&str, HostTensor),
    ) -> Result<Outputs, RunError> {
        self.execute(&given(inputs), Some(&mut Results { observe }))
    }

    /// Runs, and gives the time of each launch.
    pub fn run_profiled<T: AnyTensor + ?Sized>(
        &self,
        inputs: &[(&str, &T)],
    ) -> Result<(Outputs, Vec<LaunchTime>), RunError> {
        let mut times = Times::new();
        let outputs = self.execute(&given(inputs), Some(&mut times))?;
        Ok((outputs, times.times))
    }

    fn execute(
        &self,
        inputs: &[(&str, Given)],
        observer: Option<&mut dyn Observer>,
    ) -> Result<Outputs, RunError> {
        if !self.artifact.is_as_opened() {
            return Err(RunError::ArtifactChanged);
        }
        let plan = self.artifact.plan();
        let call = bind(plan, inputs)?;
        let inputs = prepare(plan, &call)?;
        let inputs: Vec<&[u8]> = inputs.iter().map(Prepared::bytes).collect();
        let mut workspace = self.workspaces.take(&call.symbols)?;
        // An observer that panics takes the workspace with it.
        let outputs = self.run_in(&mut workspace, &call, &inputs, observer);
        if !matches!(outputs, Err(RunError::Device(_))) {
            self.workspaces.give_back(workspace);
        }
        let names = plan.outputs.iter().map(|port| port.name.clone());
        Ok(names.zip(outputs?).collect())
    }

    /// Runs a call whose inputs are checked, and lie there as kernels read them.
    fn run_in(
        &self,
        workspace: &mut Workspace,
        call: &Call,
        inputs: &[&[u8]],
        observer: Option<&mut dyn Observer>,
    ) -> Result<Vec<HostTensor>, RunError> {
        let (bound, stream) = workspace.bind(self.workspaces.device(), &call.symbols, || {
            let shapes: Vec<&[usize]> = call.inputs.iter().map(|tensor| tensor.shape).collect();
            let symbols = call.symbols.clone();
            EvaluatedProgram::new(self.artifact.plan(), &self.programs, symbols, &shapes)
        })?;
        let outputs = bound.output_shapes.iter().map(|shape| new_output(shape));
        let mut outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        let staged = bound.staged.clone();
        let addresses = staged.clone().unwrap_or_else(|| CallAddresses {
            inputs: inputs.iter().map(|input| input.as_ptr() as i64).collect(),
            outputs: outputs.iter_mut().map(|tensor| tensor.data.as_mut_ptr() as i64).collect(),
        });
        bound.patch(&addresses);
        let mut in_flight = InFlight::new(stream);
        let stream = in_flight.stream();
        // SAFETY: whoever loaded the artifact vouches for its kernels; binding has held each launch against its kernel's
        // signature, with memory that is there until the stream is synchronized, and so are the tensors; scratch memory is
        // reserved.
        unsafe {
            if let Some(staged) = &staged {
                upload(stream, inputs, staged)?;
            }
            match observer {
                None => stream.run_program(&bound.launches)?,
                Some(observer) => self.run_observed_by(observer, bound, &addresses, stream)?,
            }
            if let Some(staged) = &staged {
                download(stream, staged, &mut outputs)?;
            }
        }
        in_flight.finish()?;
        Ok(outputs)
    }

    /// Runs the launches one by one.
    ///
    /// # Safety
    /// As for [`Stream::run_program`].
    unsafe fn run_observed_by(
        &self,
        observer: &mut dyn Observer,
        bound: &BoundProgram,
        addresses: &CallAddresses,
        stream: &mut dyn Stream,
    ) -> Result<(), RunError> {
        let plan = self.artifact.plan();
        for (launch, command) in bound.launches.iter().enumerate() {
            observer.before();
            // SAFETY: by the contract of this function.
            unsafe { stream.launch(command) }?;
            stream.synchronize()?;
            observer.after(&Launched { plan, bound, launch, addresses }, stream)?;
        }
        Ok(())
    }
}

fn given<'a, T: AnyTensor + ?Sized>(inputs: &[(&'a str, &'a T)]) -> Vec<(&'a str, Given<'a>)> {
    inputs.iter().map(|(name, tensor)| (*name, Given::new(*tensor))).collect()
}

fn new_output(shape: &[usize]) -> Result<HostTensor, RunError> {
    may_fail().ok().and_then(|()| HostTensor::zeros(shape.to_vec())).ok_or_else(|| {
        RunError::OutOfMemory {
            what: "an output".to_string(),
            bytes: shape.iter().fold(4, |bytes: usize, dim| bytes.saturating_mul(*dim)),
        }
    })
}
