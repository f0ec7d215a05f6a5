//! Products of tensor cores: matrices of 8 by 8 elements of 16 bits, read from shared memory and spread over the lanes of a
//! warp, and their products, summed in f32.

use crate::mlir::{Builder, Scalar, Type, Value};
use ocellus_dialects::ElementType;

/// Rows, columns and depth of one `mma.sync`.
pub(crate) const MMA: [i64; 3] = [16, 8, 16];

/// Which matrices are read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrices {
    /// Two or four: lanes name their rows, eight lanes a matrix.
    pub(crate) count: usize,
    /// Whether columns become rows.
    pub(crate) transposed: bool,
}

/// Reads matrices, a register each. `from` is the address of the row that the lane names.
pub(crate) fn read_matrices(b: &mut Builder, from: Value, matrices: Matrices) -> Vec<Value> {
    let Matrices { count, transposed } = matrices;
    let transposed = if transposed { ".trans" } else { "" };
    let name = format!("llvm.nvvm.ldmatrix.sync.aligned.m8n8.x{count}{transposed}.b16");
    b.intrinsic_with_results(&name, &[from], (count, Type::I32))
}

/// Sums of 16 rows by 8 columns that a lane has: of two columns beside each other, in a row and in the eighth behind it.
pub(crate) type Sums = [Value; 4];

/// Sums of nothing yet.
pub(crate) fn no_sums(b: &mut Builder) -> Sums {
    [b.splat(0.0, Type::F32); 4]
}

/// `sums + x weight^T`, of 16 rows of x and 8 of the weight, and of as many columns as they have registers: four and two for
/// 16, two and one for 8; of f32, whose last bits do not count, half as many.
pub(crate) fn multiply(
    b: &mut Builder,
    element: ElementType,
    (x, weight): (&[Value], &[Value]),
    sums: Sums,
) -> Sums {
    let is_half = element == ElementType::F16;
    let mut operands: Vec<Value> = vec![];
    for register in x.iter().chain(weight) {
        operands.push(if is_half { b.split_bits(*register, Scalar::F16) } else { *register });
    }
    operands.extend(sums);
    let depth = 16 * x.len() as i64 / (2 * element.bytes());
    let kind = match element {
        ElementType::F16 => "f32.f32",
        ElementType::F32 => "tf32",
        ElementType::BF16 | ElementType::I32 => "bf16",
    };
    let name = format!("llvm.nvvm.mma.m16n8k{depth}.row.col.{kind}");
    let given = b.intrinsic_with_results(&name, &operands, (sums.len(), Type::F32));
    std::array::from_fn(|position| given[position])
}
