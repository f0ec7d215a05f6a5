//! The features of this CPU, by the names that LLVM gives them.

/// The feature of matrix tiles, which a process must ask for.
pub(super) const TILES: &str = "amx-tile";

/// Names and whether this CPU has them. Where the standard library calls a feature otherwise, its name stands second;
/// where it does not know it, what finds it stands in brackets.
macro_rules! features {
    ($($name:tt $(= $std:tt)?),* $(,)?) => {
        &[$(($name, features!(@detect $name $($std)?))),*]
    };
    (@detect $name:tt) => { std::is_x86_feature_detected!($name) };
    (@detect $name:tt [$detect:expr]) => { $detect };
    (@detect $name:tt $std:tt) => { std::is_x86_feature_detected!($std) };
}

/// Whether the CPU has that feature of AMX, a bit of what `cpuid` says of it, and the system keeps tiles when threads take
/// turns.
#[cfg(target_arch = "x86_64")]
fn has_amx(feature: u32) -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    const EXTENDED_FEATURES: u32 = 7;
    const TILE_STATE: u64 = 0b11 << 17;
    /// What `xgetbv` needs.
    #[target_feature(enable = "xsave")]
    fn enabled_state() -> u64 {
        // SAFETY: register 0 is there wherever the instruction is.
        unsafe { _xgetbv(0) }
    }
    // AVX is only detected where the system has enabled `xgetbv`.
    if !std::is_x86_feature_detected!("avx") || __cpuid(0).eax < EXTENDED_FEATURES {
        return false;
    }
    // SAFETY: a CPU with AVX has `xsave`.
    let state = unsafe { enabled_state() };
    let features = __cpuid_count(EXTENDED_FEATURES, 0).edx;
    features & feature != 0 && state & TILE_STATE == TILE_STATE
}

#[cfg(target_arch = "x86_64")]
fn known() -> &'static [(&'static str, bool)] {
    static KNOWN: std::sync::OnceLock<Vec<(&'static str, bool)>> = std::sync::OnceLock::new();
    KNOWN.get_or_init(|| {
        let features: &[(&'static str, bool)] = features![
            "adx",
            "aes",
            "amx-bf16" = [has_amx(1 << 22)],
            "amx-int8" = [has_amx(1 << 25)],
            "amx-tile" = [has_amx(1 << 24)],
            "avx",
            "avx2",
            "avx512bf16",
            "avx512bitalg",
            "avx512bw",
            "avx512cd",
            "avx512dq",
            "avx512f",
            "avx512fp16",
            "avx512ifma",
            "avx512vbmi",
            "avx512vbmi2",
            "avx512vl",
            "avx512vnni",
            "avx512vp2intersect",
            "avx512vpopcntdq",
            "avxvnni",
            "bmi" = "bmi1",
            "bmi2",
            "cx16" = "cmpxchg16b",
            "f16c",
            "fma",
            "fxsr",
            "gfni",
            "lzcnt",
            "mmx",
            "movbe",
            "pclmul" = "pclmulqdq",
            "popcnt",
            "rdrnd" = "rdrand",
            "rdseed",
            "sha",
            "sse",
            "sse2",
            "sse3",
            "sse4.1",
            "sse4.2",
            "ssse3",
            "vaes",
            "vpclmulqdq",
            "xsave",
            "xsavec",
            "xsaveopt",
            "xsaves",
        ];
        features.to_vec()
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn known() -> &'static [(&'static str, bool)] {
    &[]
}

/// The features that this CPU has, in alphabetical order.
pub fn host_features() -> Vec<&'static str> {
    known().iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect()
}

/// Those of the required features that this CPU lacks. One that is not known counts as lacking: to run on a guess would
/// end in an illegal instruction.
pub fn missing_features(required: &[String]) -> Vec<String> {
    let present = host_features();
    required.iter().filter(|name| !present.contains(&name.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_has_is_not_missing() {
        let host: Vec<String> = host_features().into_iter().map(str::to_string).collect();
        assert!(missing_features(&host).is_empty());
        assert!(host.is_sorted());
        #[cfg(target_arch = "x86_64")]
        assert!(host.iter().any(|name| name == "sse2"));
        assert_eq!(missing_features(&["of-the-future".to_string()]), ["of-the-future"]);
    }
}
