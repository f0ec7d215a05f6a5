//! The CPUs that kernels are written for: instruction-set levels, not models.

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
}

impl CpuTarget {
    /// AVX2, FMA, F16C: every x86 server since 2015.
    pub const X86_64_V3: CpuTarget = CpuTarget {
        name: "x86-64-v3",
        cpu: "x86-64-v3",
        features: "",
        vector_bits: 256,
        avx512_bf16: false,
    };
    /// AVX-512 F, BW, CD, DQ, VL: Skylake-SP and later, Zen 4 and later.
    pub const X86_64_V4: CpuTarget = CpuTarget {
        name: "x86-64-v4",
        cpu: "x86-64-v4",
        features: "",
        vector_bits: 512,
        avx512_bf16: false,
    };
    /// AVX-512 with BF16: Cooper Lake, Zen 4 and later; Sapphire Rapids has it, and is faster without.
    pub const X86_64_V4_BF16: CpuTarget = CpuTarget {
        name: "x86-64-v4-bf16",
        cpu: "x86-64-v4",
        features: "+avx512bf16",
        vector_bits: 512,
        avx512_bf16: true,
    };
    /// Every target, the least able first.
    pub const ALL: [CpuTarget; 3] =
        [CpuTarget::X86_64_V3, CpuTarget::X86_64_V4, CpuTarget::X86_64_V4_BF16];

    /// The fastest target that this machine can run; `None` where it can run none.
    pub fn host() -> Option<CpuTarget> {
        let is_fast = |target: &CpuTarget| !(target.avx512_bf16 && multiplies_bf16_in_tiles());
        CpuTarget::ALL.into_iter().rev().find(|target| target.runs_here() && is_fast(target))
    }

    /// The target of that name. LLVM's names of CPUs whose fastest target it is are known too.
    pub fn from_name(name: &str) -> Option<CpuTarget> {
        let level = match name {
            "haswell" | "broadwell" | "znver1" | "znver2" | "znver3" => "x86-64-v3",
            "skylake-avx512" | "cascadelake" | "icelake-server" | "sapphirerapids"
            | "emeraldrapids" | "graniterapids" => "x86-64-v4",
            "cooperlake" | "znver4" | "znver5" => "x86-64-v4-bf16",
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
        [avx2, wide, bf16].concat()
    }

    /// Whether this machine has all that the target uses.
    #[cfg(target_arch = "x86_64")]
    pub fn runs_here(&self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("movbe");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        avx2 && (self.vector_bits < 512 || avx512)
            && (!self.avx512_bf16 || is_x86_feature_detected!("avx512bf16"))
    }

    /// Whether this machine has all that the target uses.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn runs_here(&self) -> bool {
        false
    }
}

/// Whether this machine has AMX-BF16. Such a machine leaves bf16 to its matrix tiles, and has `vdpbf16ps` for the sake of
/// programs that use it: on two cores of a Sapphire Rapids products in pairs of bf16 reach 230 GFLOP/s, and those of bf16
/// that is widened in the loop, as of f32, 370 to 400.
#[cfg(target_arch = "x86_64")]
fn multiplies_bf16_in_tiles() -> bool {
    const EXTENDED_FEATURES: u32 = 7;
    const AMX_BF16: u32 = 1 << 22;
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    __cpuid(0).eax >= EXTENDED_FEATURES && __cpuid_count(EXTENDED_FEATURES, 0).edx & AMX_BF16 != 0
}

/// Whether this machine has AMX-BF16.
#[cfg(not(target_arch = "x86_64"))]
fn multiplies_bf16_in_tiles() -> bool {
    false
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
        assert_eq!(CpuTarget::from_name("sapphirerapids"), Some(CpuTarget::X86_64_V4));
        assert_eq!(CpuTarget::from_name("i486"), None);
    }

    #[test]
    fn a_machine_that_runs_a_target_runs_the_lesser_ones() {
        let able: Vec<bool> = CpuTarget::ALL.iter().map(CpuTarget::runs_here).collect();
        assert!(able.windows(2).all(|pair| pair[0] || !pair[1]), "{able:?}");
    }
}
