//! What kernels are written for. A family that writes different code for each has a file or a folder of each one's name.

mod cpu;
mod name;
mod nvidia;

pub use cpu::CpuTarget;
pub use name::TargetError;
pub use nvidia::{NvidiaTarget, WARP};

use ocellus_runtime::artifact::TargetRequirements;

/// What kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A CPU.
    Cpu(CpuTarget),
    /// An NVIDIA GPU.
    Nvidia(NvidiaTarget),
}

impl From<CpuTarget> for Target {
    fn from(cpu: CpuTarget) -> Self {
        Target::Cpu(cpu)
    }
}

impl From<&CpuTarget> for Target {
    fn from(cpu: &CpuTarget) -> Self {
        Target::Cpu(*cpu)
    }
}

impl From<NvidiaTarget> for Target {
    fn from(nvidia: NvidiaTarget) -> Self {
        Target::Nvidia(nvidia)
    }
}

impl From<&NvidiaTarget> for Target {
    fn from(nvidia: &NvidiaTarget) -> Self {
        Target::Nvidia(*nvidia)
    }
}

impl Target {
    /// What LLVM and descriptions of machines call it: `x86-64-v4`, `sm_80`.
    pub fn isa(&self) -> &'static str {
        match self {
            Target::Cpu(cpu) => cpu.name,
            Target::Nvidia(nvidia) => nvidia.name,
        }
    }

    /// The target that is called so.
    pub fn of_isa(name: &str) -> Option<Target> {
        let cpu = CpuTarget::from_name(name).map(Target::Cpu);
        cpu.or_else(|| NvidiaTarget::from_name(name).map(Target::Nvidia))
    }

    /// What the artifact asks of the machine that runs it.
    pub fn requirements(&self) -> TargetRequirements {
        let (architecture, features) = match self {
            Target::Cpu(cpu) => ("x86_64", cpu.required_features()),
            Target::Nvidia(_) => ("nvptx64", vec![]),
        };
        TargetRequirements {
            name: self.name(),
            architecture: architecture.to_string(),
            features: features.into_iter().map(String::from).collect(),
        }
    }

    /// Threads of a worker, which share the columns of a row.
    pub(crate) fn threads(&self) -> i64 {
        match self {
            Target::Cpu(_) => 1,
            Target::Nvidia(_) => WARP,
        }
    }

    /// How many f32 a thread works on at once.
    pub(crate) fn lanes(&self) -> u32 {
        match self {
            Target::Cpu(cpu) => cpu.lanes(),
            Target::Nvidia(_) => 1,
        }
    }

    /// Whether an instruction rounds that many f32 to bf16.
    pub(crate) fn rounds_to_bf16(&self, lanes: u32) -> bool {
        match self {
            // It takes subnormals for zero; the other way does not.
            Target::Cpu(cpu) => cpu.avx512_bf16 && lanes >= 8,
            Target::Nvidia(_) => true,
        }
    }

    /// Columns of a tile of columns: `cpu` on a CPU, one for each thread of a worker elsewhere.
    pub(crate) fn tile_columns(&self, cpu: i64) -> i64 {
        match self {
            Target::Cpu(_) => cpu,
            Target::Nvidia(_) => WARP,
        }
    }

    /// Rows of a tile of rows: `cpu` on a CPU, where handing out a tile takes time, one elsewhere.
    pub(crate) fn tile_rows(&self, cpu: i64) -> i64 {
        match self {
            Target::Cpu(_) => cpu,
            Target::Nvidia(_) => 1,
        }
    }
}
