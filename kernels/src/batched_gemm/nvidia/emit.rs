//! Writes the batched gemm for an NVIDIA GPU.

use super::answer::Answer;
use super::main_loop::MainLoop;
use super::operand::{Operand, Side, left};
use super::{StagedProduct, TILE, WARPS};
use crate::arguments::{Fixed, place};
use crate::batched_gemm::bound::BoundMatrices;
use crate::batched_gemm::{BatchedGemm, BatchedGemmArguments};
use crate::entry::{Entry, define_tiles, special_register};
use crate::mlir::{Builder, Module, Scalar, Type, Value};
use crate::nvidia::{Thread, barrier, wait};

impl StagedProduct {
    /// Writes the kernel into a module.
    pub(in crate::batched_gemm) fn define(
        &self,
        gemm: &BatchedGemm,
        module: &mut Module,
        entry: Entry<'_>,
    ) {
        define_tiles(&entry, module, super::THREADS, |b, tile, memory| {
            self.tile(b, gemm, tile, memory);
        });
    }

    /// Computes the tile of that number. Tiles go image by image, in those matrix by matrix, in those row by row.
    fn tile(
        &self,
        b: &mut Builder,
        gemm: &BatchedGemm,
        (block, number): (Value, Value),
        memory: Value,
    ) {
        let number = b.extend_unsigned(number, Scalar::I64);
        let arguments = place(BatchedGemmArguments::fixed());
        let m = arguments.m.load(b, block);
        let n = arguments.n.load(b, block);
        let k = arguments.k.load(b, block);
        let matrices = arguments.matrices.load(b, block);
        let (across, down) = (b.ceil_div(n, TILE), b.ceil_div(m, TILE));
        let (column, number) = (b.rem(number, across), b.div(number, across));
        let (row, number) = (b.rem(number, down), b.div(number, down));
        let (matrix, image) = (b.rem(number, matrices), b.div(number, matrices));
        let first_row = b.mul_constant(row, TILE);
        let first_column = b.mul_constant(column, TILE);
        let rows = left(b, (m, first_row), TILE);
        let columns = left(b, (n, first_column), TILE);
        let depth = b.truncate_integer(k, Scalar::I32);

        let thread = special_register(b, "tid.x");
        let thread = Thread::of(b, thread);
        let warps = b.integer(WARPS, Type::I32);
        let (warp_row, warp_column) = (b.div(thread.warp, warps), b.rem(thread.warp, warps));
        let mut matrix_of = |matrices, element| {
            let all = BoundMatrices::load(b, block, matrices, element);
            all.at(b, image, matrix)
        };
        let (a, right) = (matrix_of(&arguments.a, gemm.a), matrix_of(&arguments.b, gemm.b));
        let result = matrix_of(&arguments.result, gemm.to);
        let of_right = if gemm.transpose_rhs { Side::RightTransposed } else { Side::Right };
        let (left, left_at) = Operand::of(
            b,
            self.copied(Side::Left),
            &a,
            (first_row, rows, depth),
            (&thread, warp_row),
        );
        let (right, right_at) = Operand::of(
            b,
            self.copied(of_right),
            &right,
            (first_column, columns, depth),
            (&thread, warp_column),
        );
        let main_loop = MainLoop { arithmetic: self.arithmetic, memory, left, right, depth };
        let sums = main_loop.run(b, [left_at, right_at]);
        // Nothing may still be on its way to memory that is used otherwise, nor may a warp still read it.
        wait(b, 0);
        barrier(b);
        let answer = Answer {
            division: self,
            element: gemm.to,
            result,
            first: [first_row, first_column],
            there: [rows, columns],
            warp: [warp_row, warp_column],
            thread,
        };
        answer.write(b, memory, &sums);
    }
}
