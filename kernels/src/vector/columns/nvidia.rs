//! A warp walks the columns of a row side by side: neighbors in memory are neighbors among its threads.

use super::{Combine, Width};
use crate::WARP;
use crate::entry::{all_lanes, lane};
use crate::mlir::{Builder, Type, Value};

/// Each thread has every 32nd column.
pub(super) fn for_columns(
    b: &mut Builder,
    width: Width,
    mut body: impl FnMut(&mut Builder, Value, u32),
) {
    let (first, end) = (lane(b), end(b, width));
    b.for_each((first, end, WARP), |b, column| body(b, column, 1));
}

/// The same of an interval.
pub(super) fn for_each_column(
    b: &mut Builder,
    (first, end): (Value, Value),
    body: impl FnOnce(&mut Builder, Value),
) {
    let lane = lane(b);
    let first = b.add(first, lane);
    b.for_each((first, end, WARP), body);
}

/// Each thread combines its columns, then the threads theirs.
pub(super) fn fold_columns(
    b: &mut Builder,
    width: Width,
    (identity, combine): (f64, Combine),
    mut body: impl FnMut(&mut Builder, Value, u32) -> Value,
) -> Value {
    let (first, end) = (lane(b), end(b, width));
    let none = b.splat(identity, Type::f32s(1));
    let folded = b.for_loop((first, end, WARP), &[none], |b, column, folded| {
        let value = body(b, column, 1);
        vec![combine(b, folded[0], value)]
    });
    let own = b.lane(folded[0], 0);
    fold_warp(b, own, combine)
}

/// The numbers of all threads combined, in every thread. Each step combines what two halves have, so all get the same bits.
fn fold_warp(b: &mut Builder, own: Value, combine: Combine) -> Value {
    let all = all_lanes(b);
    let clamp = b.splat((WARP - 1) as f64, Type::I32);
    let mut folded = own;
    for distance in [16, 8, 4, 2, 1] {
        let distance = b.splat(f64::from(distance), Type::I32);
        let other =
            b.intrinsic("llvm.nvvm.shfl.sync.bfly.f32", &[all, folded, distance, clamp], Type::F32);
        folded = combine(b, folded, other);
    }
    folded
}

fn end(b: &mut Builder, width: Width) -> Value {
    match width {
        Width::Static(width) => b.i64(width),
        Width::Dynamic(width) => width,
    }
}
