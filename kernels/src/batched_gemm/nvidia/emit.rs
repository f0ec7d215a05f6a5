//! Writes the batched gemm for an NVIDIA GPU.

use super::answer::Answer;
use super::operand::{Operand, Side, left};
use super::{DEPTH, STAGES, StagedProduct, TILE, WARP_TILE, WARPS, operand_bytes, stage_bytes};
use crate::arguments::{Fixed, place};
use crate::batched_gemm::bound::BoundMatrices;
use crate::batched_gemm::{BatchedGemm, BatchedGemmArguments};
use crate::entry::{Entry, special_register};
use crate::mlir::{Builder, Comparison, Module, Scalar, Type, Value};
use crate::nvidia::{MMA, Sums, Thread, barrier, commit, multiply, no_sums, wait};
use ocellus_dialects::ElementType;

impl StagedProduct {
    /// Writes the kernel into a module.
    pub(in crate::batched_gemm) fn define(
        &self,
        gemm: &BatchedGemm,
        module: &mut Module,
        entry: Entry<'_>,
    ) {
        let memory = module.dynamic_shared_memory();
        module.define_gpu(entry.symbol, entry.words, super::THREADS, |b, block, tiles| {
            let number = special_register(b, "ctaid.x");
            let wide = b.extend_unsigned(number, Scalar::I64);
            // The grid may be larger than the tiles need.
            let has_tile = b.compare(Comparison::Less, wide, tiles);
            b.if_then(has_tile, |b| {
                let memory = b.shared_memory(memory);
                self.tile(b, gemm, (block, wide), memory);
            });
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
            (Side::Left, self.runs[0]),
            &a,
            (first_row, rows, depth),
            (&thread, warp_row),
        );
        let (right, right_at) = Operand::of(
            b,
            (of_right, self.runs[1]),
            &right,
            (first_column, columns, depth),
            (&thread, warp_column),
        );
        let main_loop = MainLoop { element: gemm.a, memory, left, right, depth };
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

/// The sums of a warp: of 16 rows by 8 columns each, row by row.
pub(super) type WarpSums = Vec<Vec<Sums>>;

/// The loop over steps along k: while the warps multiply one, later ones are on their way to shared memory.
struct MainLoop {
    element: ElementType,
    memory: Value,
    left: Operand,
    right: Operand,
    /// k, `i32`.
    depth: Value,
}

/// What a step hands on to the next.
struct State {
    /// The bytes at which the stage lies that is multiplied.
    read: Value,
    /// The bytes at which the stage lies that is copied to.
    write: Value,
    /// Where the step is read that is copied.
    sources: [Value; 2],
    sums: WarpSums,
}

impl MainLoop {
    /// The sums over all steps.
    fn run(&self, b: &mut Builder, mut sources: [Value; 2]) -> WarpSums {
        for stage in 0..STAGES - 1 {
            let to = b.offset_constant(self.memory, stage * stage_bytes());
            let first = b.integer(stage * DEPTH, Type::I32);
            sources = self.copy(b, (sources, first), to);
        }
        let none = no_sums(b);
        let products = |size: i64, of: i64| vec![none; (size / of) as usize];
        let start = State {
            read: b.integer(0, Type::I32),
            write: b.integer((STAGES - 1) * stage_bytes(), Type::I32),
            sources,
            sums: vec![products(WARP_TILE, MMA[1]); (WARP_TILE / MMA[0]) as usize],
        };
        let zero = b.integer(0, Type::I32);
        let range = (zero, self.depth, DEPTH);
        let end = b.for_loop(range, &start.values(), |b, first, carried| {
            self.step(b, first, start.with(carried)).values()
        });
        start.with(&end).sums
    }

    /// Sends the step that begins at a column of a on its way. Gives where the next one is read.
    fn copy(
        &self,
        b: &mut Builder,
        (sources, first): ([Value; 2], Value),
        to: Value,
    ) -> [Value; 2] {
        let [left, right] = sources;
        self.left.copy(b, (left, first), to);
        let behind = b.offset_constant(to, operand_bytes());
        self.right.copy(b, (right, first), behind);
        commit(b);
        [self.left.next(b, left), self.right.next(b, right)]
    }

    fn step(&self, b: &mut Builder, first: Value, state: State) -> State {
        let State { read, write, sources, mut sums } = state;
        wait(b, STAGES - 2);
        barrier(b);
        let ahead = b.add_constant(first, (STAGES - 1) * DEPTH);
        let to = b.offset(self.memory, write);
        let sources = self.copy(b, (sources, ahead), to);
        let stage = b.offset(self.memory, read);
        let behind = b.offset_constant(stage, operand_bytes());
        for product in 0..DEPTH / MMA[2] {
            let of_rows: Vec<Vec<Value>> = (0..sums.len() as i64)
                .map(|number| self.left.fragments(b, stage, (number, product)))
                .collect();
            for pair in 0..WARP_TILE / (2 * MMA[1]) {
                let two = self.right.fragments(b, behind, (pair, product));
                for (number, fragment) in two.chunks(2).enumerate() {
                    let column = 2 * pair as usize + number;
                    for (row, of_row) in sums.iter_mut().zip(&of_rows) {
                        row[column] = multiply(b, self.element, (of_row, fragment), row[column]);
                    }
                }
            }
        }
        let next = b.add_constant(read, stage_bytes());
        let [start, end] = [0, STAGES * stage_bytes()].map(|at| b.integer(at, Type::I32));
        let is_over = b.compare(Comparison::Equal, next, end);
        State { read: b.select(is_over, start, next), write: read, sources, sums }
    }
}

impl State {
    fn values(&self) -> Vec<Value> {
        let mut values = vec![self.read, self.write];
        values.extend(self.sources);
        values.extend(self.sums.iter().flatten().flatten());
        values
    }

    /// The same with other values, in that order.
    fn with(&self, values: &[Value]) -> Self {
        let mut values = values.iter().copied();
        let mut take = |like: Value| values.next().unwrap_or(like);
        let (read, write) = (take(self.read), take(self.write));
        let sources = self.sources.map(&mut take);
        let mut sums = self.sums.clone();
        sums.iter_mut().flatten().flatten().for_each(|sum| *sum = take(*sum));
        State { read, write, sources, sums }
    }
}
