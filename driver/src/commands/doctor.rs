//! `ocellus doctor`: what this machine has and lacks.

use crate::diagnostic::Diagnostic;

use crate::output;
use ocellus::llvm;
use ocellus::nvidia::Assembler;
use ocellus::runtime::devices::cpu::{host_features, processor_name};
use ocellus::runtime::devices::cuda::{self, CudaError, Driver, DriverReport, Gpu};
use ocellus::{CpuTarget, Target};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Tell what this machine has and lacks
#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let machine = Machine::examine();
    if arguments.json {
        return output::print_json(&format!("{:#}", machine.json()));
    }
    output::print(&machine.text())
}

/// What was found.
struct Machine {
    processor: Option<String>,
    cores: usize,
    features: Vec<(&'static str, bool)>,
    targets: Vec<(String, bool)>,
    llvm: String,
    linker: Option<PathBuf>,
    hub_cache: Option<PathBuf>,
    gpus: Result<DriverReport, CudaError>,
    assembler: Option<PathBuf>,
}

impl Machine {
    fn examine() -> Self {
        Machine {
            processor: processor_name(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            features: processor_features(),
            targets: CpuTarget::ALL.map(|cpu| (Target::from(cpu).name(), cpu.runs_here())).to_vec(),
            llvm: llvm::llvm_version(),
            linker: llvm::find_linker(),
            hub_cache: Some(ocellus::hf::cache_folder()).filter(|folder| folder.is_dir()),
            gpus: cuda::examine(Driver::System),
            assembler: Assembler::find().map(|assembler| assembler.program),
        }
    }

    fn json(&self) -> Value {
        let features = self.features.iter().map(|(name, has)| ((*name).to_string(), json!(has)));
        let targets = self.targets.iter().map(|(name, runs)| (name.clone(), json!(runs)));
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "processor": self.processor,
            "cores": self.cores,
            "features": features.collect::<serde_json::Map<_, _>>(),
            "targets": targets.collect::<serde_json::Map<_, _>>(),
            "llvm": self.llvm,
            "linker": self.linker,
            "hub_cache": self.hub_cache,
            "gpus": self.gpus.as_ref().ok().map(gpus_json),
            "ptxas": self.assembler,
        })
    }

    fn text(&self) -> String {
        let has = |has: bool| if has { "yes" } else { "no" };
        let features = self.features.iter().map(|(name, is)| format!("{name} {}", has(*is)));
        let targets = self.targets.iter().map(|(name, runs)| format!("{name} {}", has(*runs)));
        let path = |path: &Option<PathBuf>, lacking: &str| {
            path.as_ref().map_or_else(|| lacking.to_string(), |path| path.display().to_string())
        };
        let lines = [
            ("ocellus", env!("CARGO_PKG_VERSION").to_string()),
            ("processor", self.processor.clone().unwrap_or_else(|| "unknown".into())),
            ("cores", self.cores.to_string()),
            ("features", features.collect::<Vec<_>>().join(", ")),
            ("targets", targets.collect::<Vec<_>>().join(", ")),
            ("llvm", self.llvm.clone()),
            ("linker", path(&self.linker, "none: install lld-22, or run `cargo xtask setup`")),
            ("hub cache", path(&self.hub_cache, "none yet")),
            ("ptxas", path(&self.assembler, "none: `pip install nvidia-cuda-nvcc` brings one")),
        ];
        let gpus = cuda::describe(&self.gpus).into_iter().map(|line| ("gpus", line));
        lines.into_iter().chain(gpus).map(|(name, value)| format!("{name:<11} {value}\n")).collect()
    }
}

/// Features that targets differ in, as LLVM names them, and whether this machine has them.
fn processor_features() -> Vec<(&'static str, bool)> {
    const OF_TARGETS: [&str; 8] =
        ["avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512bf16", "amx-tile", "amx-bf16"];
    let here = host_features();
    OF_TARGETS.map(|feature| (feature, here.contains(&feature))).to_vec()
}

/// The driver of NVIDIA's GPUs, and these.
fn gpus_json(DriverReport { version, gpus }: &DriverReport) -> Value {
    let gpu = |gpu: &Gpu| {
        json!({
            "name": gpu.name,
            "architecture": gpu.capability.architecture(),
            "memory_bytes": gpu.memory_bytes,
            "multiprocessors": gpu.multiprocessors,
        })
    };
    json!({ "cuda": version, "found": gpus.iter().map(gpu).collect::<Vec<_>>() })
}
