//! [`RunOptions`]: where a compiled model runs, and with how much of the machine.

use crate::bounded;
use ocellus::runtime::Options;
use ocellus::runtime::devices::DeviceName;
use std::num::NonZeroUsize;

/// Where a compiled model runs, and with how much of the machine.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct RunOptions {
    /// Where to run: on the CPU (`cpu`), on an NVIDIA GPU (`cuda`, or `cuda:1` for the second), or on one that is simulated
    /// (`sim`); by default where the model was compiled for, the CPU before a GPU
    #[arg(long, value_name = "KIND")]
    pub device: Option<DeviceName>,

    /// Threads; by default one for each core
    #[arg(long, value_name = "N", value_parser = bounded::threads)]
    pub threads: Option<NonZeroUsize>,

    /// Copy the weights to memory of the process's own instead of reading them where the artifact is mapped: in large pages, by
    /// which calls of few images take up to a sixth less
    #[arg(long)]
    pub copy_weights: bool,
}

impl From<RunOptions> for Options {
    fn from(RunOptions { device, threads, copy_weights }: RunOptions) -> Self {
        let threads = threads.map_or(Options::default().threads, NonZeroUsize::get);
        let (kind, ordinal) = (device.map(|name| name.kind), device.map_or(0, |name| name.ordinal));
        Options { threads, device: kind, ordinal, target: None, copies_weights: copy_weights }
    }
}
