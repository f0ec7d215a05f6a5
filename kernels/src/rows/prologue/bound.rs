//! What happens to a row before the kernel proper reads it: statistics first, then a function of each element.

use super::{Affine, RowPrologue};
use crate::Target;
use crate::arguments::Placed;
use crate::mlir::{Builder, Type, Value};
use crate::rows::strided::BoundColumns;
use crate::vector::{self, Columns, Width, fold_columns, for_columns};
use ocellus_dialects::ElementType;

/// A prologue at run time.
#[derive(Clone, Debug)]
pub struct BoundPrologue {
    prologue: RowPrologue<Placed>,
    weight: Option<BoundColumns>,
    bias: Option<BoundColumns>,
    /// Elements from one slice to the next.
    slice_stride: Option<Value>,
}

/// What a prologue knows of one row, as scalars.
#[derive(Clone, Copy, Debug)]
enum Statistics {
    None,
    Normalize { shift: Value, scale: Value },
    Scale { scale: Value },
    Exponentials { maximum: Value, reciprocal: Value },
}

impl Statistics {
    /// What a norm multiplies the row by.
    fn scale(self) -> Option<Value> {
        match self {
            Statistics::Normalize { scale, .. } | Statistics::Scale { scale } => Some(scale),
            Statistics::None | Statistics::Exponentials { .. } => None,
        }
    }
}

impl BoundPrologue {
    /// The prologue, of whose operands the argument block is given.
    pub(crate) fn load(b: &mut Builder, block: Value, prologue: &RowPrologue<Placed>) -> Self {
        let mut bound = BoundPrologue {
            prologue: prologue.clone(),
            weight: None,
            bias: None,
            slice_stride: None,
        };
        match prologue {
            RowPrologue::LayerNorm { affine: Some(Affine { weight, bias }), .. } => {
                bound.weight = Some(BoundColumns::load(b, block, weight));
                bound.bias = Some(BoundColumns::load(b, block, bias));
            }
            RowPrologue::RmsNorm { weight: Some(weight), .. } => {
                bound.weight = Some(BoundColumns::load(b, block, weight));
            }
            RowPrologue::SumSlices { stride, .. } => {
                bound.slice_stride = Some(stride.load(b, block));
            }
            RowPrologue::LayerNorm { affine: None, .. }
            | RowPrologue::RmsNorm { weight: None, .. }
            | RowPrologue::None
            | RowPrologue::NormScale { .. }
            | RowPrologue::Cast { .. }
            | RowPrologue::Softmax => {}
        }
        bound
    }

    /// Whether a row is read as it lies.
    pub fn is_none(&self) -> bool {
        matches!(self.prologue, RowPrologue::None)
    }

    /// Calls `body` with the first column of each piece of the row and what the prologue makes of it: one number where
    /// it makes one of the row.
    pub fn for_row(
        &self,
        b: &mut Builder,
        target: impl Into<Target>,
        (element, row): (ElementType, Value),
        columns: impl Into<Columns>,
        mut body: impl FnMut(&mut Builder, Value, Value),
    ) {
        let (target, columns) = (target.into(), columns.into());
        let statistics = self.statistics(b, target, (element, row), columns);
        if let (RowPrologue::NormScale { .. }, Some(scale)) = (&self.prologue, statistics.scale()) {
            let first = b.i64(0);
            return body(b, first, scale);
        }
        for_columns(b, target, columns, |b, column, lanes| {
            let pointer = vector::element_pointer(b, row, element, column);
            let x = vector::load(b, element, pointer, lanes);
            let x = self.add_slices(b, (element, pointer), x);
            let y = self.apply(b, statistics, column, x);
            body(b, column, y);
        });
    }

    /// The elements `x` of the first slice, which lie there, and those of the other slices.
    fn add_slices(
        &self,
        b: &mut Builder,
        (element, first): (ElementType, Value),
        x: Value,
    ) -> Value {
        let (RowPrologue::SumSlices { slices, .. }, Some(stride)) =
            (&self.prologue, self.slice_stride)
        else {
            return x;
        };
        let bytes = b.mul_constant(stride, element.bytes());
        let (mut pointer, mut sum) = (first, x);
        for _ in 1..*slices {
            pointer = b.offset(pointer, bytes);
            let other = vector::load(b, element, pointer, x.lanes());
            sum = b.add(sum, other);
        }
        sum
    }

