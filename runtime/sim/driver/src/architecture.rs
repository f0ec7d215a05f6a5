//! What GPUs of a compute capability have, as NVIDIA's programming guide lists it, and which texts they take.

/// A compute capability, and what a multiprocessor of it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Architecture {
    pub major: u32,
    pub minor: u32,
    /// Multiprocessors of a GPU of it that is common.
    pub multiprocessors: u32,
    pub threads: u32,
    pub blocks: u32,
    /// Bytes of shared memory of a multiprocessor.
    pub shared: u32,
    /// Bytes of the second-level cache of the GPU.
    pub cache: u32,
}

/// Bytes of shared memory that each block takes beside its own.
pub(crate) const RESERVED_SHARED: u32 = 1024;

const fn row(version: [u32; 2], counts: [u32; 3], shared_kib: u32, cache_mib: u32) -> Architecture {
    let ([major, minor], [multiprocessors, threads, blocks]) = (version, counts);
    let (shared, cache) = (shared_kib << 10, cache_mib << 20);
    Architecture { major, minor, multiprocessors, threads, blocks, shared, cache }
}

const ALL: [Architecture; 8] = [
    row([7, 5], [40, 1024, 16], 64, 4),
    row([8, 0], [108, 2048, 32], 164, 40),
    row([8, 6], [84, 1536, 16], 100, 6),
    row([8, 7], [16, 1536, 16], 164, 4),
    row([8, 9], [128, 1536, 24], 100, 72),
    row([9, 0], [132, 2048, 32], 228, 50),
    row([10, 0], [148, 2048, 32], 228, 126),
    row([12, 0], [170, 1536, 24], 100, 96),
];

impl Architecture {
    /// The one of a name as `sm_80`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let number: u32 = name.strip_prefix("sm_")?.parse().ok()?;
        ALL.into_iter().find(|one| one.number() == number)
    }

    /// 80 for 8.0.
    pub(crate) fn number(&self) -> u32 {
        self.major * 10 + self.minor
    }

    /// The most bytes of shared memory that a block may ask for.
    pub(crate) fn most_shared(&self) -> u32 {
        self.shared - RESERVED_SHARED
    }

    /// Whether a text for such a target can be compiled for it: `sm_80` by all from there, `sm_90a` by that one alone, `sm_100f`
    /// by those of its family.
    pub(crate) fn takes(&self, target: &str) -> bool {
        let Some(name) = target.strip_prefix("sm_") else { return false };
        let number = name.trim_end_matches(['a', 'f']);
        let Ok(wanted) = number.parse::<u32>() else { return false };
        match &name[number.len()..] {
            "" => wanted <= self.number(),
            "a" => wanted == self.number(),
            "f" => wanted <= self.number() && wanted / 10 == self.major,
            _ => false,
        }
    }
}

/// The oldest driver that reads a version of PTX, as the driver numbers itself (13000 for CUDA 13.0).
pub(crate) fn driver_of_ptx((major, minor): (u32, u32)) -> u32 {
    let release = match (major, minor) {
        (..=6, _) => return 9000,
        (7, _) => 11000,
        (8, ..=5) => 12000,
        (8, _) => 12010,
        (later, _) => later.saturating_add(4).saturating_mul(1000),
    };
    minor.saturating_mul(10).saturating_add(release)
}
