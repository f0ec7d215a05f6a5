//! [`Values`]: weighted values are added to the answer so far.

use super::Schedule;
use super::softmax::Weighed;
use super::state::State;
use crate::mlir::{Builder, Value};
use crate::nvidia::{ChunkWalk, MMA, Matrices, Sums, Thread, no_sums, read_matrices};

/// Where a lane reads the fragments of values.
pub(super) struct Values {
    schedule: Schedule,
    values: ChunkWalk,
}

impl Values {
    pub(super) fn of(b: &mut Builder, schedule: &Schedule, thread: &Thread) -> Self {
        let place = thread.place_in_matrices(b);
        Values { schedule: *schedule, values: schedule.rows().walk(b, place, 2) }
    }

    /// What is known after a block, whose values lie there.
    pub(super) fn add(
        &self,
        b: &mut Builder,
        weighed: Weighed,
        values: Value,
        before: Option<State>,
    ) -> State {
        let Weighed { fragments, greatest, weights, decay } = weighed;
        let mut answer = match (before, decay) {
            (Some(State { answer, .. }), Some(decay)) => {
                let rows = answer.into_iter().zip(decay);
                rows.map(|(row, decay)| {
                    row.into_iter().map(|sums| shrunk(b, sums, decay)).collect()
                })
                .collect()
            }
            _ => vec![vec![no_sums(b); self.schedule.head_products()]; fragments.len()],
        };
        for step in 0..(self.schedule.keys / MMA[2]) as usize {
            self.add_step(b, (&fragments, step), values, &mut answer);
        }
        State { greatest, weights, answer }
    }

    /// The values of 16 keys, which become columns as they are read.
    fn add_step(
        &self,
        b: &mut Builder,
        (fragments, step): (&[Vec<Vec<Vec<Value>>>], usize),
        values: Value,
        answer: &mut [Vec<Sums>],
    ) {
        let schedule = &self.schedule;
        let columns = schedule.head_products();
        for first in (0..columns).step_by(2) {
            let count = if first + 1 < columns { 4 } else { 2 };
            let parts: Vec<Vec<Value>> = (0..schedule.parts())
                .map(|part| {
                    let part = b.offset_constant(values, part * schedule.keys_bytes());
                    let place = (MMA[2] * step as i64, first as i64 / 2);
                    let from = self.values.at(b, part, place);
                    read_matrices(b, from, Matrices { count, transposed: true })
                })
                .collect();
            for number in 0..count / 2 {
                for (row, weights) in answer.iter_mut().zip(fragments) {
                    let sums = &mut row[first + number];
                    for (of_weight, of_value) in schedule.arithmetic.products() {
                        let value = &parts[*of_value][2 * number..2 * number + 2];
                        let operands = (&weights[step][*of_weight][..], value);
                        *sums = schedule.arithmetic.multiply(b, operands, *sums);
                    }
                }
            }
        }
    }
}

/// Sums of a row and of the eighth behind it, times a factor of each.
fn shrunk(b: &mut Builder, sums: Sums, decay: [Value; 2]) -> Sums {
    let mut position = 0;
    sums.map(|sum| {
        position += 1;
        b.mul(sum, decay[(position - 1) / 2])
    })
}