    fn statistics(
        &self,
        b: &mut Builder,
        target: Target,
        (element, row): (ElementType, Value),
        columns: Columns,
    ) -> Statistics {
        let read = |b: &mut Builder, column: Value, lanes: u32| {
            let pointer = vector::element_pointer(b, row, element, column);
            vector::load(b, element, pointer, lanes)
        };
        match &self.prologue {
            RowPrologue::None | RowPrologue::Cast { .. } | RowPrologue::SumSlices { .. } => {
                Statistics::None
            }
            RowPrologue::LayerNorm { eps, .. } | RowPrologue::NormScale { centered: true, eps } => {
                let sum = fold_columns(b, target, columns, 0.0, Builder::add, read);
                let count = count(b, columns.width);
                let mean = b.div(sum, count);
                let squares =
                    fold_columns(b, target, columns, 0.0, Builder::add, |b, column, lanes| {
                        let x = read(b, column, lanes);
                        let mean = b.broadcast(mean, lanes);
                        let difference = b.sub(x, mean);
                        b.mul(difference, difference)
                    });
                let scale = reciprocal_root(b, squares, count, eps.get());
                Statistics::Normalize { shift: mean, scale }
            }
            RowPrologue::RmsNorm { eps, .. } | RowPrologue::NormScale { centered: false, eps } => {
                let squares =
                    fold_columns(b, target, columns, 0.0, Builder::add, |b, column, lanes| {
                        let x = read(b, column, lanes);
                        b.mul(x, x)
                    });
                let count = count(b, columns.width);
                Statistics::Scale { scale: reciprocal_root(b, squares, count, eps.get()) }
            }
            RowPrologue::Softmax => {
                let min = f64::NEG_INFINITY;
                let maximum = fold_columns(b, target, columns, min, Builder::max, read);
                let sum =
                    fold_columns(b, target, columns, 0.0, Builder::add, |b, column, lanes| {
                        let x = read(b, column, lanes);
                        exponential(b, x, maximum)
                    });
                let one = b.splat(1.0, Type::F32);
                let reciprocal = b.div(one, sum);
                Statistics::Exponentials { maximum, reciprocal }
            }
        }
    }

    fn apply(&self, b: &mut Builder, statistics: Statistics, column: Value, x: Value) -> Value {
        let lanes = x.lanes();
        match statistics {
            Statistics::None => x,
            Statistics::Normalize { shift, scale } => {
                let shift = b.broadcast(shift, lanes);
                let scale = b.broadcast(scale, lanes);
                let centered = b.sub(x, shift);
                let normal = b.mul(centered, scale);
                self.affine(b, column, normal)
            }
            Statistics::Scale { scale } => {
                let scale = b.broadcast(scale, lanes);
                let normal = b.mul(x, scale);
                self.affine(b, column, normal)
            }
            Statistics::Exponentials { maximum, reciprocal } => {
                let power = exponential(b, x, maximum);
                let reciprocal = b.broadcast(reciprocal, lanes);
                b.mul(power, reciprocal)
            }
        }
    }

    fn affine(&self, b: &mut Builder, column: Value, normal: Value) -> Value {
        let lanes = normal.lanes();
        match (self.weight, self.bias) {
            (Some(weight), Some(bias)) => {
                let (weight, bias) = (weight.read(b, column, lanes), bias.read(b, column, lanes));
                b.fma(normal, weight, bias)
            }
            (Some(weight), None) => {
                let weight = weight.read(b, column, lanes);
                b.mul(normal, weight)
            }
            (None, _) => normal,
        }
    }
}

fn exponential(b: &mut Builder, x: Value, maximum: Value) -> Value {
    let maximum = b.broadcast(maximum, x.lanes());
    let difference = b.sub(x, maximum);
    vector::exp(b, difference)
}

/// The width as f32.
fn count(b: &mut Builder, width: Width) -> Value {
    match width {
        Width::Static(width) => b.splat(width as f64, Type::F32),
        Width::Dynamic(width) => b.to_float(width),
    }
}

/// `1 / sqrt(sum / count + eps)`; NaN where the sum of squares is beyond f32. Its root would make zeros of the row, and
/// they would look like an answer.
fn reciprocal_root(b: &mut Builder, sum: Value, count: Value, eps: f64) -> Value {
    let mean = b.div(sum, count);
    let eps = b.splat(eps, Type::F32);
    let mean = b.add(mean, eps);
    let root = b.sqrt(mean);
    let one = b.splat(1.0, Type::F32);
    let reciprocal = b.div(one, root);
    let zero_if_finite = b.sub(mean, mean);
    b.add(reciprocal, zero_if_finite)
}
