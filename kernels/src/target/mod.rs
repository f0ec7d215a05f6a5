//! What kernels are written for. A family that writes different code for each has a file or a folder of each one's name.

mod cpu;
mod name;
mod nvidia;

pub use cpu::CpuTarget;
pub use name::TargetError;
pub use nvidia::{NvidiaTarget, WARP};

use crate::gemm::Arithmetic;
use ocellus_dialects::ElementType;
use ocellus_runtime::artifact::TargetRequirements;

/// The feature of a GPU whose products of f32 are those of tf32.
const TF32: &str = "tf32";

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
    /// What descriptions of machines call it: `x86-64-v4`, `sm_80`, `sm_80+tf32`.
    pub fn isa(&self) -> String {
        match self {
            Target::Cpu(cpu) => cpu.name.to_string(),
            Target::Nvidia(nvidia) if nvidia.tf32 => format!("{}+{TF32}", nvidia.name),
            Target::Nvidia(nvidia) => nvidia.name.to_string(),
        }
    }

    /// The target that is called so.
    pub fn of_isa(isa: &str) -> Option<Target> {
        match isa.split_once('+') {
            None => {
                let cpu = CpuTarget::from_name(isa).map(Target::Cpu);
                cpu.or_else(|| NvidiaTarget::from_name(isa).map(Target::Nvidia))
            }
            Some((isa, TF32)) => Target::of_isa(isa)?.with_tf32(),
            Some(_) => None,
        }
    }

    /// The same, where f32 is rounded to tf32 before it is multiplied; `None` where no such products are.
    pub fn with_tf32(self) -> Option<Target> {
        match self {
            Target::Cpu(_) => None,
            Target::Nvidia(nvidia) => Some(Target::Nvidia(nvidia.with_tf32())),
        }
    }

    /// How far products of numbers that are stored so may be from the true ones, in parts of them, before they are added.
    pub fn product_error(&self, element: ElementType) -> f64 {
        match self {
            Target::Cpu(_) => 0.0,
            Target::Nvidia(nvidia) => {
                Arithmetic::of(element, nvidia).map_or(0.0, Arithmetic::error)
            }
        }
    }

    /// What the artifact asks of the machine that runs it.
    pub fn requirements(&self) -> TargetRequirements {
        let (architecture, features) = match self {
            Target::Cpu(cpu) => ("x86_64", cpu.required_features()),
            Target::Nvidia(nvidia) => (nvidia.name, if nvidia.tf32 { vec![TF32] } else { vec![] }),
        };
        TargetRequirements {
            name: self.name(),
            architecture: architecture.to_string(),
            features: features.into_iter().map(String::from).collect(),
        }
    }

    /// The target that asks for that; `None` where it is none of this version.
    pub fn of_requirements(requirements: &TargetRequirements) -> Option<Target> {
        let target = Target::from_name(&requirements.name).ok()?;
        match requirements.features.iter().any(|feature| feature == TF32) {
            true => target.with_tf32(),
            false => Some(target),
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
