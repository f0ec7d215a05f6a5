//! [`Session`]: an artifact that is ready to run.

mod binding;
mod bound_program;
mod call_addresses;
mod chosen;
mod compiled_program;
mod destination;
mod device_tensors;
mod dispatch;
mod error;
mod fit;
mod given;
mod indices;
mod io_binding;
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

use crate::artifact::{Artifact, ArtifactError, TargetRequirements, Variant};
use crate::device_tensor::{DeviceArray, DeviceTensor};
use crate::devices::{DeviceError, DeviceStream, Stream, UnfitMachine};
use crate::options::Options;
use crate::tuning::{TuningError, TuningFile};
use binding::{Call, bind};
use bound_program::{BoundProgram, EvaluatedProgram, Programs};
use call_addresses::CallAddresses;
use chosen::{Chosen, choose};
pub use chosen::{NoVariant, Refused, variant_to_run};
use compiled_program::CompiledProgram;
use destination::{Destination, order_outputs};
use device_tensors::{check_device_tensors, new_on_device, to_device, to_host};
pub(crate) use dispatch::Dispatch;
pub use error::RunError;
pub use fit::UnfitLaunch;
use fit::check_launches;
use given::{Given, Prepared, prepare};
pub use io_binding::IoBinding;
use observers::{Launched, Observer, Results, Times};
use ocellus_dialects::kernel::Family;
use ocellus_dialects::plan::Plan;
use ocellus_dialects::{AnyTensor, HostTensor};
use staging::{InFlight, download, upload};
use std::path::Path;
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
    /// None of its variants is for this machine.
    #[error(transparent)]
    NoVariant(#[from] NoVariant),
    /// It is not for the target that was asked for.
    #[error("the artifact was not compiled for `{target}`: name {known}")]
    NotForTarget {
        /// The target.
        target: String,
        /// Those that it is for.
        known: String,
    },
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
    /// What of the artifact runs.
    variant: Variant,
    /// What should be known of how it was chosen, and of its tuning.
    notes: Vec<String>,
}

impl Session {
    /// Loads the artifact at `path`. Where it was [tuned](crate::tuning) on this machine, its launches have the schedules
    /// that this gave.
    ///
    /// # Safety
    /// As for [`Artifact::open`], for as long as the session lives, and for [`Session::new`].
    pub unsafe fn load(path: &Path, options: Options) -> Result<Self, LoadError> {
        // SAFETY: by the contract of this function.
        let mut session = unsafe { Self::new(Artifact::map(path)?, options) }?;
        let path = TuningFile::path_for(path);
        if let Some(file) = TuningFile::read(&path)? {
            session.take_tuning(&file, &path);
        }
        Ok(session)
    }

    /// Takes the schedules that a file remembers for this machine, if it does.
    fn take_tuning(&mut self, file: &TuningFile, path: &Path) {
        let (path, device) = (path.display(), self.device_name());
        if let Some(tuning) = file.of(self.plan(), &device) {
            self.set_schedules(tuning.schedules.clone());
        } else if !file.is_of(&self.artifact) {
            self.notes.push(format!(
                "`{path}` was made for another artifact and is not used: tune this one again"
            ));
        } else {
            let target = &self.variant.target.name;
            self.notes.push(format!(
                "`{path}` has no tuning for `{device}`, which runs the variant for `{target}`: tune the artifact here"
            ));
        }
    }

    /// Makes an artifact ready: of its [variants](Artifact::variants) the most able that the device can run, or that for the target
    /// that the options name.
    ///
    /// # Safety
    /// The code object of the artifact is machine code, which becomes part of this process and runs in it: it must be one
    /// that the compiler wrote. That cannot be checked, so the caller says whose artifacts to trust. All else is checked,
    /// here and when sizes are bound: whatever the plan says, kernels that are what their signatures say stay inside the
    /// memory that they are given, and write no input and no weight.
    pub unsafe fn new(artifact: Artifact, options: Options) -> Result<Self, LoadError> {
        // SAFETY: by the contract of this function.
        let chosen = unsafe { choose(&artifact, &options) }?;
        Self::on(chosen, artifact, options.copies_weights)
    }

    /// Makes an artifact ready on a device that has loaded the code of one of its variants.
    fn on(chosen: Chosen, artifact: Artifact, copies_weights: bool) -> Result<Self, LoadError> {
        let Chosen { variant, device, signatures, notes } = chosen;
        artifact.check_weights(&variant)?;
        let plan = &*variant.plan;
        check_launches(plan, &signatures)?;
        let programs = plan.programs.iter();
        let programs = Programs {
            dispatch: Dispatch::new(plan),
            programs: programs.map(|program| CompiledProgram::new(plan, program, &[])).collect(),
            signatures,
            weights: Weights::new(&artifact, &variant, &*device, copies_weights)?,
            space: device.memory_space(),
        };
        Ok(Session { workspaces: Workspaces::new(device), programs, artifact, variant, notes })
    }

    /// What was loaded.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The host program that runs: of those that the artifact has, that for the [target](Self::target).
    pub fn plan(&self) -> &Plan {
        &self.variant.plan
    }

    /// Of the targets that the artifact was compiled for, that whose program runs.
    pub fn target(&self) -> &TargetRequirements {
        &self.variant.target
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
        self.workspaces.device().notes().into_iter().chain(self.notes.iter().cloned()).collect()
    }

