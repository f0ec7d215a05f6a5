//! [`TargetDescription`]: what a machine can do, from a TOML file. The cost model knows nothing else of it.

use super::error::RewriteError;
use super::real::Real;
use ocellus_dialects::ElementType;
use ocellus_kernels::Target;
use serde::{Deserialize, Serialize};

/// A machine's rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetDescription {
    /// What people call the machine.
    pub name: String,
    /// The target that kernels are written for: what `--target` takes, without `cpu:`.
    pub isa: String,
    /// Cores or streaming multiprocessors: tiles of a launch run on all of them.
    pub units: u32,
    /// Microseconds from one launch to the next, beside the work.
    pub launch_us: f64,
    /// GFLOP/s of arithmetic on rows, such as norms, all units together.
    pub row_gflops: f64,
    /// GFLOP/s of arithmetic on elements, such as activations, all units together.
    pub elementwise_gflops: f64,
    /// Of the bandwidth, the share that row-wise kernels and moves reach.
    pub bandwidth_share: BandwidthShare,
    /// GFLOP/s of attention by tile, all units together. A tile that is not listed is taken to reach what the listed one nearest
    /// in size does.
    pub attention: Vec<AttentionRates>,
    /// GFLOP/s of products of activations, all units together.
    pub batched_gemm: Rates,
    /// Of two products in one launch.
    pub back_to_back_gemm: Rates,
    /// GFLOP/s of products with weights by tile, all units together. A tile that is not listed is taken to reach what the
    /// listed one nearest in size does.
    pub gemm: Vec<TileRates>,
    /// Where activations lie between launches, the smallest level first. The last holds everything.
    pub memory: Vec<MemoryLevel>,
}

/// GFLOP/s by the storage of the operands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rates {
    pub f32: f64,
    pub bf16: f64,
    pub f16: f64,
}

impl Rates {
    /// The rate for that storage.
    pub fn of(&self, element: ElementType) -> f64 {
        match element {
            // There is no product of indices.
            ElementType::F32 | ElementType::I32 => self.f32,
            ElementType::BF16 => self.bf16,
            ElementType::F16 => self.f16,
        }
    }

    fn all(self) -> [f64; 3] {
        [self.f32, self.bf16, self.f16]
    }

    fn times(self, factor: f64) -> Self {
        Rates { f32: self.f32 * factor, bf16: self.bf16 * factor, f16: self.f16 * factor }
    }
}

/// GFLOP/s of attention whose tiles have so many queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionRates {
    /// Queries of a tile.
    pub queries: i64,
    /// What such an attention reaches, its softmax among it.
    pub gflops: Rates,
    /// Microseconds that a unit takes for a tile beside its products.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tile_us: f64,
}

/// GFLOP/s of a gemm whose tiles have that size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TileRates {
    /// Rows of the result in a tile.
    pub rows: i64,
    /// Columns of the result in a tile.
    pub columns: i64,
    /// What such a gemm reaches.
    pub gflops: Rates,
    /// Microseconds that a unit takes for a tile beside its products: until the first operands are there, and behind the
    /// last product.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tile_us: f64,
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// How fast products are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixRate {
    /// GFLOP/s, all units together.
    pub gflops: f64,
    /// Microseconds that a unit takes for a tile beside its products.
    pub tile_us: f64,
}

impl MatrixRate {
    /// That of a description that lists no tile, which none does that was read.
    const SLOWEST: Self = MatrixRate { gflops: 1.0, tile_us: 0.0 };
}

/// Shares of a bandwidth, in `0 < share <= 1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandwidthShare {
    /// Of norms, softmax, element-wise chains.
    pub rowwise: f64,
    /// Of moves.
    pub r#move: f64,
}

/// A cache, or memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryLevel {
    /// Bytes that it holds, over all units; without, everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// Gigabytes a second to all units together.
    pub gb_per_s: f64,
}

