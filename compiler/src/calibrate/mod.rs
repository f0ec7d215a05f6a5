//! Measures a machine: the rates that the cost model predicts with.
//!
//! Each rate is that of one small program, compiled as any other and run on the runtime's own threads, so that what is
//! measured is what a launch in a model would reach. Medians of several runs; the machine should be idle.

mod caches;
mod microbenchmark;

use crate::passes::PassError;
use caches::Cache;
use microbenchmark::{Chain, Microbenchmark};
use ocellus_codegen::CodegenError;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{Family, GemmTile};
use ocellus_dialects::venc::VencError;
use ocellus_kernels::{CpuTarget, attention};
use ocellus_rewrite::{
    AttentionRates, BandwidthShare, MemoryLevel, Rates, RewriteError, TargetDescription, TileRates,
};
use ocellus_runtime::artifact::ArtifactError;
use ocellus_runtime::{LoadError, RunError};

/// A machine that could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// It cannot run what would be measured.
    #[error("this machine cannot run kernels for `{0}`: name a target that it can run")]
    Foreign(&'static str),
    /// A program was not valid: a defect of ours.
    #[error(transparent)]
    Venc(#[from] VencError),
    /// No kernels could be chosen.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// No host program could be made.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// No code could be made.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
    /// No artifact could be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The program could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no memory for what would be measured.
    #[error("there is no memory for the tensors that measure the bandwidth")]
    Memory,
    /// The program has no launch of the family that is measured: a defect of ours.
    #[error("the program that measures `{0}` launches no kernel of that family")]
    NoLaunch(Family),
}

/// Rows and width of tensors that lie in the second-level caches.
const RESIDENT: [i64; 2] = [384, 768];

/// Rows and width of a tensor that is next to no work, and of one that is twice as much.
const SMALL: [[i64; 2]; 2] = [[16, 1024], [32, 1024]];

/// Bytes that no cache holds.
const BEYOND_CACHES: i64 = 256 << 20;

/// Measures this machine with that many threads. `observe` hears what is measured next.
pub fn calibrate(
    name: &str,
    cpu: CpuTarget,
    threads: usize,
    observe: &mut dyn FnMut(&str),
) -> Result<TargetDescription, CalibrateError> {
    if !cpu.runs_here() {
        return Err(CalibrateError::Foreign(cpu.name));
    }
    let mut bench = Microbenchmark::new(cpu, threads)?;
    observe("launches");
    bench.launch_us = launch_us(&bench)?;
    observe("norms and activations");
    let rowwise = (ElementType::F32, Family::RowWise);
    let row_gflops = bench.gflops(rowwise, &RESIDENT, Chain::layer_norm)?;
    let elementwise_gflops = bench.gflops(rowwise, &RESIDENT, Chain::gelu)?;
    observe("bandwidth");
    let memory = memory_levels(&bench, &caches::of_this_machine(), threads)?;
    let r#move = move_share(&bench, &memory)?;
    observe("products of activations");
    let batched_gemm = by_element(|element| {
        bench.gflops((element, Family::BatchedGemm), &[12, 192, 192], Chain::matmul)
    })?;
    observe("two products in one launch");
    let mlp = [96 * threads as i64, 384];
    let back_to_back_gemm =
        by_element(|element| bench.gflops((element, Family::BackToBackGemm), &mlp, Chain::mlp))?;
    observe("attention");
    let attention = by_element(|element| {
        bench.gflops((element, Family::Attention), &[4, 384, 768], Chain::attention)
    })?;
    let attention =
        AttentionRates { queries: attention::CPU_TILE_QUERIES, gflops: attention, tile_us: 0.0 };
    observe("products with weights");
    let gemm = tile_rates(&bench)?;
    Ok(TargetDescription {
        name: name.to_string(),
        isa: cpu.name.to_string(),
        units: threads as u32,
        launch_us: rounded(bench.launch_us),
        row_gflops,
        elementwise_gflops,
        bandwidth_share: BandwidthShare { rowwise: 1.0, r#move },
        attention: vec![attention],
        batched_gemm,
        back_to_back_gemm,
        gemm,
        memory,
    })
}

/// What a launch takes beside its work: what is left of a small one where the work of twice as much is taken away.
fn launch_us(bench: &Microbenchmark) -> Result<f64, CalibrateError> {
    let [once, twice] = SMALL;
    let once = bench.microseconds(Family::RowWise, &once, Chain::scale)?;
    let twice = bench.microseconds(Family::RowWise, &twice, Chain::scale)?;
    // Noise must not make it nothing.
    Ok((2.0 * once - twice).max(0.1 * once))
}

/// The rate of a product with a weight for each size of its tiles.
fn tile_rates(bench: &Microbenchmark) -> Result<Vec<TileRates>, CalibrateError> {
    let tiles = bench.tiles();
    let f32 = bench.gemm_gflops(ElementType::F32, &tiles)?;
    let bf16 = bench.gemm_gflops(ElementType::BF16, &tiles)?;
    let f16 = bench.gemm_gflops(ElementType::F16, &tiles)?;
    let rates = f32.into_iter().zip(bf16).zip(f16);
    let of_tile = |(GemmTile { rows, columns, .. }, ((f32, bf16), f16))| TileRates {
        rows,
        columns,
        gflops: Rates { f32, bf16, f16 },
        tile_us: 0.0,
    };
    Ok(tiles.into_iter().zip(rates).map(of_tile).collect())
}

fn by_element(
    mut measure: impl FnMut(ElementType) -> Result<f64, CalibrateError>,
) -> Result<Rates, CalibrateError> {
    Ok(Rates {
        f32: measure(ElementType::F32)?,
        bf16: measure(ElementType::BF16)?,
        f16: measure(ElementType::F16)?,
    })
}

/// The bandwidth of each cache that a launch's bytes can fit in, as row-wise kernels see it, and of memory.
fn memory_levels(
    bench: &Microbenchmark,
    caches: &[Cache],
    threads: usize,
) -> Result<Vec<MemoryLevel>, CalibrateError> {
    let mut levels: Vec<MemoryLevel> = vec![];
    for cache in caches {
        // A cache of each core holds a part of what all cores work on.
        let copies = (threads / cache.shared_by.max(1)).max(1) as i64;
        let bytes = cache.bytes * copies;
        let gb_per_s = bench.bandwidth(Family::RowWise, bytes / 2)?;
        // A cache that is no faster than the one before it is none.
        levels.retain(|level| level.gb_per_s > gb_per_s && level.bytes < Some(bytes as f64));
        levels.push(MemoryLevel { bytes: Some(bytes as f64), gb_per_s });
    }
    let gb_per_s = bench.bandwidth(Family::RowWise, BEYOND_CACHES)?;
    levels.retain(|level| level.gb_per_s > gb_per_s);
    levels.push(MemoryLevel { bytes: None, gb_per_s });
    Ok(levels)
}

/// What a move reaches of the bandwidth of a row-wise kernel on as many bytes.
fn move_share(bench: &Microbenchmark, memory: &[MemoryLevel]) -> Result<f64, CalibrateError> {
    let Some(last) = memory.last() else { return Ok(1.0) };
    let moved = bench.bandwidth(Family::Move, BEYOND_CACHES)?;
    Ok(rounded((moved / last.gb_per_s).clamp(0.01, 1.0)))
}

/// Three digits: more would be noise.
fn rounded(value: f64) -> f64 {
    let scale = 10f64.powi(2 - value.abs().max(1e-9).log10().floor() as i32);
    (value * scale).round() / scale
}

/// The dimensions of a tensor of that many bytes, in rows of a width that encoders have.
fn shape_of(bytes: i64) -> [i64; 2] {
    const WIDTH: i64 = 1024;
    [(bytes / (4 * WIDTH)).max(1), WIDTH]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept() {
        assert_eq!([1.23456, 987.65, 0.0123456].map(rounded), [1.23, 988.0, 0.0123]);
    }

    /// The machine may be busy, so the figures are only asked to be possible. All of them take half a minute.
    #[test]
    fn each_family_can_be_measured() {
        let Some(cpu) = CpuTarget::host() else { return };
        let bench = Microbenchmark::new(cpu, 2).unwrap();
        let f32 = ElementType::F32;
        let figures = [
            launch_us(&bench),
            bench.gflops((f32, Family::RowWise), &RESIDENT, Chain::layer_norm),
            bench.gflops((ElementType::BF16, Family::BatchedGemm), &[2, 64, 64], Chain::matmul),
            bench.gflops((f32, Family::Attention), &[1, 96, 128], Chain::attention),
            bench.gflops((f32, Family::BackToBackGemm), &[24, 64], Chain::mlp),
            bench.bandwidth(Family::Move, 1 << 20),
        ];
        let tile = GemmTile::packed(48, 64);
        let gemm = bench.gemm_gflops(f32, &[tile, GemmTile::DEFAULT]).unwrap();
        for figure in figures.map(Result::unwrap).into_iter().chain(gemm) {
            assert!(figure.is_finite() && figure > 0.0, "{figure}");
        }
    }

    #[test]
    fn a_program_without_the_family_is_an_error() {
        let Some(cpu) = CpuTarget::host() else { return };
        let bench = Microbenchmark::new(cpu, 1).unwrap();
        let error = bench.microseconds(Family::Attention, &[8, 8], Chain::scale).unwrap_err();
        assert!(error.to_string().contains("`attention`"), "{error}");
    }
}
