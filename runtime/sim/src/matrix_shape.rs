//! [`MatrixShape`]: which products `mma.sync` makes.

/// The kinds of `mma.sync`, by size and the type of what is multiplied.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MatrixShape {
    /// m16n8k8, bf16 to f32
    Bf16K8,
    /// m16n8k16, bf16 to f32
    Bf16K16,
    /// m16n8k8, f16 to f32
    F16K8,
    /// m16n8k16, f16 to f32
    F16K16,
    /// m16n8k8, f16 to f16
    F16ToF16K8,
    /// m16n8k16, f16 to f16
    F16ToF16K16,
    /// m16n8k4, tf32 to f32
    Tf32K4,
    /// m16n8k8, tf32 to f32
    Tf32K8,
    /// m8n8k4, f64
    F64K4,
    /// m16n8k16, bytes to s32
    Int8K16,
    /// m16n8k32, bytes to s32
    Int8K32,
}
