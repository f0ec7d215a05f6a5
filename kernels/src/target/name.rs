//! Targets by their names, as `--target` takes them.

use super::{CpuTarget, NvidiaTarget, Target};

/// A name that is no target, or a machine that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A name that is no target.
    #[error("`{0}` is no target: write `cpu` for this machine, or one of {known}", known = known_names())]
    Unknown(String),
    /// This machine is no target.
    #[error(
        "this machine has no AVX2, FMA and F16C, which every CPU needs: name the target to compile for another machine"
    )]
    Host,
}

fn known_names() -> String {
    Target::all().map(|target| format!("`{}`", target.name())).collect::<Vec<_>>().join(", ")
}

impl Target {
    /// This machine's CPU.
    pub fn host() -> Result<Target, TargetError> {
        CpuTarget::host().map(Target::Cpu).ok_or(TargetError::Host)
    }

    /// The target of that name: `cpu`, `cpu:x86-64-v3`, `sm_80`.
    pub fn from_name(name: &str) -> Result<Target, TargetError> {
        let known = match name.split_once(':') {
            None if name == "cpu" => return Target::host(),
            None => NvidiaTarget::from_name(name).map(Target::Nvidia),
            Some(("cpu", cpu)) => CpuTarget::from_name(cpu).map(Target::Cpu),
            Some(_) => None,
        };
        known.ok_or_else(|| TargetError::Unknown(name.to_string()))
    }

    /// Every target: CPUs, then GPUs, of each kind the least able first.
    pub fn all() -> impl Iterator<Item = Target> {
        let cpus = CpuTarget::ALL.into_iter().map(Target::Cpu);
        cpus.chain(NvidiaTarget::ALL.into_iter().map(Target::Nvidia))
    }

    /// Its place among [all](Target::all): a machine that can run two of one kind is faster with the later, and CPUs come first.
    pub fn place(&self) -> usize {
        Target::all().take_while(|target| target.name() != self.name()).count()
    }

    /// Its name, as [`Target::from_name`] takes it.
    pub fn name(&self) -> String {
        match self {
            Target::Cpu(cpu) => format!("cpu:{}", cpu.name),
            Target::Nvidia(nvidia) => nvidia.name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_in_order_and_strangers_are_told_what_there_is() {
        for target in Target::all() {
            assert_eq!(Target::from_name(&target.name()), Ok(target));
        }
        assert!(Target::all().map(|target| target.place()).eq(0..Target::all().count()));
        for stranger in ["cpu:z80", "sm_90a", "gpu:sm_80", ""] {
            let error = Target::from_name(stranger).unwrap_err().to_string();
            assert!(error.contains(&format!("`{stranger}` is no target")), "{error}");
            assert!(error.contains("`cpu:x86-64-v3`") && error.contains("`sm_80`"), "{error}");
        }
    }
}
