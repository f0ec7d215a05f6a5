//! The features of this CPU, by the names that LLVM gives them.

/// Names and whether this CPU has them. Where the standard library calls a feature otherwise, its name stands second.
macro_rules! features {
    ($($name:tt $(= $std:tt)?),* $(,)?) => {
        &[$(($name, features!(@detect $name $($std)?))),*]
    };
    (@detect $name:tt) => { std::is_x86_feature_detected!($name) };
    (@detect $name:tt $std:tt) => { std::is_x86_feature_detected!($std) };
}

#[cfg(target_arch = "x86_64")]
fn known() -> &'static [(&'static str, bool)] {
    static KNOWN: std::sync::OnceLock<Vec<(&'static str, bool)>> = std::sync::OnceLock::new();
    KNOWN.get_or_init(|| {
        let features: &[(&'static str, bool)] = features![
            "adx",
            "aes",
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
