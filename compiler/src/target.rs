//! What a model is compiled for.

use ocellus_kernels::CpuTarget;
use ocellus_runtime::artifact::TargetRequirements;

/// A name that is no target, or a machine that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A name that is no target.
    #[error("`{0}` is no target: write `cpu` for this machine, or one of {known}", known = known_names())]
    Unknown(String),
    /// An NVIDIA GPU.
    #[error("there is no code generator for NVIDIA GPUs yet (`{0}`): write `cpu`, or one of {known}", known = known_names())]
    Gpu(String),
    /// This machine is no target.
    #[error(
        "this machine has no AVX2, FMA and F16C, which every target needs: name the target to compile for another machine"
    )]
    Host,
}

fn known_names() -> String {
    CpuTarget::ALL.map(|target| format!("`cpu:{}`", target.name)).join(", ")
}

/// What a model is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A CPU.
    Cpu(CpuTarget),
}

impl Target {
    /// This machine's CPU.
    pub fn host() -> Result<Target, TargetError> {
        CpuTarget::host().map(Target::Cpu).ok_or(TargetError::Host)
    }

    /// The target of that name, as `--target` takes it: `cpu`, `cpu:x86-64-v3`, ...
    pub fn from_name(name: &str) -> Result<Target, TargetError> {
        match name.split_once(':') {
            None if name == "cpu" => Target::host(),
            Some(("cpu", cpu)) => CpuTarget::from_name(cpu)
                .map(Target::Cpu)
                .ok_or_else(|| TargetError::Unknown(name.to_string())),
            _ if name.starts_with("sm_") => Err(TargetError::Gpu(name.to_string())),
            _ => Err(TargetError::Unknown(name.to_string())),
        }
    }

    /// Every target, the least able first.
    pub fn all() -> impl Iterator<Item = Target> {
        CpuTarget::ALL.into_iter().map(Target::Cpu)
    }

    /// Its name, as [`Target::from_name`] takes it.
    pub fn name(&self) -> String {
        ocellus_kernels::Target::from(self.cpu()).name()
    }

    /// The CPU that kernels are written for.
    pub fn cpu(&self) -> &CpuTarget {
        let Target::Cpu(cpu) = self;
        cpu
    }

    /// What the artifact asks of the machine that runs it.
    pub fn requirements(&self) -> TargetRequirements {
        let cpu = self.cpu();
        let avx2 = ["avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"].as_slice();
        let avx512 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"].as_slice();
        let wide = if cpu.vector_bits == 512 { avx512 } else { &[] };
        let bf16 = if cpu.avx512_bf16 { ["avx512bf16"].as_slice() } else { &[] };
        TargetRequirements {
            name: self.name(),
            architecture: "x86_64".into(),
            features: [avx2, wide, bf16].concat().into_iter().map(String::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_runtime::devices::DeviceKind;

    #[test]
    fn names_round_trip_and_strangers_are_told_what_there_is() {
        for target in CpuTarget::ALL {
            let name = format!("cpu:{}", target.name);
            assert_eq!(Target::from_name(&name), Ok(Target::Cpu(target)));
        }
        let error = Target::from_name("cpu:z80").unwrap_err().to_string();
        assert!(error.contains("`cpu:z80`") && error.contains("`cpu:x86-64-v3`"), "{error}");
        assert!(matches!(Target::from_name("sm_90a"), Err(TargetError::Gpu(_))));
    }

    #[test]
    fn the_runtime_knows_every_feature_that_a_target_asks_for() {
        for target in CpuTarget::ALL.into_iter().filter(CpuTarget::runs_here) {
            assert_eq!(
                DeviceKind::of(&Target::Cpu(target).requirements(), None),
                Ok(DeviceKind::Cpu)
            );
        }
    }
}
