//! The loop over steps along k: while the warps multiply one, later ones are on their way to shared memory.

use super::operand::Operand;
use super::{DEPTH, STAGES, WARP_TILE, operand_bytes, stage_bytes};
use crate::mlir::{Builder, Comparison, Type, Value};
use crate::nvidia::{MMA, Sums, barrier, commit, multiply, no_sums, wait};
use ocellus_dialects::ElementType;

/// The sums of a warp: of 16 rows by 8 columns each, row by row.
pub(super) type WarpSums = Vec<Vec<Sums>>;

/// What the loop is made of.
pub(super) struct MainLoop {
    pub(super) element: ElementType,
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
