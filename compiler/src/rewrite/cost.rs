//! How long a launch takes on a target: the roofline, and the price of launching.

use super::target::TargetDescription;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::{Work, work};
use std::convert::Infallible;

/// What bounds a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Bytes.
    Memory,
    /// Handing it over takes longest.
    Launch,
}

impl Bound {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Bound::Compute => "compute",
            Bound::Memory => "memory",
            Bound::Launch => "launch",
        }
    }
}

/// The predicted cost of a launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// FLOPs, of matrix products and others.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Microseconds: `max(FLOPs / rate, bytes / bandwidth) + launch`.
    pub microseconds: f64,
    /// What bounds it.
    pub bound: Bound,
}

impl Prediction {
    /// The cost in whole picoseconds: sums of integers do not depend on their order.
    pub fn picoseconds(&self) -> u128 {
        (self.microseconds * 1e6).round() as u128
    }
}

/// What the cost model knows of a launch: in closed form over the symbols (`Dim`), or at one size (`f64`).
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchCost<T> {
    /// The kernel family.
    pub family: &'static str,
    /// How the operands are stored.
    pub element: ElementType,
    /// FLOPs.
    pub flops: T,
    /// Bytes read and written.
    pub bytes: T,
}

/// A launch at one size.
pub type Quantities = LaunchCost<f64>;

impl LaunchCost<Dim> {
    /// The launch of a kernel on operands of those types.
    pub fn of(op: &KernelOp, operands: &[TensorType], result: &TensorType) -> Self {
        let Work { flops, bytes } = work(op, operands, result);
        let element = operands.first().map_or(result.element, |operand| operand.element);
        LaunchCost { family: op.family(), element, flops, bytes }
    }

    /// The quantities where the symbols have those values. The error is a dimension with a symbol that has none.
    pub fn at(&self, at: &Bindings) -> Result<Quantities, Dim> {
        self.try_map(&|dim| value(dim, at))
    }
}

impl<T> LaunchCost<T> {
    /// The same launch with its quantities said otherwise.
    pub fn map<U>(&self, map: &impl Fn(&T) -> U) -> LaunchCost<U> {
        match self.try_map(&|quantity| Ok::<U, Infallible>(map(quantity))) {
            Ok(mapped) => mapped,
            Err(never) => match never {},
        }
    }

    /// The same where one of them may have no such form.
    pub fn try_map<U, E>(&self, map: &impl Fn(&T) -> Result<U, E>) -> Result<LaunchCost<U>, E> {
        Ok(LaunchCost {
            family: self.family,
            element: self.element,
            flops: map(&self.flops)?,
            bytes: map(&self.bytes)?,
        })
    }
}

/// What a launch takes.
pub fn predict(launch: &Quantities, target: &TargetDescription) -> Prediction {
    let Quantities { family, element, flops, bytes } = *launch;
    let efficiency = target.efficiency(family);
    let multiplies_matrices = matches!(family, "gemm" | "batched_gemm" | "attention");
    // The efficiency is of what bounds the family: arithmetic of products, bytes of all else.
    let (rate, bandwidth) = if multiplies_matrices {
        (target.matrix_rate(element) * efficiency, target.bandwidth_gb_per_s)
    } else {
        (target.elementwise_gflops, target.bandwidth_gb_per_s * efficiency)
    };
    // A thousand FLOPs take a microsecond at one GFLOP/s; so do a thousand bytes at one GB/s.
    let compute = flops / (rate * 1e3);
    let memory = bytes / (bandwidth * 1e3);
    let longest = compute.max(memory);
    let bound = if target.launch_us >= longest {
        Bound::Launch
    } else if compute >= memory {
        Bound::Compute
    } else {
        Bound::Memory
    };
    Prediction { flops, bytes, microseconds: longest + target.launch_us, bound }
}

/// The value of a dimension as a real number: sizes near the end of a range leave what an integer holds.
fn value(dim: &Dim, at: &Bindings) -> Result<f64, Dim> {
    dim.terms().try_fold(0.0, |sum, (coefficient, symbols)| {
        let product = symbols.iter().try_fold(coefficient as f64, |product, symbol| {
            at.get(symbol).map(|value| product * *value as f64).ok_or_else(|| dim.clone())
        })?;
        Ok(sum + product)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::symbolic::Symbol;

    #[test]
    fn the_roofline_has_two_sides_and_a_floor() {
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let images = Dim::symbol(&Symbol::new("images"));
        let at = Bindings::from([(Symbol::new("images"), 4)]);
        let launch = |flops: i64, bytes: i64| LaunchCost {
            family: "gemm",
            element: ElementType::F32,
            flops: images.clone() * Dim::from(flops),
            bytes: images.clone() * Dim::from(bytes),
        };
        let cost = |flops, bytes| predict(&launch(flops, bytes).at(&at).unwrap(), &target);
        let compute = cost(480_000_000, 1000);
        assert_eq!(compute.bound, Bound::Compute);
        assert!((compute.microseconds - (4000.0 / 0.85 + 3.0)).abs() < 1e-6);
        assert_eq!(cost(1000, 30_000_000).bound, Bound::Memory);
        assert_eq!(cost(1, 1).bound, Bound::Launch);
        assert!(launch(1, 1).at(&Bindings::new()).is_err());
    }
}
