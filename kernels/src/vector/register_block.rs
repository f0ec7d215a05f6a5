//! The inner loop of products of two activations: a block of sums held in registers. Neither side needs more packing
//! than a row of vectors at each step; [`crate::gemm::MicroKernel`] wants more of both, and weights have it.

use crate::CpuTarget;
use crate::mlir::{Builder, Scalar, Type, Value};

/// What stands in one 32-bit cell of a block that a product reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// One f32: narrower elements are widened when they are copied into scratch memory.
    F32,
    /// Two bf16 that follow each other along the summed dimension: one instruction multiplies and adds both.
    Bf16Pair,
}

impl Cell {
    /// Elements in a cell.
    pub(crate) fn elements(self) -> i64 {
        match self {
            Cell::F32 => 1,
            Cell::Bf16Pair => 2,
        }
    }
}

/// Bytes of a cell, and of an f32.
pub(crate) const CELL: i64 = 4;

/// `sums[row][lane] = sum over step of left[row, step] * right[step][lane]`: each cell of the left operand meets a row
/// of vectors of the right one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterBlock {
    /// What stands in a cell.
    pub(crate) cell: Cell,
    /// Rows of sums.
    pub(crate) rows: i64,
    /// Vectors in a row of sums.
    pub(crate) vectors: i64,
    /// Numbers in a vector.
    pub(crate) lanes: i64,
    /// Bytes in the left operand from one step to the next.
    pub(crate) left_step: i64,
    /// Bytes in the right operand from one step to the next.
    pub(crate) right_step: i64,
}

impl RegisterBlock {
    /// The block for a target, its left operand's steps and its right operand's so many bytes apart. AVX-512 has 32
    /// registers and takes up to 8 x 3 for sums; AVX2 has 16 and takes 4 x 3.
    pub(crate) fn new(
        target: &CpuTarget,
        cell: Cell,
        vectors: i64,
        (left_step, right_step): (i64, i64),
    ) -> Self {
        let (rows, lanes) = (Self::rows_of(target), i64::from(target.lanes()));
        RegisterBlock { cell, rows, vectors, lanes, left_step, right_step }
    }

    /// Rows of sums on a target.
    pub(crate) fn rows_of(target: &CpuTarget) -> i64 {
        if target.vector_bits >= 512 { 8 } else { 4 }
    }

    /// The addresses of the left operand's rows, so many bytes apart.
    pub(crate) fn rows_apart(&self, b: &mut Builder, first: Value, bytes: i64) -> Vec<Value> {
        (0..self.rows).map(|row| b.offset_constant(first, row * bytes)).collect()
    }

    /// The sums over `steps` cells, row by row. `left` is where each row starts.
    pub(crate) fn emit(
        &self,
        b: &mut Builder,
        left: &[Value],
        right: Value,
        steps: Value,
    ) -> Vec<Value> {
        let zero = b.splat(0.0, Type::f32s(self.lanes as u32));
        let sums = vec![zero; (self.rows * self.vectors) as usize];
        let first = b.i64(0);
        b.for_loop((first, steps, 1), &sums, |b, step, sums| {
            let left_bytes = b.mul_constant(step, self.left_step);
            let left: Vec<Value> = left.iter().map(|row| b.offset(*row, left_bytes)).collect();
            let right_bytes = b.mul_constant(step, self.right_step);
            let right = b.offset(right, right_bytes);
            self.step(b, &left, right, sums)
        })
    }

    fn step(&self, b: &mut Builder, left: &[Value], right: Value, sums: &[Value]) -> Vec<Value> {
        let lanes = self.lanes as u32;
        let mut next = Vec::with_capacity(sums.len());
        let columns: Vec<Value> = (0..self.vectors)
            .map(|vector| {
                let pointer = b.offset_constant(right, vector * self.lanes * CELL);
                match self.cell {
                    Cell::F32 => b.load(pointer, Type::f32s(lanes)),
                    Cell::Bf16Pair => b.load(pointer, Type::Vector(Scalar::BF16, 2 * lanes)),
                }
            })
            .collect();
        for (pointer, sums) in left.iter().zip(sums.chunks(self.vectors as usize)) {
            let cell = match self.cell {
                Cell::F32 => {
                    let cell = b.load(*pointer, Type::F32);
                    b.broadcast(cell, lanes)
                }
                Cell::Bf16Pair => {
                    let cell = b.load(*pointer, Type::I32);
                    let cell = b.broadcast(cell, lanes);
                    b.bitcast(cell, Type::Vector(Scalar::BF16, 2 * lanes))
                }
            };
            for (column, sum) in columns.iter().zip(sums) {
                next.push(match self.cell {
                    Cell::F32 => b.fma(cell, *column, *sum),
                    Cell::Bf16Pair => b.intrinsic(
                        "llvm.x86.avx512bf16.dpbf16ps.512",
                        &[*sum, cell, *column],
                        Type::f32s(lanes),
                    ),
                });
            }
        }
        next
    }
}