    /// Runs the model on inputs by name. The outputs come in the plan's order.
    ///
    /// Numbers may be f32, which are used where they lie, bf16 or f16; indices i32, which are used where they lie, i64, or
    /// whole f32. Inputs of several types are given as `&dyn AnyTensor`.
    pub fn run<T: AnyTensor + ?Sized>(&self, inputs: &[(&str, &T)]) -> Result<Outputs, RunError> {
        self.execute(&given(inputs), None)
    }

    /// Runs the model on what is bound, tensors on the device among it. Of the outputs those come that are bound to none, in the
    /// plan's order. [When](IoBinding#when-the-work-is-done) the work is done depends on what is bound.
    pub fn run_bound(&self, binding: &IoBinding) -> Result<Outputs, RunError> {
        self.execute(binding, None)
    }

    /// A tensor of f32 on the device of this session, for an input or an output. Nothing has been written there.
    pub fn new_on_device(&self, shape: &[usize]) -> Result<DeviceArray, RunError> {
        Ok(new_on_device(self.workspaces.device(), shape)?)
    }

    /// A copy of a tensor on the device of this session. It is there when this returns.
    pub fn to_device(&self, tensor: &HostTensor) -> Result<DeviceArray, RunError> {
        to_device(self.workspaces.device(), tensor)
    }

    /// A copy of a tensor that lies on the device of this session. Whatever writes there must be done.
    pub fn to_host(&self, array: &DeviceArray) -> Result<HostTensor, RunError> {
        to_host(self.workspaces.device(), array)
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
        binding: &IoBinding,
        observer: Option<&mut dyn Observer>,
    ) -> Result<Outputs, RunError> {
        if !self.artifact.is_as_opened() {
            return Err(RunError::ArtifactChanged);
        }
        let plan = self.plan();
        let call = bind(plan, &binding.inputs)?;
        let inputs = prepare(plan, &call)?;
        let bound_outputs = order_outputs(plan, &binding.outputs)?;
        check_device_tensors(self.workspaces.device(), binding)?;
        let tensors = Tensors { inputs: &inputs, bound_outputs: &bound_outputs };
        let mut workspace = self.workspaces.take(&call.symbols)?;
        // An observer that panics takes the workspace with it.
        let outputs = self.run_in(&mut workspace, &call, tensors, binding.stream, observer);
        if !matches!(outputs, Err(RunError::Device(_))) {
            self.workspaces.give_back(workspace);
        }
        let names = plan.outputs.iter().map(|port| port.name.clone());
        let outputs = names.zip(outputs?);
        Ok(outputs.filter_map(|(name, output)| Some((name, output.host()?))).collect())
    }

    /// Runs a call whose inputs are checked, and lie there as kernels read them.
    fn run_in<'a>(
        &self,
        workspace: &mut Workspace,
        call: &Call,
        Tensors { inputs, bound_outputs }: Tensors<'_, 'a>,
        caller: Option<DeviceStream>,
        observer: Option<&mut dyn Observer>,
    ) -> Result<Vec<Destination<'a>>, RunError> {
        let plan = self.plan();
        let (bound, stream) = workspace.bind(self.workspaces.device(), &call.symbols, || {
            let shapes: Vec<&[usize]> = call.inputs.iter().map(|tensor| tensor.shape).collect();
            EvaluatedProgram::new(plan, &self.programs, call.symbols.clone(), &shapes)
        })?;
        let shapes = plan.outputs.iter().zip(&bound.output_shapes).enumerate();
        let outputs = shapes.map(|(position, (port, shape))| {
            Destination::new(port, shape, bound_outputs.get(position).copied().flatten())
        });
        let mut outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        let addresses = CallAddresses::new(bound.staged.as_ref(), inputs, &mut outputs);
        bound.patch(&addresses);
        let mut in_flight = InFlight::new(stream);
        let stream = in_flight.stream();
        // SAFETY: whoever loaded the artifact vouches for its kernels; binding has held each launch against its kernel's
        // signature, with memory that is there until the stream is synchronized, and so are the tensors; scratch memory is
        // reserved. Whoever made tensors and stream of the caller vouches for them.
        unsafe {
            if let Some(caller) = caller {
                stream.follow(caller)?;
            }
            if let Some(staged) = &bound.staged {
                upload(stream, inputs, staged)?;
            }
            match observer {
                None => stream.run_program(&bound.launches)?,
                Some(observer) => self.run_observed_by(observer, bound, &addresses, stream)?,
            }
            if let Some(staged) = &bound.staged {
                download(stream, staged, &mut outputs)?;
            }
            let stays = outputs.iter().all(|output| matches!(output, Destination::Device(_)));
            match caller.filter(|_| stays) {
                Some(caller) => in_flight.leave_to(caller)?,
                None => in_flight.finish()?,
            }
        }
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
        let plan = self.plan();
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

/// The tensors of a call in the plan's order.
struct Tensors<'i, 'a> {
    inputs: &'i [Prepared<'i>],
    /// What outputs are bound to; none of them where it is empty.
    bound_outputs: &'i [Option<&'a DeviceTensor<'a>>],
}

fn given<'a, T: AnyTensor + ?Sized>(inputs: &[(&'a str, &'a T)]) -> IoBinding<'a> {
    let inputs = inputs.iter().map(|(name, tensor)| (*name, Given::new(*tensor))).collect();
    IoBinding { inputs, ..IoBinding::new() }
}
