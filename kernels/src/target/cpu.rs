//! The CPUs that kernels are written for: instruction-set levels, not models.

use super::Target;
use ocellus_runtime::devices::cpu;

/// LLVM's name of the tiles that multiply bf16.
const AMX_BF16: &str = "amx-bf16";

/// What the code may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CpuTarget {
    /// The name that the command line and artifacts use.
    pub name: &'static str,
    /// LLVM's name of the CPU.
    pub cpu: &'static str,
    /// LLVM's features beyond those of `cpu`.
    pub features: &'static str,
    /// Bits of a vector register.
    pub vector_bits: u32,
    /// Whether there is `vdpbf16ps`: products of bf16 pairs accumulated in f32.
    pub avx512_bf16: bool,
    /// Whether there are AMX tiles, which multiply bf16 at several times the rate of vectors.
    pub amx_bf16: bool,
}

impl CpuTarget {
    /// AVX2, FMA, F16C: every x86 server since 2015.
    pub const X86_64_V3: CpuTarget = CpuTarget {
        name: "x86-64-v3",
        cpu: "x86-64-v3",
        features: "",
        vector_bits: 256,
        avx512_bf16: false,
        amx_bf16: false,
    };
    /// AVX-512 F, BW, CD, DQ, VL: Skylake-SP and later, Zen 4 and later.
    pub const X86_64_V4: CpuTarget = CpuTarget {
        name: "x86-64-v4",
        cpu: "x86-64-v4",
        features: "",
        vector_bits: 512,
        avx512_bf16: false,
        amx_bf16: false,
    };
    /// AVX-512 with BF16: Cooper Lake, Zen 4 and later.
    pub const X86_64_V4_BF16: CpuTarget = CpuTarget {
        name: "x86-64-v4-bf16",
        cpu: "x86-64-v4",
        features: "+avx512bf16",
        vector_bits: 512,
        avx512_bf16: true,
        amx_bf16: false,
    };
    /// AVX-512 and AMX with BF16: Sapphire Rapids, Emerald Rapids, Granite Rapids.
    pub const SAPPHIRERAPIDS: CpuTarget = CpuTarget {
        name: "sapphirerapids",
        cpu: "x86-64-v4",
        features: "+avx512bf16,+amx-tile,+amx-bf16",
        vector_bits: 512,
        avx512_bf16: true,
        amx_bf16: true,
    };
    /// Every target, the least able first.
    pub const ALL: [CpuTarget; 4] = [
        CpuTarget::X86_64_V3,
        CpuTarget::X86_64_V4,
        CpuTarget::X86_64_V4_BF16,
        CpuTarget::SAPPHIRERAPIDS,
    ];

    /// The fastest target that this machine can run; `None` where it can run none.
    pub fn host() -> Option<CpuTarget> {
        // A CPU with tiles has `vdpbf16ps` for the sake of programs that use it: on two cores of a Sapphire Rapids products in
        // pairs of bf16 reach 230 GFLOP/s, and those of bf16 that is widened in the loop, as of f32, 370 to 400.
        let has_tiles = cpu::host_features().contains(&AMX_BF16);
        let is_fast = |target: &CpuTarget| !has_tiles || target.amx_bf16 || !target.avx512_bf16;
        CpuTarget::ALL.into_iter().rev().find(|target| target.runs_here() && is_fast(target))
    }

    /// The target of that name. LLVM's names of CPUs whose fastest target it is are known too.
    pub fn from_name(name: &str) -> Option<CpuTarget> {
        let level = match name {
            "haswell" | "broadwell" | "znver1" | "znver2" | "znver3" => "x86-64-v3",
            "skylake-avx512" | "cascadelake" | "icelake-server" => "x86-64-v4",
            "cooperlake" | "znver4" | "znver5" => "x86-64-v4-bf16",
            "emeraldrapids" | "graniterapids" | "graniterapids-d" => "sapphirerapids",
            name => name,
        };
        CpuTarget::ALL.into_iter().find(|target| target.name == level)
    }

    /// How many f32 a vector register holds.
    pub fn lanes(&self) -> u32 {
        self.vector_bits / 32
    }

    /// The features that the code uses, as LLVM names them.
    pub(super) fn required_features(&self) -> Vec<&'static str> {
        let avx2 = ["avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"].as_slice();
        let avx512 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"].as_slice();
        let wide = if self.vector_bits == 512 { avx512 } else { &[] };
        let bf16 = if self.avx512_bf16 { ["avx512bf16"].as_slice() } else { &[] };
        let amx = if self.amx_bf16 { ["amx-tile", AMX_BF16].as_slice() } else { &[] };
        [avx2, wide, bf16, amx].concat()
    }

    /// Whether this machine has all that the target uses, and lets this process use it.
    pub fn runs_here(&self) -> bool {
        cpu::check(&Target::Cpu(*self).requirements()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;
    use ocellus_runtime::devices::DeviceKind;

    #[test]
    fn the_runtime_knows_every_feature_that_a_target_asks_for() {
        for target in CpuTarget::ALL.into_iter().filter(CpuTarget::runs_here) {
            assert_eq!(
                DeviceKind::of(&Target::Cpu(target).requirements(), None),
                Ok(DeviceKind::Cpu)
            );
        }
    }

    #[test]
    fn a_target_is_found_by_its_name_and_by_a_cpu_of_its_level() {
        for target in CpuTarget::ALL {
            assert_eq!(CpuTarget::from_name(target.name), Some(target));
        }
        assert_eq!(CpuTarget::from_name("znver5"), Some(CpuTarget::X86_64_V4_BF16));
        assert_eq!(CpuTarget::from_name("icelake-server"), Some(CpuTarget::X86_64_V4));
        assert_eq!(CpuTarget::from_name("graniterapids"), Some(CpuTarget::SAPPHIRERAPIDS));
        assert_eq!(CpuTarget::from_name("i486"), None);
    }

    #[test]
    fn a_machine_that_runs_a_target_runs_the_lesser_ones() {
        let able: Vec<bool> = CpuTarget::ALL.iter().map(CpuTarget::runs_here).collect();
        assert!(able.windows(2).all(|pair| pair[0] || !pair[1]), "{able:?}");
    }
}
