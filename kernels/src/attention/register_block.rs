//! The inner product of both matrix products: a block of sums held in registers.

use super::schedule::{CELL, Cell};
use crate::mlir::{Builder, Scalar, Type, Value};

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
    /// Bytes in the left operand from one row to the next.
    pub(crate) left_row: i64,
    /// Bytes in the left operand from one step to the next.
    pub(crate) left_step: i64,
    /// Bytes in the right operand from one step to the next.
    pub(crate) right_step: i64,
}

impl RegisterBlock {
    /// The sums over `steps` cells, row by row.
    pub(crate) fn emit(
        &self,
        b: &mut Builder,
        left: Value,
        right: Value,
        steps: Value,
    ) -> Vec<Value> {
        let zero = b.splat(0.0, Type::f32s(self.lanes as u32));
        let sums = vec![zero; (self.rows * self.vectors) as usize];
        let first = b.i64(0);
        b.for_loop((first, steps, 1), &sums, |b, step, sums| {
            let left_bytes = b.mul_constant(step, self.left_step);
            let left = b.offset(left, left_bytes);
            let right_bytes = b.mul_constant(step, self.right_step);
            let right = b.offset(right, right_bytes);
            self.step(b, left, right, sums)
        })
    }

    fn step(&self, b: &mut Builder, left: Value, right: Value, sums: &[Value]) -> Vec<Value> {
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
        for (row, sums) in sums.chunks(self.vectors as usize).enumerate() {
            let pointer = b.offset_constant(left, row as i64 * self.left_row);
            let cell = match self.cell {
                Cell::F32 => {
                    let cell = b.load(pointer, Type::F32);
                    b.broadcast(cell, lanes)
                }
                Cell::Bf16Pair => {
                    let cell = b.load(pointer, Type::I32);
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
