//! A warp walks the columns of a row side by side: neighbors in memory are neighbors among its threads, each with as many
//! columns as lie aligned, and what is left over with one.

use super::{Columns, Combine, Width};
use crate::WARP;
use crate::entry::{all_lanes, lane};
use crate::mlir::{Builder, Type, Value};

/// Each thread has every 32nd run of columns.
pub(super) fn for_columns(
    b: &mut Builder,
    columns: Columns,
    mut body: impl FnMut(&mut Builder, Value, u32),
) {
    for Runs { first, end, step, lanes } in runs(b, columns) {
        b.for_each((first, end, step), |b, column| body(b, column, lanes));
    }
}

/// Each thread has every 32nd column of an interval.
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
    columns: Columns,
    (identity, combine): (f64, Combine),
    mut body: impl FnMut(&mut Builder, Value, u32) -> Value,
) -> Value {
    let mut own = b.splat(identity, Type::F32);
    for Runs { first, end, step, lanes } in runs(b, columns) {
        let none = b.splat(identity, Type::f32s(lanes));
        let folded = b.for_loop((first, end, step), &[none], |b, column, folded| {
            let value = body(b, column, lanes);
            vec![combine(b, folded[0], value)]
        });
        let folded = b.fold_lanes(folded[0], combine);
        own = combine(b, own, folded);
    }
    fold_threads(b, own, 1, combine)
}

/// The runs of columns that a thread has: from its first on, so far apart, each of so many.
struct Runs {
    first: Value,
    end: Value,
    step: i64,
    lanes: u32,
}

/// All that lie aligned, then what is left over.
fn runs(b: &mut Builder, Columns { width, at_once }: Columns) -> Vec<Runs> {
    let lanes = i64::from(at_once);
    let (lane, end) = (lane(b), end(b, width));
    let runs_of = |b: &mut Builder, (from, end): (Value, Value), lanes: i64| {
        let own = b.mul_constant(lane, lanes);
        let first = b.add(from, own);
        Runs { first, end, step: WARP * lanes, lanes: lanes as u32 }
    };
    let zero = b.i64(0);
    match width {
        _ if lanes == 1 => vec![runs_of(b, (zero, end), 1)],
        Width::Static(width) if width % lanes == 0 => vec![runs_of(b, (zero, end), lanes)],
        Width::Static(_) | Width::Dynamic(_) => {
            let count = b.i64(lanes);
            let rest = b.rem(end, count);
            let whole = b.sub(end, rest);
            vec![runs_of(b, (zero, whole), lanes), runs_of(b, (whole, end), 1)]
        }
    }
}

/// The numbers of the threads that are a multiple of `apart` from each other combined, in each of them. Each step combines what
/// two halves have, so all get the same bits.
pub(crate) fn fold_threads(b: &mut Builder, own: Value, apart: i64, combine: Combine) -> Value {
    let all = all_lanes(b);
    let clamp = b.splat((WARP - 1) as f64, Type::I32);
    let mut folded = own;
    for distance in [16, 8, 4, 2, 1].into_iter().filter(|distance| *distance >= apart) {
        let distance = b.integer(distance, Type::I32);
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
