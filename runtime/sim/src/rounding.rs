//! Rounding to formats narrower than f64, in every direction and once: from a value in f64 and what it lacks of the exact one.

/// The direction of rounding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rounding {
    NearestEven,
    NearestAway,
    Zero,
    Down,
    Up,
}

impl Rounding {
    /// What a suffix means, `rn` or `rni`.
    pub(crate) fn of(suffix: &str) -> Self {
        match suffix {
            "rz" | "rzi" => Rounding::Zero,
            "rm" | "rmi" => Rounding::Down,
            "rp" | "rpi" => Rounding::Up,
            "rna" => Rounding::NearestAway,
            _ => Rounding::NearestEven,
        }
    }
}

/// A binary format: the bits of its significand, and the exponents of the least and the largest normal number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Format {
    precision: i32,
    least: i32,
    largest: i32,
}

pub(crate) const F32: Format = Format { precision: 24, least: -126, largest: 127 };
pub(crate) const F16: Format = Format { precision: 11, least: -14, largest: 15 };
pub(crate) const BF16: Format = Format { precision: 8, least: -126, largest: 127 };
pub(crate) const TF32: Format = Format { precision: 11, least: -126, largest: 127 };

/// A value, and the sign of the exact one minus it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    pub value: f64,
    pub residual: f64,
}

impl Near {
    pub(crate) fn exact(value: f64) -> Self {
        Self { value, residual: 0.0 }
    }

    /// The sum, with what rounding took from it.
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let value = a + b;
        if !value.is_finite() {
            return Self::exact(value);
        }
        let of_b = value - a;
        Self { value, residual: (a - (value - of_b)) + (b - of_b) }
    }

    pub(crate) fn quotient(a: f64, b: f64) -> Self {
        let value = a / b;
        if !value.is_finite() || value == 0.0 || !b.is_finite() {
            return Self::exact(value);
        }
        Self { value, residual: (-value).mul_add(b, a) * b.signum() }
    }

    pub(crate) fn root(a: f64) -> Self {
        let value = a.sqrt();
        if !value.is_finite() || value == 0.0 {
            return Self::exact(value);
        }
        Self { value, residual: (-value).mul_add(value, a) }
    }
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023).clamp(1, 2046) as u64) << 52)
}

/// The nearest number of a format in a direction.
pub(crate) fn round(near: Near, format: Format, rounding: Rounding) -> f64 {
    let Near { value, residual } = near;
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let magnitude = value.abs();
    let more = residual * value.signum();
    let mut exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(-1022);
    let is_power = magnitude.to_bits() & ((1 << 52) - 1) == 0;
    if is_power && more < 0.0 {
        exponent -= 1;
    }
    let unit = power_of_two(exponent.max(format.least) - (format.precision - 1));
    let scaled = magnitude / unit;
    let (mut whole, mut part) = (scaled.trunc(), scaled.fract());
    if part == 0.0 && more < 0.0 {
        (whole, part) = (whole - 1.0, 0.75);
    }
    let is_between = part != 0.0 || more > 0.0;
    let is_up = match rounding {
        Rounding::NearestEven => {
            part > 0.5 || part == 0.5 && (more > 0.0 || more == 0.0 && whole % 2.0 == 1.0)
        }
        Rounding::NearestAway => part > 0.5 || part == 0.5 && more >= 0.0,
        Rounding::Zero => false,
        Rounding::Down => is_between && value < 0.0,
        Rounding::Up => is_between && value > 0.0,
    };
    let rounded = (whole + f64::from(u8::from(is_up))) * unit;
    let most = (2.0 - power_of_two(1 - format.precision)) * power_of_two(format.largest);
    if rounded > most {
        let stays = match rounding {
            Rounding::NearestEven | Rounding::NearestAway => false,
            Rounding::Zero => true,
            Rounding::Down => value > 0.0,
            Rounding::Up => value < 0.0,
        };
        return if stays { most } else { f64::INFINITY }.copysign(value);
    }
    rounded.copysign(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_is_what_the_machine_rounds_to() {
        for bits in (0..u32::MAX).step_by(1_000_003) {
            let value = f64::from(f32::from_bits(bits)) * (1.0 + 1e-9);
            let rounded = round(Near::exact(value), F32, Rounding::NearestEven);
            assert!(value.is_nan() || rounded == f64::from(value as f32), "{value}");
            let half = round(Near::exact(value), F16, Rounding::NearestEven);
            let bits = half::f16::from_f64_const(value);
            assert!(value.is_nan() || half == bits.to_f64(), "{value}: {half}");
        }
    }

    #[test]
    fn each_direction_goes_its_way() {
        let third = Near::quotient(1.0, 3.0);
        let [down, up] = [Rounding::Down, Rounding::Up].map(|r| round(third, BF16, r));
        assert!(down < 1.0 / 3.0 && up > 1.0 / 3.0);
        assert_eq!(up - down, power_of_two(-2 - 7));
        assert_eq!(
            round(Near::exact(-1.75), Format { precision: 1, ..BF16 }, Rounding::Zero),
            -1.0
        );
        assert_eq!(round(Near::exact(1e39), F32, Rounding::Zero), f64::from(f32::MAX));
        assert_eq!(round(Near::exact(1e39), F32, Rounding::NearestEven), f64::INFINITY);
        assert_eq!(round(Near::exact(-1e-50), F32, Rounding::Down), -f64::from(f32::from_bits(1)));
        // One less the least thing is below one.
        let below = Near::sum(1.0, -1e-40);
        assert_eq!(round(below, F32, Rounding::Zero), f64::from(1f32.next_down()));
        assert_eq!(round(below, F32, Rounding::NearestEven), 1.0);
        // A tie that is none.
        let above = Near::sum(1.0 + power_of_two(-8), 1e-40);
        assert_eq!(round(above, BF16, Rounding::NearestEven), 1.0 + power_of_two(-7));
        assert_eq!(round(Near::exact(1.0 + power_of_two(-8)), BF16, Rounding::NearestEven), 1.0);
        assert_eq!(
            round(Near::exact(1.0 + power_of_two(-11)), TF32, Rounding::NearestAway),
            1.0 + power_of_two(-10)
        );
    }
}
