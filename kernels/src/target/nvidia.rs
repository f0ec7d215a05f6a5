//! The NVIDIA GPUs that kernels are written for: architectures, not models.

/// What the code may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NvidiaTarget {
    /// The name that the command line, artifacts, LLVM and NVIDIA's assembler use.
    pub name: &'static str,
    /// Bytes of shared memory that a block may ask for.
    pub shared_bytes: i64,
    /// Whether f32 is rounded to tf32 where it is multiplied: three times as fast as products that are near f32.
    pub tf32: bool,
}

/// Threads that run in step.
pub const WARP: i64 = 32;

impl NvidiaTarget {
    /// Ampere's servers: A100.
    pub const SM_80: NvidiaTarget = NvidiaTarget::new("sm_80", 163 << 10);
    /// Ampere: A10, A40, RTX 30.
    pub const SM_86: NvidiaTarget = NvidiaTarget::new("sm_86", 99 << 10);
    /// Ada: L4, L40, RTX 40.
    pub const SM_89: NvidiaTarget = NvidiaTarget::new("sm_89", 99 << 10);
    /// Hopper: H100, H200, by what it has in common with the others.
    pub const SM_90: NvidiaTarget = NvidiaTarget::new("sm_90", 227 << 10);
    /// Blackwell's workstations: RTX 50.
    pub const SM_120: NvidiaTarget = NvidiaTarget::new("sm_120", 99 << 10);
    /// Every target, the oldest first.
    pub const ALL: [NvidiaTarget; 5] = [
        NvidiaTarget::SM_80,
        NvidiaTarget::SM_86,
        NvidiaTarget::SM_89,
        NvidiaTarget::SM_90,
        NvidiaTarget::SM_120,
    ];

    const fn new(name: &'static str, shared_bytes: i64) -> Self {
        NvidiaTarget { name, shared_bytes, tf32: false }
    }

    /// The same, where f32 is rounded to tf32 before it is multiplied.
    pub const fn with_tf32(self) -> Self {
        NvidiaTarget { tf32: true, ..self }
    }

    /// Whether a launch may begin before the one before has ended (programmatic dependent launch): its kernel waits for that one
    /// then. GPUs can from Hopper on.
    pub fn begins_early(&self) -> bool {
        !["sm_80", "sm_86", "sm_89"].contains(&self.name)
    }

    /// The target of that name.
    pub fn from_name(name: &str) -> Option<NvidiaTarget> {
        NvidiaTarget::ALL.into_iter().find(|target| target.name == name)
    }
}
