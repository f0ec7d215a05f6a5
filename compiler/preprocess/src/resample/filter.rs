//! [`Filter`]: the functions by which Pillow weights the pixels around a point.
//!
//! What is written here is what Pillow computes, in its order of operations: another order can round a weight the other
//! way, and then a level.

use std::f64::consts::PI;

/// A filter: how much a pixel counts at a distance from the middle, both in pixels of the larger of the two images.
#[derive(Debug)]
pub struct Filter {
    /// From where on, on both sides, pixels do not count.
    pub support: f64,
    /// What a pixel counts at a distance.
    pub at: fn(f64) -> f64,
}

/// All pixels alike within half a pixel.
pub static BOX: Filter =
    Filter { support: 0.5, at: |x| if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 } };

/// A triangle.
pub static BILINEAR: Filter = Filter { support: 1.0, at: |x| (1.0 - x.abs()).max(0.0) };

/// A sinc in Hamming's window. Its two constants are floats of 32 bits.
pub static HAMMING: Filter = Filter {
    support: 1.0,
    at: |x| match x.abs() {
        0.0 => 1.0,
        x if x < 1.0 => {
            let x = x * PI;
            x.sin() / x * (f64::from(0.54f32) + f64::from(0.46f32) * x.cos())
        }
        _ => 0.0,
    },
};

/// The cubic convolution with a = -0.5, which is Catmull and Rom's.
pub static BICUBIC: Filter = Filter {
    support: 2.0,
    at: |x| {
        const A: f64 = -0.5;
        match x.abs() {
            x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    },
};

/// A sinc in the window of a sinc three times as wide.
pub static LANCZOS: Filter = Filter {
    support: 3.0,
    at: |x| if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 },
};

/// Costella's "Magic Kernel Sharp" of 2013.
pub static MKS2013: Filter = Filter {
    support: 2.5,
    at: |x| match x.abs() {
        x if x < 0.5 => 17.0 / 16.0 - 7.0 / 4.0 * square(x),
        x if x < 1.5 => (1.0 - x) * (7.0 / 4.0 - x),
        x if x < 2.5 => -1.0 / 8.0 * square(x - 5.0 / 2.0),
        _ => 0.0,
    },
};

/// Costella's "Magic Kernel Sharp" of 2021.
pub static MKS2021: Filter = Filter {
    support: 4.5,
    at: |x| match x.abs() {
        x if x < 0.5 => 577.0 / 576.0 - 239.0 / 144.0 * square(x),
        x if x < 1.5 => 35.0 / 36.0 * (x - 1.0) * (x - 239.0 / 140.0),
        x if x < 2.5 => 1.0 / 6.0 * (x - 2.0) * (65.0 / 24.0 - x),
        x if x < 3.5 => 1.0 / 36.0 * (x - 3.0) * (x - 15.0 / 4.0),
        x if x < 4.5 => -1.0 / 288.0 * square(x - 9.0 / 2.0),
        _ => 0.0,
    },
};

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    x.sin() / x
}

fn square(x: f64) -> f64 {
    x * x
}
