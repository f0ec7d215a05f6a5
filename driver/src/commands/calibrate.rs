//! `ocellus calibrate`: measures this machine, for the cost model.

use crate::bounded;
use crate::diagnostic::Diagnostic;
use crate::output;
use crate::progress::StageProgress;
use ocellus::calibrate::calibrate;
use ocellus::runtime::Options;
use ocellus::runtime::devices::cpu::processor_name;
use ocellus::{CpuTarget, Target};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Measure this machine's rates, for `--machine`
///
/// Kernels and the sizes at which they change are chosen by predicted times. Without `--machine`, the predictions are
/// those of a machine like it. Run this on an idle machine: it takes about half a minute.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file to write; standard output where it is not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Whose kernels to measure: `cpu` for the best that this machine can run, or `cpu:<name>`
    #[arg(long, default_value = "cpu", value_parser = cpu)]
    target: CpuTarget,

    /// How many threads to measure with; all cores where it is not given
    #[arg(long, value_name = "N", value_parser = bounded::threads)]
    threads: Option<NonZeroUsize>,
}

fn cpu(name: &str) -> Result<CpuTarget, String> {
    match Target::from_name(name) {
        Ok(Target::Cpu(cpu)) => Ok(cpu),
        Ok(Target::Nvidia(_)) => Err(format!("only CPUs are measured, and `{name}` is a GPU")),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let output = arguments.output.as_deref().map(output::open).transpose()?;
    let threads = arguments.threads.map_or(Options::default().threads, NonZeroUsize::get);
    let processor = processor_name().unwrap_or_else(|| "a processor without a name".into());
    let mut stages = StageProgress::new(14);
    let measured =
        calibrate(&processor, arguments.target, threads, &mut |what| stages.begin(what))?;
    drop(stages);
    let text = format!("# Measured by `ocellus calibrate` with {threads} thread(s).\n{measured}");
    match output {
        Some(output) => output::write(output, text.as_bytes()),
        None => output::print_exactly(&text),
    }
}
