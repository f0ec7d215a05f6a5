//! Warps that share k add their sums, through shared memory: each takes the rows that it stores from all of them.

use super::Schedule;
use super::main_loop::WarpSums;
use super::thread::Thread;
use crate::WARP;
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::nvidia::barrier;

/// Bytes of a lane's sums of one product.
const LANE_BYTES: i64 = 16;

/// Bytes of a warp's.
const PRODUCT_BYTES: i64 = LANE_BYTES * WARP;

/// The sums of the rows that the warp stores, added in the order of the slices. Stages are no longer read when it begins.
pub(super) fn add(
    b: &mut Builder,
    schedule: &Schedule,
    thread: &Thread,
    memory: Value,
    sums: &WarpSums,
) -> WarpSums {
    let [rows, columns, _] = schedule.products();
    let slices = schedule.warps.slices;
    let own_rows = rows / slices;
    let warp_bytes = rows * columns * PRODUCT_BYTES;
    let lane = b.mul_constant(thread.in_block.lane, LANE_BYTES);
    let put = b.mul_constant(thread.in_block.warp, warp_bytes);
    let put = b.add(put, lane);
    let put = b.offset(memory, put);
    for (position, sum) in sums.iter().flatten().enumerate() {
        let to = b.offset_constant(put, position as i64 * PRODUCT_BYTES);
        let vector = b.vector(sum);
        b.store_aligned(vector, to, LANE_BYTES);
    }
    barrier(b);
    let take = b.mul_constant(thread.warp_in_slice, warp_bytes);
    let own = b.mul_constant(thread.slice, own_rows * columns * PRODUCT_BYTES);
    let take = b.add(take, own);
    let take = b.add(take, lane);
    let take = b.offset(memory, take);
    let slice_bytes = schedule.warps.rows * schedule.warps.columns * warp_bytes;
    let mut product = |position: i64| {
        let at = |slice: i64| slice * slice_bytes + position * PRODUCT_BYTES;
        let part = |b: &mut Builder, slice: i64| {
            let from = b.offset_constant(take, at(slice));
            b.load_aligned(from, Type::Vector(Scalar::F32, 4), LANE_BYTES)
        };
        let mut sum = part(b, 0);
        for slice in 1..slices {
            let other = part(b, slice);
            sum = b.add(sum, other);
        }
        [0, 1, 2, 3].map(|lane| b.lane(sum, lane))
    };
    let added = (0..own_rows)
        .map(|row| (0..columns).map(|column| product(row * columns + column)).collect())
        .collect();
    barrier(b);
    added
}