const BUILT_IN: &[&str] = &[
    include_str!("../targets/x86-64-v3.toml"),
    include_str!("../targets/x86-64-v4.toml"),
    include_str!("../targets/x86-64-v4-bf16.toml"),
    include_str!("../targets/sapphirerapids.toml"),
    include_str!("../targets/a100.toml"),
    include_str!("../targets/a10.toml"),
    include_str!("../targets/l4.toml"),
    include_str!("../targets/rtx-4090.toml"),
    include_str!("../targets/h100.toml"),
    include_str!("../targets/h200.toml"),
    include_str!("../targets/rtx-5090.toml"),
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
        for machine in TargetDescription::built_in() {
            let machine = machine?;
            if machine.name == name {
                return Ok(machine);
            }
            names.push(machine.name);
        }
        let reason = format!("there is none of that name; there are {}", names.join(", "));
        Err(RewriteError::Target { name: format!("`{name}`"), reason })
    }

    /// The description that Ocellus brings along for machines of a target. Where it has several, the first.
    pub fn of(target: impl Into<Target>) -> Result<Self, RewriteError> {
        let target = target.into();
        for machine in TargetDescription::built_in() {
            if let Some(machine) = machine?.running(target) {
                return Ok(machine);
            }
        }
        let reason = "there are no rates of a machine that runs it".to_string();
        Err(RewriteError::Target { name: format!("`{}`", target.isa()), reason })
    }

    /// The machine as it runs kernels for a target; `None` where it is not described for that.
    pub fn running(self, target: Target) -> Option<Self> {
        let own = Target::of_isa(&self.isa)?;
        match (own == target, own.with_tf32() == Some(target)) {
            (true, _) => Some(self),
            (false, true) => Some(self.with_tf32(target)),
            (false, false) => None,
        }
    }

    /// The same GPU for the target where f32 is rounded to tf32 before it is multiplied. Its rates of f32 are those of three
    /// products of bf16, and tensor cores multiply tf32 at half the rate of bf16.
    fn with_tf32(mut self, target: Target) -> Self {
        let faster = |rates: &mut Rates| rates.f32 = rates.f32.max(0.5 * rates.bf16);
        self.attention.iter_mut().for_each(|tile| faster(&mut tile.gflops));
        faster(&mut self.batched_gemm);
        faster(&mut self.back_to_back_gemm);
        self.gemm.iter_mut().for_each(|tile| faster(&mut tile.gflops));
        self.isa = target.isa();
        self
    }

    /// The names of the descriptions that Ocellus brings along.
    pub fn names() -> Result<Vec<String>, RewriteError> {
        TargetDescription::built_in().map(|machine| Ok(machine?.name)).collect()
    }

    fn built_in() -> impl Iterator<Item = Result<Self, RewriteError>> {
        BUILT_IN.iter().map(|text| TargetDescription::parse("built in", text))
    }

    /// What kernels are written for.
    pub fn kernels_target(&self) -> Result<Target, RewriteError> {
        Target::of_isa(&self.isa).ok_or_else(|| RewriteError::Target {
            name: self.name.clone(),
            reason: format!("its isa, `{}`, is none that kernels are written for", self.isa),
        })
    }

    /// The same machine with another number of cores, each as fast. Main memory is shared, and stays.
    pub fn with_units(mut self, units: u32) -> Self {
        let factor = f64::from(units.max(1)) / f64::from(self.units);
        self.units = units.max(1);
        self.row_gflops *= factor;
        self.elementwise_gflops *= factor;
        for tile in &mut self.attention {
            tile.gflops = tile.gflops.times(factor);
        }
        self.batched_gemm = self.batched_gemm.times(factor);
        self.back_to_back_gemm = self.back_to_back_gemm.times(factor);
        for tile in &mut self.gemm {
            tile.gflops = tile.gflops.times(factor);
        }
        if let Some((_memory, caches)) = self.memory.split_last_mut() {
            for cache in caches {
                cache.gb_per_s *= factor;
            }
        }
        self
    }

    /// The rate of a gemm with tiles of that many rows and columns.
    pub fn gemm_rate(&self, element: ElementType, (rows, columns): (i64, i64)) -> MatrixRate {
        let distance =
            |tile: &TileRates| doublings(tile.rows, rows) + doublings(tile.columns, columns);
        let rate = |tile: &TileRates| MatrixRate {
            gflops: tile.gflops.of(element),
            tile_us: tile.tile_us,
        };
        nearest(&self.gemm, distance).map_or(MatrixRate::SLOWEST, rate)
    }

    /// The rate of an attention with tiles of that many queries.
    pub fn attention_rate(&self, element: ElementType, queries: i64) -> MatrixRate {
        let rate = |tile: &AttentionRates| MatrixRate {
            gflops: tile.gflops.of(element),
            tile_us: tile.tile_us,
        };
        nearest(&self.attention, |tile| doublings(tile.queries, queries))
            .map_or(MatrixRate::SLOWEST, rate)
    }

    /// Gigabytes a second to where that many bytes lie.
    pub fn bandwidth<T: Real>(&self, bytes: T) -> T {
        let farther = T::of(self.memory_bandwidth());
        self.memory.iter().rev().fold(farther, |farther, level| {
            let here = T::of(level.gb_per_s);
            level.bytes.map_or(here, |size| bytes.if_at_most(size, here, farther))
        })
    }

    /// Gigabytes a second to main memory: where weights come from.
    pub fn memory_bandwidth(&self) -> f64 {
        self.memory.last().map_or(1.0, |level| level.gb_per_s)
    }

    fn check(&self) -> Result<(), String> {
        self.kernels_target().map_err(|error| error.to_string())?;
        for (key, value, within) in self.numbers() {
            within.check(&key, value)?;
        }
        for (key, is_empty) in
            [("attention", self.attention.is_empty()), ("gemm", self.gemm.is_empty())]
        {
            if is_empty {
                return Err(format!("{key} must list at least one tile"));
            }
        }
        let Some((last, caches)) = self.memory.split_last() else {
            return Err("memory must have at least one level".into());
        };
        let sizes: Vec<f64> = caches.iter().map(|level| level.bytes.unwrap_or(0.0)).collect();
        let grows = sizes.windows(2).all(|pair| pair[0] < pair[1]);
        if last.bytes.is_some() || sizes.iter().any(|size| *size <= 0.0) || !grows {
            return Err(
                "memory lists levels by growing `bytes`; the last, and only it, has none".into()
            );
        }
        Ok(())
    }

    /// Every number of the file: its key, and where it must lie.
    fn numbers(&self) -> Vec<(String, f64, Bounds)> {
        let mut all = vec![
            ("units".to_string(), f64::from(self.units), UNITS),
            ("launch_us".to_string(), self.launch_us, LAUNCH),
            ("row_gflops".to_string(), self.row_gflops, RATE),
            ("elementwise_gflops".to_string(), self.elementwise_gflops, RATE),
            ("bandwidth_share.rowwise".to_string(), self.bandwidth_share.rowwise, SHARE),
            ("bandwidth_share.move".to_string(), self.bandwidth_share.r#move, SHARE),
        ];
        let mut rates = |key: &str, rates: Rates| {
            for (element, rate) in ["f32", "bf16", "f16"].into_iter().zip(rates.all()) {
                all.push((format!("{key}.{element}"), rate, RATE));
            }
        };
        for (position, tile) in self.attention.iter().enumerate() {
            rates(&format!("attention[{position}].gflops"), tile.gflops);
        }
        rates("batched_gemm", self.batched_gemm);
        rates("back_to_back_gemm", self.back_to_back_gemm);
        for (position, tile) in self.gemm.iter().enumerate() {
            rates(&format!("gemm[{position}].gflops"), tile.gflops);
        }
        for (position, tile) in self.attention.iter().enumerate() {
            all.push((format!("attention[{position}].queries"), tile.queries as f64, SIDE));
            all.push((format!("attention[{position}].tile_us"), tile.tile_us, LAUNCH));
        }
        for (position, tile) in self.gemm.iter().enumerate() {
            all.push((format!("gemm[{position}].rows"), tile.rows as f64, SIDE));
            all.push((format!("gemm[{position}].columns"), tile.columns as f64, SIDE));
            all.push((format!("gemm[{position}].tile_us"), tile.tile_us, LAUNCH));
        }
        for (position, level) in self.memory.iter().enumerate() {
            all.push((format!("memory[{position}].gb_per_s"), level.gb_per_s, RATE));
            let bytes =
                level.bytes.map(|bytes| (format!("memory[{position}].bytes"), bytes, BYTES));
            all.extend(bytes);
        }
        all
    }
}

