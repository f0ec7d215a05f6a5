//! [`Session`]: an artifact that is ready to run.

mod binding;
mod bound_program;
mod compiled_program;
mod dispatch;
mod error;
mod fit;
mod indices;
mod places;
mod queue;
#[cfg(test)]
mod tests;
mod workspace;

use crate::artifact::{Artifact, ArtifactError};
use crate::devices::{DeviceError, DeviceKind, LaunchCommand, UnfitMachine};
use crate::memory::may_fail;
use crate::options::Options;
use binding::bind;
use bound_program::{BoundProgram, CallAddresses, EvaluatedProgram, Programs};
use compiled_program::CompiledProgram;
use dispatch::Dispatch;
pub use error::RunError;
pub use fit::UnfitLaunch;
use fit::check_launches;
use indices::read_indices;
use ocellus_dialects::HostTensor;
use ocellus_dialects::kernel::Family;
use queue::{Queue, Turn};
use std::path::Path;
use std::time::Instant;
use workspace::Workspace;

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

/// An artifact that is ready to run. Calls from several threads come one after the other, in the order in which they began.
pub struct Session {
    artifact: Artifact,
    programs: Programs,
    workspace: Queue<Workspace>,
}

impl Session {
    /// Loads the artifact at `path`.
    ///
    /// # Safety
    /// As for [`Artifact::open`], for as long as the session lives, and for [`Session::new`].
    pub unsafe fn load(path: &Path, options: Options) -> Result<Self, LoadError> {
        // SAFETY: by the contract of this function.
        unsafe { Self::new(Artifact::open(path)?, options) }
    }

    /// Makes an artifact ready.
    ///
    /// # Safety
    /// The code object of the artifact is machine code, which becomes part of this process and runs in it: it must be one
    /// that the compiler wrote. That cannot be checked, so the caller says whose artifacts to trust. All else is checked,
    /// here and when sizes are bound: whatever the plan says, kernels that are what their signatures say stay inside the
    /// memory that they are given, and write no input and no weight.
    pub unsafe fn new(artifact: Artifact, options: Options) -> Result<Self, LoadError> {
        let plan = artifact.plan();
        let kind = DeviceKind::of(&artifact.provenance().target)?;
        // SAFETY: by the contract of this function.
        let (device, signatures) = unsafe { kind.load(artifact.code(), plan, options) }?;
        check_launches(plan, &signatures)?;
        let programs =
            plan.programs.iter().map(|program| CompiledProgram::new(plan, program)).collect();
        let programs = Programs { dispatch: Dispatch::new(plan), programs, signatures };
        let workspace = Workspace::new(device).map_err(ArtifactError::Io)?;
        Ok(Session { artifact, programs, workspace: Queue::new(workspace) })
    }

    /// What was loaded.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The size of the arena in bytes. It grows with the largest size that has run, and never shrinks.
    pub fn arena_bytes(&self) -> usize {
        self.workspace().arena_bytes()
    }

    /// Runs the model on inputs by name. The outputs come in the plan's order.
    pub fn run(&self, inputs: &[(&str, &HostTensor)]) -> Result<Outputs, RunError> {
        self.execute(inputs, &mut ())
    }

    /// Runs, and shows each labeled result as f32 after its launch. The observer must not call this session.
    pub fn run_observed(
        &self,
        inputs: &[(&str, &HostTensor)],
        observe: &mut dyn FnMut(&str, HostTensor),
    ) -> Result<Outputs, RunError> {
        self.execute(inputs, &mut Results { session: self, observe })
    }

    /// Runs, and gives the time of each launch.
    pub fn run_profiled(
        &self,
        inputs: &[(&str, &HostTensor)],
    ) -> Result<(Outputs, Vec<LaunchTime>), RunError> {
        let mut times = Times { session: self, start: Instant::now(), times: Vec::new() };
        let outputs = self.execute(inputs, &mut times)?;
        Ok((outputs, times.times))
    }

