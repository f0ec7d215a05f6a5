//! Which entries of one axis of a table make an entry of the resampled one, and with what weights, as
//! `torch.nn.functional.interpolate(align_corners=False)` has it (`UpSampleKernel.cpp`).
//!
//! Entry `i` of `native` lies at `(i + 1/2) / native`, entry `o` of `wanted` at `(o + 1/2) / wanted`. Their distance in
//! native entries is the fraction `((2i + 1) wanted - (2o + 1) native) / (2 wanted)`, whose numerator is computed in
//! integers; so no coordinate is ever rounded before it is compared.

use crate::Target;
use crate::entry::by_one_thread;
use crate::mlir::{Builder, Comparison, Type, Value};
use ocellus_dialects::venc::InterpolationFilter;

/// One axis of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Its length in the table.
    pub(super) native: i64,
    /// The length wanted, at run time.
    pub(super) wanted: Value,
    /// The weights.
    pub(super) filter: InterpolationFilter,
    /// Whether the filter is widened where the axis shrinks.
    pub(super) antialias: bool,
}

/// Two arrays in scratch memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    /// Which entry: `i64`.
    pub(super) indices: Value,
    /// Its weight: `f32`.
    pub(super) weights: Value,
    /// How many there are.
    pub(super) count: Value,
}

impl Taps {
    /// Which entry the tap at a place reads, and its weight.
    pub(super) fn at(&self, b: &mut Builder, place: Value) -> (Value, Value) {
        let index = element_at(b, self.indices, place, Type::I64);
        let weight = element_at(b, self.weights, place, Type::F32);
        (b.load(index, Type::I64), b.load(weight, Type::F32))
    }
}

/// The most taps that an axis of that length can have.
pub(super) fn most_taps(native: i64) -> i64 {
    native.max(4)
}

impl Axis {
    /// Entries on each side that the filter reaches.
    fn reach(&self) -> i64 {
        match self.filter {
            InterpolationFilter::Bilinear => 1,
            InterpolationFilter::Bicubic => 2,
        }
    }

    /// Writes the taps of entry `wanted_index` to the arrays.
    pub(super) fn emit(
        &self,
        b: &mut Builder,
        target: Target,
        wanted_index: Value,
        (indices, weights): (Value, Value),
    ) -> Taps {
        let twice = b.mul_constant(wanted_index, 2);
        let odd = b.add_constant(twice, 1);
        // `(2o + 1) native`, in halves of `1 / wanted` entries.
        let position = b.mul_constant(odd, self.native);
        let unit = self.unit(b);
        let (first, end) = match self.antialias {
            true => self.range_under_filter(b, position, unit),
            false => self.range_around(b, position),
        };
        let count = b.sub(end, first);
        by_one_thread(b, target, |b| {
            let sum = self.write(b, (first, end), (position, unit), (indices, weights));
            if self.antialias {
                divide(b, weights, count, sum);
            }
        });
        Taps { indices, weights, count }
    }

    /// Writes the taps of the entries `first..end` and gives the sum of their weights.
    fn write(
        &self,
        b: &mut Builder,
        (first, end): (Value, Value),
        (position, unit): (Value, Value),
        (indices, weights): (Value, Value),
    ) -> Value {
        let none = b.splat(0.0, Type::F32);
        let sum = b.for_loop((first, end, 1), &[none], |b, index, sum| {
            let distance = self.distance(b, index, position);
            let weight = self.weight(b, distance, unit);
            let place = b.sub(index, first);
            let max = b.i64(self.native - 1);
            let min = b.i64(0);
            // Outside, the border repeats; with antialiasing the range ends there.
            let inside = b.min(index, max);
            let inside = b.max(inside, min);
            store_at(b, indices, place, inside);
            store_at(b, weights, place, weight);
            vec![b.add(sum[0], weight)]
        });
        sum[0]
    }

    /// One entry, in the numerator's unit; the filter's unit, which antialiasing widens where the axis shrinks.
    fn unit(&self, b: &mut Builder) -> Value {
        let entries = match self.antialias {
            true => {
                let native = b.i64(self.native);
                b.max(self.wanted, native)
            }
            false => self.wanted,
        };
        b.mul_constant(entries, 2)
    }

