//! The loop over steps along k: while the warps multiply one, later ones are on their way to shared memory.

use super::operand::Operand;
use super::{OPERAND_BYTES, STAGES, WARP_TILE, depth};
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{Arithmetic, MMA, Parts, Sums, barrier, commit, half_of_pair, no_sums, wait};

/// The sums of a warp: of 16 rows by 8 columns each, row by row.
pub(super) type WarpSums = Vec<Vec<Sums>>;

/// What the loop is made of.
pub(super) struct MainLoop {
    pub(super) arithmetic: Arithmetic,
    pub(super) memory: Value,
    pub(super) left: Operand,
    pub(super) right: Operand,
    /// k, `i32`.
    pub(super) depth: Value,
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
    pub(super) fn run(&self, b: &mut Builder, mut sources: [Value; 2]) -> WarpSums {
        for stage in 0..STAGES.count - 1 {
            let to = b.offset_constant(self.memory, STAGES.at(stage));
            let first = b.integer(stage * depth(self.arithmetic), Type::I32);
            sources = self.copy(b, (sources, first), to);
        }
        let none = no_sums(b);
        let products = |size: i64, of: i64| vec![none; (size / of) as usize];
        let start = State {
            read: b.integer(STAGES.at(0), Type::I32),
            write: b.integer(STAGES.at(STAGES.count - 1), Type::I32),
            sources,
            sums: vec![products(WARP_TILE, MMA[1]); (WARP_TILE / MMA[0]) as usize],
        };
        let zero = b.integer(0, Type::I32);
        let range = (zero, self.depth, depth(self.arithmetic));
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
        let behind = b.offset_constant(to, OPERAND_BYTES);
        self.right.copy(b, (right, first), behind);
        commit(b);
        [self.left.next(b, left), self.right.next(b, right)]
    }

    fn step(&self, b: &mut Builder, first: Value, state: State) -> State {
        let State { read, write, sources, mut sums } = state;
        wait(b, STAGES.count - 2);
        barrier(b);
        let ahead = b.add_constant(first, (STAGES.count - 1) * depth(self.arithmetic));
        let to = b.offset(self.memory, write);
        let sources = self.copy(b, (sources, ahead), to);
        let stage = b.offset(self.memory, read);
        let behind = b.offset_constant(stage, OPERAND_BYTES);
        for product in 0..depth(self.arithmetic) / self.arithmetic.depth() {
            self.add_products(b, (stage, behind), product, &mut sums);
        }
        State { read: STAGES.after(b, read), write: read, sources, sums }
    }

    /// Adds the products of that number along k, of the operands that lie there.
    fn add_products(
        &self,
        b: &mut Builder,
        (left, right): (Value, Value),
        product: i64,
        sums: &mut WarpSums,
    ) {
        let arithmetic = self.arithmetic;
        let mut of_row = |number: usize| {
            let fragment = self.left.fragments(b, left, (number as i64, product));
            arithmetic.parts(b, &fragment)
        };
        let of_rows: Vec<Parts> = (0..sums.len()).map(&mut of_row).collect();
        for pair in 0..WARP_TILE / (2 * MMA[1]) {
            let two = self.right.fragments(b, right, (pair, product));
            let halves = [0, 1].map(|half| arithmetic.parts(b, &half_of_pair(&two, half)));
            for (of_left, of_right) in arithmetic.products() {
                for (half, of_column) in halves.iter().enumerate() {
                    let column = 2 * pair as usize + half;
                    for (row, of_row) in sums.iter_mut().zip(&of_rows) {
                        let operands = (&of_row[*of_left][..], &of_column[*of_right][..]);
                        row[column] = arithmetic.multiply(b, operands, row[column]);
                    }
                }
            }
        }
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
