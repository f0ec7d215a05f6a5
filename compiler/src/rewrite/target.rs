//! [`TargetDescription`]: what a machine can do, from a TOML file. The cost model knows nothing else of it.

use super::error::RewriteError;
use ocellus_dialects::ElementType;
use ocellus_kernels::CpuTarget;
use serde::Deserialize;

/// A machine's rates.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetDescription {
    /// The name that `--target` takes.
    pub name: String,
    /// Cores or streaming multiprocessors: tiles of a launch run on all of them.
    pub units: u32,
    /// Microseconds from one launch to the next, beside the work.
    pub launch_us: f64,
    /// Gigabytes a second between memory and all units together.
    pub bandwidth_gb_per_s: f64,
    /// GFLOP/s of kernels without matrix products, all units together.
    pub elementwise_gflops: f64,
    /// GFLOP/s of matrix products by the storage of their operands, all units together.
    pub matrix_gflops: Rates,
    /// The share of those rates that each kernel family reaches.
    pub efficiency: Efficiency,
}

/// GFLOP/s by element type.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rates {
    pub f32: f64,
    pub bf16: f64,
    pub f16: f64,
}

/// Shares of a rate, by kernel family, in `0 < share <= 1`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Efficiency {
    pub gemm: f64,
    pub batched_gemm: f64,
    pub attention: f64,
    pub rowwise: f64,
    pub r#move: f64,
}

const BUILT_IN: &[&str] = &[
    include_str!("../../targets/x86-64-v3.toml"),
    include_str!("../../targets/x86-64-v4.toml"),
    include_str!("../../targets/x86-64-v4-bf16.toml"),
];

impl TargetDescription {
    /// Reads a description; `file` is named in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, RewriteError> {
        let error = |reason: String| RewriteError::Target { name: file.to_string(), reason };
        let target: TargetDescription =
            toml::from_str(text).map_err(|e| error(e.to_string().trim_end().to_string()))?;
        target.check().map_err(error)?;
        Ok(target)
    }

    /// The description of that name that Ocellus brings along.
    pub fn named(name: &str) -> Result<Self, RewriteError> {
        let mut names = vec![];
        for text in BUILT_IN {
            let target = TargetDescription::parse("built in", text)?;
            if target.name == name {
                return Ok(target);
            }
            names.push(target.name);
        }
        let reason = format!("there is none of that name; there are {}", names.join(", "));
        Err(RewriteError::Target { name: format!("`{name}`"), reason })
    }

    /// The description of a CPU that kernels are written for.
    pub fn of_cpu(cpu: &CpuTarget) -> Result<Self, RewriteError> {
        TargetDescription::named(cpu.name)
    }

    /// The same machine with another number of cores, each as fast. Bandwidth is shared, and stays.
    pub fn with_units(mut self, units: u32) -> Self {
        let factor = f64::from(units.max(1)) / f64::from(self.units);
        self.units = units.max(1);
        self.elementwise_gflops *= factor;
        for rate in
            [&mut self.matrix_gflops.f32, &mut self.matrix_gflops.bf16, &mut self.matrix_gflops.f16]
        {
            *rate *= factor;
        }
        self
    }

    /// GFLOP/s of matrix products on that storage.
    pub fn matrix_rate(&self, element: ElementType) -> f64 {
        match element {
            ElementType::F32 => self.matrix_gflops.f32,
            ElementType::BF16 => self.matrix_gflops.bf16,
            ElementType::F16 => self.matrix_gflops.f16,
        }
    }

    /// The share of its rate that a kernel family reaches.
    pub fn efficiency(&self, family: &str) -> f64 {
        match family {
            "gemm" => self.efficiency.gemm,
            "batched_gemm" => self.efficiency.batched_gemm,
            "attention" => self.efficiency.attention,
            "rowwise" => self.efficiency.rowwise,
            _ => self.efficiency.r#move,
        }
    }

    fn check(&self) -> Result<(), String> {
        let Efficiency { gemm, batched_gemm, attention, rowwise, r#move } = self.efficiency;
        let Rates { f32, bf16, f16 } = self.matrix_gflops;
        let rates = [f32, bf16, f16, self.bandwidth_gb_per_s, self.elementwise_gflops];
        if self.units == 0 || !rates.iter().all(|rate| rate.is_finite() && *rate > 0.0) {
            return Err("units and rates must be finite and above zero".into());
        }
        let shares = [gemm, batched_gemm, attention, rowwise, r#move];
        if !shares.iter().all(|share| *share > 0.0 && *share <= 1.0) {
            return Err("an efficiency must lie above 0 and be at most 1".into());
        }
        if !(self.launch_us.is_finite() && self.launch_us >= 0.0) {
            return Err("launch_us must be finite and not negative".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ocellus_brings_along_can_be_read() {
        for text in BUILT_IN {
            let target = TargetDescription::parse("built in", text).unwrap();
            assert_eq!(TargetDescription::named(&target.name).unwrap(), target);
        }
        for cpu in CpuTarget::ALL {
            assert_eq!(TargetDescription::of_cpu(&cpu).unwrap().name, cpu.name);
        }
    }

    #[test]
    fn a_description_that_cannot_be_is_refused() {
        let text = BUILT_IN[0].replace("launch_us = ", "launch_us = -");
        let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
        assert!(error.contains("my.toml") && error.contains("launch_us"), "{error}");
        let text = BUILT_IN[0].replace("launch_us", "launch_time");
        let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
        assert!(error.contains("launch_time"), "{error}");
        let error = TargetDescription::named("z80").unwrap_err().to_string();
        assert!(error.contains("z80") && error.contains("x86-64-v3"), "{error}");
    }
}