    /// `|(2i + 1) wanted - (2o + 1) native|`
    fn distance(&self, b: &mut Builder, index: Value, position: Value) -> Value {
        let twice = b.mul_constant(index, 2);
        let odd = b.add_constant(twice, 1);
        let own = b.mul(odd, self.wanted);
        let difference = b.sub(own, position);
        let opposite = b.sub(position, own);
        b.max(difference, opposite)
    }

    /// `reach` entries on each side of the position, whether they exist or not.
    fn range_around(&self, b: &mut Builder, position: Value) -> (Value, Value) {
        let two_wanted = b.mul_constant(self.wanted, 2);
        // `floor(position / (2 wanted) - 1/2)`, with one added before the division and taken away after, for the
        // quotient is of numbers that are not negative.
        let shifted = b.add(position, self.wanted);
        let floor = b.div(shifted, two_wanted);
        let first = b.add_constant(floor, -self.reach());
        let end = b.add_constant(floor, self.reach());
        (first, end)
    }

    /// The entries at which the filter is not zero, and maybe one more on each side.
    fn range_under_filter(&self, b: &mut Builder, position: Value, unit: Value) -> (Value, Value) {
        let two_wanted = b.mul_constant(self.wanted, 2);
        let support = b.mul_constant(unit, self.reach());
        let zero = b.i64(0);
        let native = b.i64(self.native);
        let min = b.sub(position, support);
        let min = b.max(min, zero);
        let first = b.div(min, two_wanted);
        let max = b.add(position, support);
        let last = b.div(max, two_wanted);
        let end = b.add_constant(last, 1);
        (first, b.min(end, native))
    }

    /// The filter at `distance / unit`.
    fn weight(&self, b: &mut Builder, distance: Value, unit: Value) -> Value {
        let two_units = b.mul_constant(unit, 2);
        let inner = b.compare(Comparison::LessOrEqual, distance, unit);
        let outer = b.compare(Comparison::LessOrEqual, distance, two_units);
        let zero = b.splat(0.0, Type::F32);
        let x = quotient(b, distance, unit);
        let one = b.splat(1.0, Type::F32);
        match self.filter {
            InterpolationFilter::Bilinear => {
                let rest = b.sub(unit, distance);
                let weight = quotient(b, rest, unit);
                b.select(inner, weight, zero)
            }
            InterpolationFilter::Bicubic => {
                // Keys' convolution (doi:10.1109/TASSP.1981.1163711).
                let a = if self.antialias { -0.5 } else { -0.75 };
                // ((a + 2) x - (a + 3)) x^2 + 1
                let cubic = b.splat(a + 2.0, Type::F32);
                let square = b.splat(-(a + 3.0), Type::F32);
                let factor = b.fma(cubic, x, square);
                let x_squared = b.mul(x, x);
                let near = b.fma(factor, x_squared, one);
                // a x^3 - 5a x^2 + 8a x - 4a = a (x - 1) (2 - x)^2: each factor from integers, so nothing cancels.
                let beyond = b.sub(distance, unit);
                let beyond = quotient(b, beyond, unit);
                let left = b.sub(two_units, distance);
                let left = quotient(b, left, unit);
                let far = b.mul(left, left);
                let far = b.mul(far, beyond);
                let a = b.splat(a, Type::F32);
                let far = b.mul(far, a);
                let far = b.select(outer, far, zero);
                b.select(inner, near, far)
            }
        }
    }
}

/// Divides so many numbers of an array.
fn divide(b: &mut Builder, array: Value, count: Value, divisor: Value) {
    let one = b.splat(1.0, Type::F32);
    let factor = b.div(one, divisor);
    let zero = b.i64(0);
    b.for_each((zero, count, 1), |b, place| {
        let pointer = element_at(b, array, place, Type::F32);
        let number = b.load(pointer, Type::F32);
        let number = b.mul(number, factor);
        b.store(number, pointer);
    });
}

fn quotient(b: &mut Builder, numerator: Value, denominator: Value) -> Value {
    let numerator = b.to_float(numerator);
    let denominator = b.to_float(denominator);
    b.div(numerator, denominator)
}

/// The address of an element of an array.
fn element_at(b: &mut Builder, array: Value, index: Value, ty: Type) -> Value {
    let bytes = b.mul_constant(index, ty.scalar().bytes());
    b.offset(array, bytes)
}

/// Writes an element of an array.
pub(super) fn store_at(b: &mut Builder, array: Value, index: Value, value: Value) {
    let pointer = element_at(b, array, index, value.ty());
    b.store(value, pointer);
}