/// The tile that lies nearest.
fn nearest<T>(tiles: &[T], distance: impl Fn(&T) -> f64) -> Option<&T> {
    tiles.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// How often one size must be doubled or halved to be the other.
fn doublings(size: i64, other: i64) -> f64 {
    (size.max(1) as f64 / other.max(1) as f64).log2().abs()
}

/// Where a number of a target description must lie, both ends included. Costs are then finite: a time is work divided by
/// a rate, and one that is infinite, or nothing divided by nothing, could not be compared.
#[derive(Clone, Copy)]
struct Bounds {
    min: f64,
    max: f64,
    unit: &'static str,
}

/// From a million operations or bytes a second to what no machine reaches.
const RATE: Bounds = Bounds { min: 1e-3, max: 1e9, unit: "billion a second" };
const UNITS: Bounds = Bounds { min: 1.0, max: 65_536.0, unit: "units" };
/// At most a second.
const LAUNCH: Bounds = Bounds { min: 0.0, max: 1e6, unit: "microseconds" };
const SHARE: Bounds = Bounds { min: 1e-3, max: 1.0, unit: "of the bandwidth" };
const SIDE: Bounds = Bounds { min: 1.0, max: 1e6, unit: "rows, columns or queries" };
const BYTES: Bounds = Bounds { min: 1.0, max: 1e18, unit: "bytes" };

impl Bounds {
    fn check(self, key: &str, value: f64) -> Result<(), String> {
        let Bounds { min, max, unit } = self;
        match (min..=max).contains(&value) {
            true => Ok(()),
            false => Err(format!("{key} is {value}; it must be from {min} to {max} {unit}")),
        }
    }
}

/// The file that [`TargetDescription::parse`] reads.
impl std::fmt::Display for TargetDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = toml::to_string(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&text)
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
            let text = target.to_string();
            assert_eq!(TargetDescription::parse("written", &text).unwrap(), target, "{text}");
        }
        for cpu in ocellus_kernels::CpuTarget::ALL {
            assert_eq!(TargetDescription::of(cpu).unwrap().name, cpu.name);
        }
        for gpu in ocellus_kernels::NvidiaTarget::ALL {
            let machine = TargetDescription::of(gpu).unwrap();
            assert_eq!(machine.kernels_target().unwrap(), gpu.into());
            let tf32 = ocellus_kernels::Target::from(gpu).with_tf32().unwrap();
            let faster = TargetDescription::of(tf32).unwrap();
            assert_eq!(faster.kernels_target().unwrap(), tf32);
            assert!(faster.gemm[0].gflops.f32 > machine.gemm[0].gflops.f32);
        }
    }

    #[test]
    fn rates_go_by_tile_and_bandwidth_by_what_is_touched() {
        let h100 = TargetDescription::named("h100").unwrap();
        let attention = |queries| h100.attention_rate(ElementType::BF16, queries);
        assert!(attention(64).gflops < attention(128).gflops);
        assert!(attention(64).tile_us < attention(128).tile_us);
        assert_eq!(attention(16), attention(64));
        let target = TargetDescription::named("x86-64-v4").unwrap();
        let default = target.gemm[0];
        let rate = |tile| target.gemm_rate(ElementType::F32, tile).gflops;
        assert_eq!(rate((default.rows, default.columns)), default.gflops.f32);
        assert_eq!(rate((default.rows - 1, default.columns + 1)), default.gflops.f32);
        let [small, large] = [1e3, 1e12].map(|bytes| target.bandwidth(bytes));
        assert!(small > large && large == target.memory_bandwidth());
        let twice = target.clone().with_units(2 * target.units);
        assert_eq!(
            twice.gemm_rate(ElementType::F32, (default.rows, default.columns)).gflops,
            2.0 * default.gflops.f32
        );
        assert_eq!(twice.memory_bandwidth(), target.memory_bandwidth());
    }

    #[test]
    fn a_description_that_cannot_be_is_refused() {
        let text = BUILT_IN[0].replace("launch_us = ", "launch_us = -");
        let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
        assert!(error.contains("my.toml") && error.contains("launch_us"), "{error}");
        let text = BUILT_IN[0].replace("launch_us", "launch_time");
        let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
        assert!(error.contains("launch_time"), "{error}");
        let text = BUILT_IN[0].replace("isa = \"", "isa = \"not-");
        let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
        assert!(error.contains("not-x86-64-v3"), "{error}");
        let error = TargetDescription::named("z80").unwrap_err().to_string();
        assert!(error.contains("z80") && error.contains("x86-64-v3"), "{error}");
    }

    /// Each number of a description that is absurd, in turn: the error names its key, its value and its bounds.
    #[test]
    fn every_number_is_finite_and_within_bounds() {
        let good = TargetDescription::named("x86-64-v4").unwrap();
        let text = toml::from_str::<toml::Table>(&good.to_string()).unwrap();
        let absurd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 1e-300];
        let mut refused = 0;
        for path in numbers(&toml::Value::Table(text.clone()), &[]) {
            let key = path.join(".");
            for value in absurd {
                let mut table = toml::Value::Table(text.clone());
                *at(&mut table, &path) = toml::Value::Float(value);
                let text = toml::to_string(&table).unwrap();
                let parsed = TargetDescription::parse("my.toml", &text);
                // The time from one launch to the next alone may be next to nothing.
                if key == "launch_us" && value == 1e-300 {
                    assert!(parsed.is_ok());
                    continue;
                }
                let error = parsed.unwrap_err().to_string();
                assert!(error.contains("my.toml"), "{key} = {value}: {error}");
                let is_integer =
                    ["units", "rows", "columns", "queries"].iter().any(|end| key.ends_with(end));
                let named = key.replace(".0.", "[0].").replace(".1.", "[1].");
                let says = format!("{named} is {value}; it must be from ");
                assert!(is_integer || error.contains(&says), "{key} = {value}: {error}");
                refused += 1;
            }
        }
        assert!(refused > 100, "{refused}");
        for (key, value) in [("units", "0"), ("units", "4294967295"), ("rows", "0")] {
            let line =
                good.to_string().lines().find(|line| line.starts_with(key)).unwrap().to_string();
            let text = good.to_string().replacen(&line, &format!("{key} = {value}"), 1);
            let error = TargetDescription::parse("my.toml", &text).unwrap_err().to_string();
            assert!(error.contains(&format!("{key} is {value}; it must be from 1 to")), "{error}");
        }
    }

    /// The path to each number of a file.
    fn numbers(value: &toml::Value, path: &[String]) -> Vec<Vec<String>> {
        let below = |key: String, value| numbers(value, &[path, &[key]].concat());
        match value {
            toml::Value::Table(table) => {
                table.iter().flat_map(|(key, value)| below(key.clone(), value)).collect()
            }
            toml::Value::Array(array) => {
                let values = array.iter().enumerate();
                values.flat_map(|(index, value)| below(index.to_string(), value)).collect()
            }
            toml::Value::Integer(_) | toml::Value::Float(_) => vec![path.to_vec()],
            _ => vec![],
        }
    }

    fn at<'a>(value: &'a mut toml::Value, path: &[String]) -> &'a mut toml::Value {
        path.iter().fold(value, |value, key| match key.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[key.as_str()],
        })
    }
}