    fn execute(
        &self,
        inputs: &[(&str, &HostTensor)],
        observer: &mut impl Observer,
    ) -> Result<Outputs, RunError> {
        if !self.artifact.is_as_opened() {
            return Err(RunError::ArtifactChanged);
        }
        let plan = self.artifact.plan();
        let call = bind(plan, inputs)?;
        let indices = read_indices(plan, &call)?;
        let mut workspace = self.workspace();
        let shapes: Vec<&[usize]> =
            call.inputs.iter().map(|tensor| tensor.shape.as_slice()).collect();
        let (bound, device) = workspace.bind(call.symbols, |symbols| {
            EvaluatedProgram::new(&self.artifact, &self.programs, symbols, &shapes)
        })?;
        let mut outputs = bound
            .output_shapes
            .iter()
            .map(|shape| new_output(shape))
            .collect::<Result<Vec<_>, _>>()?;
        let addresses = CallAddresses {
            inputs: (call.inputs.iter().zip(&indices))
                .map(|(tensor, indices)| match indices {
                    Some(indices) => indices.as_ptr() as i64,
                    None => tensor.data.as_ptr() as i64,
                })
                .collect(),
            outputs: outputs.iter_mut().map(|tensor| tensor.data.as_mut_ptr() as i64).collect(),
        };
        bound.patch(&addresses);
        for (index, launch) in bound.launches.iter().enumerate() {
            observer.before();
            let (kernel, tiles) = (launch.kernel, launch.tiles);
            let command = LaunchCommand { kernel, arguments: bound.arguments(launch), tiles };
            // SAFETY: whoever loaded the artifact vouches for its kernels; binding has held the launch against the kernel's
            // signature, with memory that outlives the launch; and the scratch memory is reserved.
            unsafe { device.launch(command) }?;
            observer.after(bound, index, &addresses);
        }
        let names = plan.outputs.iter().map(|port| port.name.clone());
        Ok(names.zip(outputs).collect())
    }

    /// Waits for this call's turn. A panic in an observer ends the turn, and leaves the workspace whole: nothing in it is
    /// half-changed while launches run.
    fn workspace(&self) -> Turn<'_, Workspace> {
        self.workspace.wait()
    }
}

fn new_output(shape: &[usize]) -> Result<HostTensor, RunError> {
    may_fail().ok().and_then(|()| HostTensor::zeros(shape.to_vec())).ok_or_else(|| {
        RunError::OutOfMemory {
            what: "an output".to_string(),
            bytes: shape.iter().fold(4, |bytes: usize, dim| bytes.saturating_mul(*dim)),
        }
    })
}

/// Looks on while launches run.
trait Observer {
    fn before(&mut self);
    fn after(&mut self, bound: &BoundProgram, launch: usize, addresses: &CallAddresses);
}

impl Observer for () {
    fn before(&mut self) {}
    fn after(&mut self, _: &BoundProgram, _: usize, _: &CallAddresses) {}
}

struct Results<'a> {
    session: &'a Session,
    observe: &'a mut dyn FnMut(&str, HostTensor),
}

impl Observer for Results<'_> {
    fn before(&mut self) {}

    fn after(&mut self, bound: &BoundProgram, launch: usize, addresses: &CallAddresses) {
        let entry = &self.session.artifact.plan().programs[bound.program].launches[launch];
        let (Some(result), Some(view)) = (&entry.result, &bound.launches[launch].result) else {
            return;
        };
        let address = bound.address(view.home, addresses) as *const u8;
        // SAFETY: binding has checked that the view lies inside its memory, which is initialized (by zeros at first) and
        // which nobody writes between launches.
        let bytes = unsafe { std::slice::from_raw_parts(address, view.bytes) };
        if let Some(tensor) = HostTensor::from_bytes(view.shape.clone(), view.element, bytes) {
            (self.observe)(&result.label, tensor);
        }
    }
}

struct Times<'a> {
    session: &'a Session,
    start: Instant,
    times: Vec<LaunchTime>,
}

impl Observer for Times<'_> {
    fn before(&mut self) {
        self.start = Instant::now();
    }

    fn after(&mut self, bound: &BoundProgram, launch: usize, _: &CallAddresses) {
        let microseconds = self.start.elapsed().as_secs_f64() * 1e6;
        let plan = self.session.artifact.plan();
        let entry = &plan.programs[bound.program].launches[launch];
        let kernel = &plan.kernels[entry.kernel];
        self.times.push(LaunchTime {
            symbol: kernel.symbol.clone(),
            family: kernel.family,
            label: entry.result.as_ref().map(|result| result.label.clone()),
            tiles: bound.launches[launch].tiles,
            microseconds,
        });
    }
}
